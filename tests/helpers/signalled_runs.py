"""Runs of `emorec` that a signal ends, and the search for what they leave behind."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

TESTS = str(Path(__file__).parents[1])

QUICK_PROGRAM = (
    "-c",
    """
import sys
sys.path.insert(0, sys.argv.pop(1))
from helpers.everything import quick_compact
quick = quick_compact()  # the reference keeps the context open
quick.__enter__()
from emorec.cli.main import run
run()
""",
    TESTS,
)
"""Arguments of Python for the command line with few layers in the architecture `compact`."""


class SignalledRun:
    """A process of `emorec` in a folder.

    Args:
        folder: Its current folder.
        words: Its arguments.
        quick: Train a smaller network.
        ignored: A signal that it ignores from its start, as with `nohup`.
    """

    def __init__(
        self,
        folder: Path,
        *words: str | Path,
        quick: bool = False,
        ignored: signal.Signals | None = None,
    ) -> None:
        self.folder = folder
        self._mark = f"EMOREC_TEST_MARK={uuid.uuid4()}"
        name, _, value = self._mark.partition("=")
        start = QUICK_PROGRAM if quick else ("-m", "emorec")

        def prepare() -> None:
            # A shell that runs the tests in the background ignores SIGINT for its children.
            signal.signal(signal.SIGINT, signal.default_int_handler)
            # The same for nohup and the other signals.
            signal.signal(signal.SIGHUP, signal.SIG_DFL)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            if ignored is not None:
                signal.signal(ignored, signal.SIG_IGN)

        self.process = subprocess.Popen(
            [sys.executable, *start, *map(str, words)],
            cwd=folder,
            env={**os.environ, name: value},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=prepare,
            start_new_session=True,
        )

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait for a moment of the run."""
        deadline = time.monotonic() + 120
        while not condition():
            if self.process.poll() is not None:
                raise AssertionError(f"it ended too early: {self.process.communicate()}")
            assert time.monotonic() < deadline
            time.sleep(0.005)

    def end(self, *numbers: signal.Signals, pause_s: float = 0.1) -> tuple[int, str, str]:
        """Send signals and wait for the end; return exit code, standard output and error."""
        for index, number in enumerate(numbers):
            if index:
                time.sleep(pause_s)
            self.process.send_signal(number)
        stdout, stderr = self.process.communicate(timeout=120)
        return self.process.returncode, stdout, stderr

    def processes(self) -> list[int]:
        """List the processes of this run that are alive: descendants inherit the environment."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                if self._mark.encode() in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue  # ended meanwhile, or of another user
        return found

    def left_after(self, seconds: float) -> list[int]:
        """Wait until no process of the run is left, or for some seconds; return those left."""
        deadline = time.monotonic() + seconds
        while (left := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.02)
        return left

    def partials(self) -> list[Path]:
        """List the temporary files, folders and locks in the folder of the run."""
        return [
            path
            for path in self.folder.rglob(".*")
            if "partial" in path.name or path.name.startswith(".lock")
        ]


def finished(folder: Path, *words: str | Path, quick: bool = False) -> str:
    """Run a command to its end and return its standard output."""
    code, stdout, stderr = SignalledRun(folder, *words, quick=quick).end()
    assert code == 0, stderr
    return stdout
