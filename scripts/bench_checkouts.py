"""Compares this checkout of emorec with another one: start-up, a folder of photos, a training.

Every command runs as a whole process, with this checkout and with the other one in turn, in the
same environment. A ratio above 1 means that this checkout takes longer. The processor time of a
process, its threads and its children is printed too: it depends less on what else the machine does.

Example: python scripts/bench_checkouts.py ../emorec-0.1.0 photos/ --data FER-2013
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def seconds(checkout: Path, arguments: list[str], folder: str) -> tuple[float, float]:
    """Time one `emorec` command of a checkout; returns wall and processor time in seconds."""
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    # Both checkouts start from compiled modules, as an installed package does.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-m", "emorec", *arguments]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run(
        command,
        cwd=folder,
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compare(name: str, other: Path, arguments: list[str], folder: str, runs: int) -> None:
    """Time both checkouts in turn and print medians and their ratio."""
    times: dict[Path, list[tuple[float, float]]] = {ROOT: [], other: []}
    for turn in range(runs + 1):
        # The order alternates, so that a slow change of the machine's load favours neither.
        for checkout in (ROOT, other) if turn % 2 else (other, ROOT):
            elapsed = seconds(checkout, arguments, folder)
            if turn:  # the first turn fills the file cache
                times[checkout].append(elapsed)
    print(f"{name}, medians of {runs} runs")
    for kind, index in (("wall", 0), ("processor", 1)):
        own, theirs = ([pair[index] for pair in times[checkout]] for checkout in (ROOT, other))
        ratio = statistics.median(own) / statistics.median(theirs)
        print(f"  {kind}: {_summary(own)}, the other {_summary(theirs)}, ratio {ratio:.3f}")
    sys.stdout.flush()


def _summary(values: list[float]) -> str:
    return f"{statistics.median(values):.3f} s ({min(values):.3f} to {max(values):.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("other", type=Path, help="folder of the other checkout")
    parser.add_argument("photos", type=Path, help="folder of JPEG files")
    parser.add_argument("--data", type=Path, help="prepared data set; without it no training")
    parser.add_argument("--count", type=int, default=500, help="photos in the folder, repeated")
    parser.add_argument("--limit", type=int, default=6400, help="training images")
    parser.add_argument("--runs", type=int, default=5, help="of each command and checkout")
    parser.add_argument("--startup-runs", type=int, default=21, help="the same for start-up")
    arguments = parser.parse_args()
    other = arguments.other.resolve()
    originals = sorted(arguments.photos.resolve().glob("*.jpg"))
    with tempfile.TemporaryDirectory() as folder:
        photo = str(originals[0])
        detect = ["detect", photo, "--no-save"]
        compare("detect of one photo", other, detect, folder, arguments.startup_runs)
        Path(folder, "photos").mkdir()
        for number in range(arguments.count):
            source = originals[number % len(originals)]
            shutil.copy(source, Path(folder, "photos", f"{number:05}.jpg"))
        detect = ["detect", "photos", "--jsonl", "faces.jsonl", "--save", "marked"]
        name = f"detect of {arguments.count} photos"
        compare(name, other, detect, folder, arguments.runs)
        if arguments.data:
            train = ["train", "--data", str(arguments.data.resolve()), "--arch", "compact"]
            train += ["--limit", str(arguments.limit), "--epochs", "3"]
            name = f"train of compact, 3 epochs of {arguments.limit} images"
            compare(name, other, train, folder, arguments.runs)


if __name__ == "__main__":
    main()
