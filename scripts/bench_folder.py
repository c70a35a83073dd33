"""Measures the throughput of ways to detect the faces in a folder of photos, as whole processes.

The plain loop reads, detects, classifies, draws and writes one image after another in one thread,
with the same detector and model. All write the same records, which is checked.

Example: python scripts/bench_folder.py photos/
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from emorec.threads import available_cores

PLAIN_LOOP = """
import json, sys
from pathlib import Path
import cv2
from emorec import EmotionRecognizer
from emorec.media.drawing import annotate
from emorec.outputs.records import image_record

cv2.setNumThreads(1)
recognizer = EmotionRecognizer()
with open("plain.jsonl", "w") as lines:
    for path in sorted(Path("photos").iterdir()):
        image_bgr = cv2.imread(str(path))
        faces = recognizer.recognize(image_bgr)
        record = image_record(str(path), image_bgr.shape[1::-1], faces)
        lines.write(json.dumps(record) + "\\n")
        if "--save" in sys.argv:
            cv2.imwrite(f"marked/{path.stem}-emotions.jpg", annotate(image_bgr, faces))
"""
EMOREC = [sys.executable, "-m", "emorec", "detect", "photos", "--jsonl", "emorec.jsonl"]


def seconds(command: list[str], folder: str) -> float:
    shutil.rmtree(f"{folder}/marked", ignore_errors=True)
    Path(folder, "marked").mkdir()
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def faces(folder: str, name: str) -> list[object]:
    """Return the faces of all records of a JSONL file."""
    lines = Path(folder, name).read_text("utf-8").splitlines()
    return [record["faces"] for record in map(json.loads, lines) if "faces" in record]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path, help="folder of JPEG files")
    parser.add_argument("--count", type=int, default=500, help="photos in the folder, repeated")
    parser.add_argument("--runs", type=int, default=5, help="runs of each, interleaved")
    parser.add_argument("--workers", type=int, default=available_cores())
    arguments = parser.parse_args()
    originals = sorted(arguments.photos.glob("*.jpg"))
    for save in ([], ["--save", "marked"]):
        commands = {
            "plain loop": [sys.executable, "-c", PLAIN_LOOP, *save],
            "emorec detect": [*EMOREC, *save],
            f"emorec --workers {arguments.workers}": [
                *(*EMOREC, *save),
                *("--workers", str(arguments.workers)),
            ],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "photos").mkdir()
            for number in range(arguments.count):
                source = originals[number % len(originals)]
                shutil.copy(source, Path(folder, "photos", f"{number:05}.jpg"))
            for _ in range(arguments.runs):
                for name, command in commands.items():
                    times[name].append(seconds(command, folder))
            equal = faces(folder, "plain.jsonl") == faces(folder, "emorec.jsonl")
        medians = {name: statistics.median(values) for name, values in times.items()}
        print("records and annotated images" if save else "only records", end="")
        print(f", {arguments.count} photos, {arguments.runs} runs of each in turn")
        for name, median in medians.items():
            rate = arguments.count / median
            gain = medians["plain loop"] / median
            print(f"  {name:19}{median:6.2f} s  {rate:6.1f} photos/s  {gain:.2f} times the loop")
        print(f"  equal records: {'yes' if equal else 'no'}")


if __name__ == "__main__":
    main()
