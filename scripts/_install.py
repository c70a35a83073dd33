"""Install emorec from its checkout with pip, say what that costs, and show how far it is."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[1]

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Cost:
    """Measured on Linux with Python 3.11.

    Attributes:
        target: What pip installs, in the checkout.
        packages: The largest packages.
        download_mb: Megabytes of the wheels.
        installed_mb: Megabytes in the environment.
        unpack_s: Seconds that pip needs besides the download, on two cores.
    """

    target: str
    packages: str
    download_mb: int
    installed_mb: int
    unpack_s: int

    def minutes(self, megabits: int) -> int:
        """Minutes of the installation with a connection of so many Mbit/s, at least 1."""
        return max(1, round((self.download_mb * 8 / megabits + self.unpack_s) / 60))


COSTS = {
    "base": Cost(".", "OpenCV, ONNX Runtime and NumPy", 125, 360, 15),
    "dev": Cost(".[dev]", "TensorFlow, Ray, SciPy and test tools", 1000, 3700, 90),
}

SECONDS = 20
"""Between two lines of progress, where no terminal shows them."""

SECONDS_ON_TERMINAL = 2


def announcement(cost: Cost, prefix: Path) -> str:
    """What is installed, how large it is and about how long it takes."""
    return (
        f"Installing emorec with {cost.packages} into {prefix}: about {cost.download_mb:,} MB to "
        f"download and {cost.installed_mb:,} MB on disk, less what is there already; about "
        f"{cost.minutes(100)} min at 100 Mbit/s, {cost.minutes(20)} min at 20 Mbit/s"
    )


def size(folder: Path) -> int:
    """Bytes of the files below a folder; those that disappear meanwhile count 0."""
    total = 0
    folders = [os.fspath(folder)]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
        except OSError:
            continue
    return total


def free_space(folder: Path) -> int:
    """Free bytes of the file system, which needs no walk through a large environment."""
    return shutil.disk_usage(folder).free


def clock(seconds: float) -> str:
    """A duration as minutes and seconds, such as 1:05."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


class Progress:
    """What pip does at the moment, by the lines it prints, and how much it has written."""

    def __init__(self, prefix: Path, downloads: Path) -> None:
        self.prefix, self.downloads = prefix, downloads
        self.action = "preparing the build"
        self.begin = time.monotonic()
        self.free_before = free_space(prefix)

    def follow(self, lines: IO[str]) -> None:
        """Read pip's output up to its end."""
        for line in lines:
            words = line.split()
            if words[:1] in (["Collecting"], ["Downloading"]):
                self.action = f"downloading {Path(words[1]).name}"
            elif words[:2] == ["Installing", "collected"]:
                self.action = "installing the packages"

    def line(self) -> str:
        """The time, the action and the megabytes up to now."""
        downloaded = size(self.downloads)
        installed = self.free_before - free_space(self.prefix) - downloaded
        return (
            f"{clock(time.monotonic() - self.begin)}  {downloaded // MEGABYTE:,} MB downloaded, "
            f"{max(0, installed) // MEGABYTE:,} MB installed; {self.action}"
        )


def show(line: Callable[[], str], ended: threading.Event, stream: IO[str]) -> None:
    """Print the line repeatedly until the end, in place on a terminal, else one below the other."""
    terminal = stream.isatty()
    while not ended.wait(SECONDS_ON_TERMINAL if terminal else SECONDS):
        text = line()
        print(f"\r{text[:78]:78}" if terminal else text, end="" if terminal else "\n", file=stream)
        stream.flush()
    if terminal:
        print(f"\r{'':78}\r", end="", file=stream, flush=True)


def install(cost: Cost, prefix: Path, stream: IO[str]) -> int:
    """Run pip; return its exit status."""
    print(announcement(cost, prefix), file=stream, flush=True)
    # Beside the packages, since /tmp may be too small for the wheels; also to measure them.
    with tempfile.TemporaryDirectory(dir=prefix, prefix="downloads-") as downloads:
        progress = Progress(prefix, Path(downloads))
        # Python compiles what it imports; pip would compile all 20,000 modules of the dev extra,
        # which takes more than a minute.
        options = ("--no-compile", "--disable-pip-version-check", "--progress-bar", "off")
        # From inside the checkout: pip reads brackets in a path as extras.
        with subprocess.Popen(
            [sys.executable, "-m", "pip", "install", *options, "-e", cost.target],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": downloads},
            stdout=subprocess.PIPE,
            text=True,
            errors="replace",
        ) as pip:
            assert pip.stdout is not None
            ended = threading.Event()
            shown = threading.Thread(target=show, args=(progress.line, ended, stream), daemon=True)
            shown.start()
            try:
                progress.follow(pip.stdout)
            finally:
                ended.set()
                shown.join()
        if not pip.returncode:
            print(f"Installed in {clock(time.monotonic() - progress.begin)}", file=stream)
    return pip.returncode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("extra", choices=COSTS)
    cost = COSTS[parser.parse_args().extra]
    try:
        sys.exit(install(cost, Path(sys.prefix), sys.stderr))
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        sys.exit(f"cannot install into {sys.prefix}: {error}")


if __name__ == "__main__":
    main()
