"""The app for tests: in this process for a test client, or as a process of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "a-token-of-the-tests"


@dataclass(frozen=True)
class RunningApp:
    """An app that runs as a process.

    Attributes:
        process: The process.
        address: What it printed: the address of the page with the token.
        temporary: Its folder of temporary files.
    """

    process: "subprocess.Popen[str]"
    address: str
    temporary: Path

    @property
    def base(self) -> str:
        """The address without path and token."""
        parts = urlsplit(self.address)
        return f"http://{parts.netloc}"

    @property
    def port(self) -> int:
        """Its port."""
        return urlsplit(self.address).port or 0

    @property
    def token(self) -> str:
        """Its token."""
        return parse_qs(urlsplit(self.address).query)["token"][0]


@contextmanager
def running_app(folder: Path, *options: str) -> Iterator[RunningApp]:
    """Start `emorec app` on a free port; it is ended after the block.

    Args:
        folder: Folder of its temporary files.
        *options: Further options.
    """
    command = [sys.executable, "-m", "emorec", "app", "--no-browser", "--port", "0", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder)}
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=(folder / "stderr.txt").open("w"),
        env=environment,
        text=True,
        cwd=folder,
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address, (folder / "stderr.txt").read_text()
        yield RunningApp(process, address, folder)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process.stdout is not None:
            process.stdout.close()
