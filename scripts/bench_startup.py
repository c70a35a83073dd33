"""Measures a cold `emorec detect PHOTO --no-save`, relative to importing its dependencies.

Example: python scripts/bench_startup.py photo.jpg
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FLOOR = [sys.executable, "-c", "import numpy, cv2, onnxruntime, click"]
EMOREC = [sys.executable, "-c", "from emorec.cli.main import run; run()"]


def seconds(command: list[str], folder: str) -> float:
    environment = dict(os.environ)
    # emorec starts from compiled modules like the others, as an installed package does.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def compare(photo: Path, runs: int, model: Path | None = None) -> None:
    """Time both, interleaved, and print the medians and their ratio.

    Args:
        photo: Image that `emorec detect` processes.
        runs: Number of runs of each.
        model: ONNX file; None uses the shipped model.
    """
    detect = [*EMOREC, "detect", str(photo.resolve()), "--no-save"]
    if model:
        detect += ["--model", str(model.resolve())]
    commands = {"imports": FLOOR, "emorec detect": detect}
    times: dict[str, list[float]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(runs + 1):
            for name, command in commands.items():
                elapsed = seconds(command, folder)
                if turn:  # the first round fills the file cache
                    times[name].append(elapsed)
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, median in medians.items():
        spread = f"{min(times[name]):.3f} to {max(times[name]):.3f}"
        print(f"{name:15}{median:.3f} s, median of {runs} ({spread})")
    print(f"{'ratio':15}{medians['emorec detect'] / medians['imports']:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photo", type=Path)
    parser.add_argument("--runs", type=int, default=10, help="runs of each, interleaved")
    parser.add_argument("--model", type=Path, help="ONNX file; default: the shipped model")
    arguments = parser.parse_args()
    compare(arguments.photo, arguments.runs, arguments.model)


if __name__ == "__main__":
    main()
