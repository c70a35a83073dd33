"""Compares the time of `EmotionRecognizer().recognize` with that of another checkout of emorec.

One process of each checkout, with the defaults of its version, recognizes the same photo in memory.
The two take turns, after the first calls, which warm up. It prints medians and their ratio; above 1
this checkout is faster.

Example: python scripts/bench_recognize.py ../emorec-0.1.0 photos/two_people.jpg
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, cast

import cv2

ROOT = Path(__file__).resolve().parents[1]

CALLS = 10
"""Calls of one turn."""

WORKER = """
import json, sys, time
import cv2
from emorec import EmotionRecognizer

image_bgr = cv2.imread(sys.argv[1])
recognizer = EmotionRecognizer()
for line in sys.stdin:
    times = []
    for _ in range(int(line)):
        start = time.perf_counter()
        faces = recognizer.recognize(image_bgr)
        times.append(1e3 * (time.perf_counter() - start))
    print(json.dumps([len(faces), times]), flush=True)
"""


class Worker:
    """A process that recognizes a photo with the code of one checkout."""

    def __init__(self, checkout: Path, photo: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", WORKER, photo.name],
            cwd=photo.parent,
            env={**os.environ, "PYTHONPATH": str(checkout)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def time_calls(self) -> tuple[int, list[float]]:
        """Run one turn; return the number of faces and the milliseconds of each call."""
        cast(IO[str], self._process.stdin).write(f"{CALLS}\n")
        cast(IO[str], self._process.stdin).flush()
        faces, times = json.loads(cast(IO[str], self._process.stdout).readline())
        return faces, times

    def close(self) -> None:
        cast(IO[str], self._process.stdin).close()
        self._process.wait()


def resized(photo: Path, side: int, folder: Path) -> Path:
    """Write a photo with a longer side of `side` pixels as PNG."""
    image_bgr = cv2.imread(str(photo))
    if image_bgr is None:
        sys.exit(f"{photo}: not a readable image")
    scale = side / max(image_bgr.shape[:2])
    target = folder / "photo.png"
    cv2.imwrite(
        str(target),
        cv2.resize(image_bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA),
    )
    return target


def compare(other: Path, photo: Path, turns: int) -> None:
    """Time both checkouts in turn; print the medians and their ratio."""
    checkouts = {"this checkout": ROOT, "other checkout": other}
    workers = {name: Worker(checkout, photo) for name, checkout in checkouts.items()}
    times: dict[str, list[float]] = {name: [] for name in checkouts}
    faces: dict[str, int] = {}
    for turn in range(turns + 1):
        for name, worker in workers.items():
            faces[name], found = worker.time_calls()
            if turn:  # the first turn warms up
                times[name] += found
    for worker in workers.values():
        worker.close()
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, values in times.items():
        low, *_, high = statistics.quantiles(values, n=10)
        print(
            f"{name:16}{medians[name]:6.1f} ms, median of {len(values)} calls "
            f"(80 % within {low:.1f} to {high:.1f}); {faces[name]} faces"
        )
    print(f"{'ratio':16}{medians['other checkout'] / medians['this checkout']:6.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("other", type=Path, help="folder of the other checkout")
    parser.add_argument("photo", type=Path)
    parser.add_argument("--side", type=int, default=350, help="longer side of the photo, in pixels")
    parser.add_argument("--turns", type=int, default=20, help=f"of {CALLS} calls each")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        photo = resized(arguments.photo, arguments.side, Path(folder))
        print(f"{arguments.photo.name}, longer side {arguments.side} pixels")
        compare(arguments.other.resolve(), photo, arguments.turns)


if __name__ == "__main__":
    main()
