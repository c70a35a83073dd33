"""Benchmarks cutting faces with `prepare-data` against `detect --crops` on the same photos.

A folder of photos is made of the given ones, repeated and each changed in its last bytes, so that
no two files are equal. Every run is a separate process, timed from start to exit, in turn;
prepare-data begins with an empty cache each time.

Example: python scripts/bench_prepare_faces.py photos/ --images 500 --runs 3
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TARGET = 0.9
"""prepare-data must be at least this many times as fast as detect."""

LABELS = ("happy", "sad")

EMOREC = [sys.executable, "-m", "emorec"]


def make_photos(originals: list[Path], folder: Path, count: int) -> None:
    """Write photos of two labels; bytes after the end of an image change nothing but its hash."""
    for number in range(count):
        original = originals[number % len(originals)]
        target = folder / LABELS[number % 2] / f"{number:05}{original.suffix}"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(original.read_bytes() + number.to_bytes(4, "big"))


def seconds(command: list[str], environment: dict[str, str]) -> float:
    start = time.perf_counter()
    subprocess.run(
        [*EMOREC, *command],
        check=True,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path, help="folder of JPEG files")
    parser.add_argument("--images", type=int, default=500, help="photos in the folder, repeated")
    parser.add_argument("--runs", type=int, default=3, help="runs of each, in turn")
    arguments = parser.parse_args()
    originals = sorted(arguments.photos.glob("*.jpg"))
    times: dict[str, list[float]] = {"prepare-data": [], "detect": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photos = folder / "photos"
        make_photos(originals, photos, arguments.images)
        for run in range(arguments.runs):
            prepare = ["prepare-data", str(photos), "--faces", "yunet", "--out", f"{name}/out{run}"]
            cache = {"EMOREC_CACHE": f"{name}/cache{run}"}
            times["prepare-data"].append(seconds(prepare, cache))
            detect = ["detect", str(photos), "--crops", f"{name}/crops{run}", "--no-save"]
            times["detect"].append(seconds(detect, cache))
    medians = {command: statistics.median(found) for command, found in times.items()}
    print(f"{arguments.images} photos, median of {arguments.runs} runs in turn")
    for command, median in medians.items():
        print(f"  {command:12}  {median:6.2f} s  {arguments.images / median:6.1f} photos/s")
    ratio = medians["detect"] / medians["prepare-data"]
    print(f"  prepare-data is {ratio:.2f} times as fast as detect (target {TARGET})")


if __name__ == "__main__":
    main()
