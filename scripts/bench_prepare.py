"""Benchmarks `emorec prepare-data` against common plain Python loops and `cp -r`, interleaved.

DATA holds FERPlus/ (fer2013new.csv and output/FER2013Train, ...) and fer2013.csv. Every entry
is a separate process, timed from start to exit, that writes to a new folder.

Example: python scripts/bench_prepare.py DATA --runs 5
"""

import argparse
import csv
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

FOLDERS = {"Training": "FER2013Train", "PublicTest": "FER2013Valid", "PrivateTest": "FER2013Test"}
VOTES = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
# The loops write no report either.
EMOREC = [sys.executable, "-c", "from emorec.cli.main import run; run()", "prepare-data"]
EMOREC += ["--no-report"]

CP = "cp -r (lower bound of a copy)"
PNG_LOOP = "plain loop: cv2.imread, cv2.imwrite, pandas iloc"
COPY, LINK = "emorec prepare-data FERPlus", "emorec prepare-data FERPlus --link hard"
CSV_LOOP = "plain loop: csv, np.array(row.split()), cv2.imwrite"
PIXELS = "emorec prepare-data fer2013.csv --ferplus-csv"


def png_loop(data: Path, dest: Path) -> None:
    """Copy images to a folder for each split and emotion, as common scripts do."""
    import cv2
    import pandas as pd

    table = pd.read_csv(data / "FERPlus" / "fer2013new.csv")
    winners = table[list(VOTES)].to_numpy().argmax(axis=1)
    for index in range(len(table)):
        row = table.iloc[index]
        source = data / "FERPlus" / "output" / FOLDERS[row["Usage"]] / str(row["Image name"])
        if not source.is_file():
            continue
        emotion = VOTES[int(winners[index])]
        folder = dest / ("train" if row["Usage"] == "Training" else "test") / emotion
        folder.mkdir(parents=True, exist_ok=True)
        image = cv2.imread(str(source), cv2.IMREAD_GRAYSCALE)
        if image is not None:
            cv2.imwrite(str(folder / source.name), image)


def csv_loop(data: Path, dest: Path) -> None:
    """Convert fer2013.csv to PNG files with the votes of fer2013new.csv, row by row."""
    import cv2
    import numpy as np

    with (
        (data / "fer2013.csv").open(newline="") as pixels_file,
        (data / "FERPlus" / "fer2013new.csv").open(newline="") as votes_file,
    ):
        for row, votes in zip(
            csv.DictReader(pixels_file), csv.DictReader(votes_file), strict=False
        ):
            name = votes["Image name"]
            if not name:
                continue
            emotion = max(VOTES, key=lambda vote: int(votes[vote]))
            folder = dest / ("train" if row["Usage"] == "Training" else "test") / emotion
            folder.mkdir(parents=True, exist_ok=True)
            image = np.array(row["pixels"].split(), np.uint8).reshape(48, 48)
            cv2.imwrite(str(folder / name), image)


def measured(command: list[str]) -> tuple[float, float, float]:
    """Run a command; return its wall and CPU time in seconds and its peak memory in MB."""
    os.sync()
    start = time.perf_counter()
    child = os.posix_spawnp(
        command[0],
        command,
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ],
    )
    _, status, usage = os.wait4(child, 0)
    elapsed = time.perf_counter() - start
    if status:
        sys.exit(f"failed: {' '.join(command)}")
    return elapsed, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--runs", type=int, default=5, help="runs of each command, interleaved")
    parser.add_argument("--loop", choices=("png", "csv"), help=argparse.SUPPRESS)
    parser.add_argument("--dest", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    data = arguments.data.resolve()
    if arguments.loop:
        (png_loop if arguments.loop == "png" else csv_loop)(data, arguments.dest)
        return
    this = [sys.executable, str(Path(__file__).resolve()), str(data)]
    checkout, pixels = str(data / "FERPlus"), str(data / "fer2013.csv")
    join = ["--ferplus-csv", str(data / "FERPlus" / "fer2013new.csv")]
    commands: dict[str, Callable[[str], list[str]]] = {
        CP: lambda dest: ["cp", "-r", f"{checkout}/output", dest],
        PNG_LOOP: lambda dest: [*this, "--loop", "png", "--dest", dest],
        COPY: lambda dest: [*EMOREC, checkout, "--out", dest],
        LINK: lambda dest: [*EMOREC, checkout, "--out", dest, "--link", "hard"],
        CSV_LOOP: lambda dest: [*this, "--loop", "csv", "--dest", dest],
        PIXELS: lambda dest: [*EMOREC, pixels, *join, "--out", dest],
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    work: dict[str, list[float]] = {name: [] for name in commands}
    memory: dict[str, list[float]] = {name: [] for name in commands}
    # In the folder of the data, because hard links do not cross disks. Nothing is deleted between
    # runs: ext4 creates files several times as slowly after as many were deleted.
    with tempfile.TemporaryDirectory(dir=data, prefix="bench-") as folder:
        for turn in range(arguments.runs + 1):
            for number, (name, command) in enumerate(commands.items()):
                elapsed, busy, peak = measured(command(f"{folder}/{turn}-{number}"))
                if turn:  # the first turn fills the file cache
                    seconds[name].append(elapsed)
                    work[name].append(busy)
                    memory[name].append(peak)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    width = max(map(len, commands))
    print(f"median of {arguments.runs} interleaved runs, {os.cpu_count()} cores")
    for name in commands:
        busy = statistics.median(work[name])
        print(
            f"{name:<{width}}  {medians[name]:6.2f} s  {busy:6.2f} s of CPU time  "
            f"{max(memory[name]):5.0f} MB at most"
        )
    for name, loop, target in ((LINK, PNG_LOOP, 5), (COPY, PNG_LOOP, 1.5), (PIXELS, CSV_LOOP, 4)):
        ratio = medians[loop] / medians[name]
        paired = [a / b for a, b in zip(seconds[loop], seconds[name], strict=True)]
        print(
            f"{name}: {ratio:.1f} times as fast as the loop (runs {min(paired):.1f} to "
            f"{max(paired):.1f}; target {target})"
        )
    print(f"{COPY}: {medians[COPY] / medians[CP]:.1f} times the time of cp -r")


if __name__ == "__main__":
    main()
