"""Core time, bytes and memory of the parts of `emorec detect`, for scripts/bench_scaling.py.

Core time is the processor time of this process, with one thread: other programs on the machine
lengthen it less than the time of a clock.
"""

import json
import os
import pickle
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from emorec import EmotionRecognizer
from emorec.cli.detect.results import ResultReporter
from emorec.media.reading import read_frames
from emorec.media.sources import MediaSource, expand
from emorec.outputs.destinations import OutputSettings
from emorec.outputs.marked_images import FaceCrops, ImageOutput, MarkedImages
from emorec.outputs.records import ImageResult, image_record
from emorec.types import FaceEmotion

BATCH = 16
"""Images whose faces are classified together, as in a worker of `emorec detect`."""

STAGES = ("read and decode", "detect", "classify", "annotated image", "crops", "collect and write")
"""What is measured of each image; the process that writes the records does the last part."""


def make_photos(originals: Path, folder: Path, count: int) -> None:
    """Write JPEG files made from photos by scaling, mirroring, brightness and compression.

    Args:
        originals: A folder of JPEG files.
        folder: Where they are written, in subfolders of 1,000.
        count: Number of files.
    """
    read = [cv2.imread(str(path)) for path in sorted(originals.glob("*.jpg"))]
    photos = [photo for photo in read if photo is not None]
    if not photos:
        raise SystemExit(f"{originals}: no JPEG files in this folder")
    random = np.random.default_rng(0)
    for number in range(count):
        scale, light, quality = random.uniform((0.5, 0.7, 80), (1.1, 1.2, 96))
        image_bgr = cv2.resize(photos[number % len(photos)], None, fx=scale, fy=scale)
        image_bgr = cv2.convertScaleAbs(image_bgr[:, :: random.choice((-1, 1))], alpha=light)
        path = folder / f"{number // 1000:03}" / f"{number:06}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), image_bgr, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])


@dataclass(frozen=True)
class ImageCost:
    """What one image takes, on average.

    Attributes:
        seconds: Core seconds by the name of the stage.
        faces: Number of faces.
        pixels: Number of pixels.
        read_bytes: Size of the image file.
        record_bytes: Size of its line in a JSONL file.
        marked_bytes: Size of its annotated image.
        crop_bytes: Size of the crops of its faces.
    """

    seconds: dict[str, float]
    faces: float
    pixels: float
    read_bytes: float
    record_bytes: float
    marked_bytes: float
    crop_bytes: float

    def worker_seconds(self, *outputs: str) -> float:
        """Return the core seconds in a worker, with the stages of some outputs."""
        return sum(self.seconds[stage] for stage in (*STAGES[:3], *outputs))


def measure_image(photos: Path, count: int, runs: int) -> ImageCost:
    """Measure the stages on some images in turn; the seconds are medians over the runs."""
    cv2.setNumThreads(1)
    recognizer = EmotionRecognizer()
    sources = list(expand([str(photos)]))[:count]
    found: dict[str, list[float]] = {stage: [] for stage in STAGES}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        marked = MarkedImages(folder / "marked")
        crops = FaceCrops(folder / "crops", recognizer.metadata.crop_margin, recognizer.aligned)
        lines = folder / "faces.jsonl"
        for _ in range(runs + 1):
            results, seconds, pixels = _run(recognizer, sources, marked, crops)
            with _timed(seconds, "collect and write"):
                _collect(recognizer, sources, results, lines)
            for stage, value in seconds.items():
                found[stage].append(value / len(sources))
        faces = sum(len(result.record["faces"]) for result in results)
        bytes_by_image = [
            sum(path.stat().st_size for path in paths) / len(sources)
            for paths in (
                [Path(source.name) for source in sources],
                [lines],
                list(marked.folder.rglob("*.jpg")),
                list(crops.folder.rglob("*.png")),
            )
        ]
    medians = {stage: statistics.median(values[1:]) for stage, values in found.items()}
    return ImageCost(medians, faces / len(sources), pixels / len(sources), *bytes_by_image)


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    start = time.process_time()
    yield
    seconds[stage] = seconds.get(stage, 0.0) + time.process_time() - start


def _run(
    recognizer: EmotionRecognizer,
    sources: Sequence[MediaSource],
    marked: ImageOutput,
    crops: ImageOutput,
) -> tuple[list[ImageResult], dict[str, float], int]:
    """Process images in this thread; return the results, core seconds by stage, and pixels."""
    seconds: dict[str, float] = {}
    results: list[ImageResult] = []
    pixels = 0
    for start in range(0, len(sources), BATCH):
        batch = sources[start : start + BATCH]
        with _timed(seconds, "read and decode"):
            frames = [read_frames(source).frames[0] for source in batch]
        with _timed(seconds, "detect"):
            found = [recognizer.detect(frame) for frame in frames]
        with _timed(seconds, "classify"):
            pairs = zip(frames, found, strict=True)
            pieces = [crop for pair in pairs for crop in recognizer.crop_faces(*pair)]
            predictions = iter(recognizer.classify(pieces))
        for source, frame, boxes in zip(batch, frames, found, strict=True):
            faces = [FaceEmotion(face, next(predictions)) for face in boxes]
            for stage, output in (("annotated image", marked), ("crops", crops)):
                with _timed(seconds, stage):
                    output.write(source, frame, faces)
            results.append(ImageResult(image_record(source.name, frame.size_wh, faces)))
            pixels += frame.image_bgr.size // 3
    return results, seconds, pixels


def _collect(
    recognizer: EmotionRecognizer,
    sources: Sequence[MediaSource],
    results: Sequence[ImageResult],
    lines: Path,
) -> None:
    """Do what the process that starts the workers does: receive results, print and write them."""
    outputs = OutputSettings({"jsonl": str(lines)}, save=False)
    with (
        Path(os.devnull).open("w", encoding="utf-8") as nothing,
        redirect_stdout(nothing),
        ResultReporter(outputs, sources, recognizer) as reporter,
    ):
        for start in range(0, len(results), BATCH):
            sent = pickle.dumps(results[start : start + BATCH])
            for result in pickle.loads(sent):  # our own, of the line before
                reporter.add(result)


@dataclass(frozen=True)
class ListCost:
    """What a list of images takes.

    Attributes:
        count: Number of images.
        seconds: Core seconds.
        peak_bytes: Growth of the memory of the process, at its peak.
    """

    count: int
    seconds: float
    peak_bytes: int


def list_costs(files: int, lines: int) -> dict[str, ListCost]:
    """Measure what a run does with the list of its images, each step in a process of its own.

    Args:
        files: Number of empty files that are listed and checked.
        lines: Number of images of a run that is resumed.
    """
    with tempfile.TemporaryDirectory() as folder:
        for number in range(files):
            path = Path(_name(folder, number))
            if number % 1000 == 0:
                path.parent.mkdir()
            path.touch()
        counts = {"listing": files, "check of outputs": files, "resuming": lines}
        return {name: _in_process(name, folder, count) for name, count in counts.items()}


def _name(folder: str, number: int) -> str:
    return f"{folder}/{number // 1000:06}/{number:08}.jpg"


def _in_process(name: str, folder: str, count: int) -> ListCost:
    done = subprocess.run(
        [sys.executable, __file__, name, folder, str(count)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return ListCost(*json.loads(done.stdout))


def _measure_list(name: str, folder: str, count: int) -> None:
    """Print the cost of a step as JSON."""
    from emorec.cli.detect.output_options import check_outputs
    from emorec.outputs.resume import resume

    lines = Path(folder, "faces.jsonl")
    sources: list[MediaSource] = []
    if name != "listing":  # whose peak of memory would hide the next one
        names = (_name(folder, number) for number in range(count))
        sources = [MediaSource(path, path[len(folder) + 1 : -4], listed=True) for path in names]
    if name == "resuming":
        _write_lines(lines, sources)
    steps: dict[str, Callable[[], object]] = {
        "listing": lambda: list(expand([folder])),
        "check of outputs": lambda: check_outputs(
            OutputSettings({"jsonl": str(lines)}), sources, [], []
        ),
        "resuming": lambda: resume(sources, {"jsonl": lines}, []),
    }
    Path("/proc/self/clear_refs").write_text(
        "5", encoding="ascii"
    )  # the peak begins at the memory in use
    before, start = _peak(), time.process_time()
    result = steps[name]()
    seconds, growth = time.process_time() - start, _peak() - before
    del result  # it counts until here
    print(json.dumps([count, seconds, growth]))


def _peak() -> int:
    """Return the largest resident memory of this process, in bytes; on Linux only."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def _write_lines(path: Path, sources: Sequence[MediaSource]) -> None:
    """Write a JSONL file of a run that has processed all sources; each image has one face."""
    face = {
        "box": [100, 100, 80, 80],
        "landmarks": {name: [123.45, 234.56] for name in "abcde"},
        "probabilities": dict.fromkeys("abcdefg", 0.12345678901234567),
    }
    with path.open("w", encoding="utf-8") as file:
        for source in sources:
            record = image_record(source.name, (640, 480), [])
            file.write(json.dumps({"schema_version": 3, **record, "faces": [face]}) + "\n")


if __name__ == "__main__":
    _measure_list(sys.argv[1], sys.argv[2], int(sys.argv[3]))
