"""Speed and memory of `emorec detect`, compared with a plain loop.

Every timed function runs in its own process, without the time of its imports; the candidates
alternate. The clips are made of photos: slow pans and zooms, 1280x720, 30 frames per second.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import cast

import cv2
import numpy as np

from emorec import resources
from emorec.images import Image, read_bgr
from emorec.inference.classifier import EmotionClassifier

SIZE_WH = (1280, 720)
FPS = 30
FRAMES = 300
LONG = 10
"""Length of the long clip of the memory test, relative to the short one."""

PHOTOS = ("obama-720p.jpg", "two_people.jpg", "2008_001322.jpg", "2007_007763.jpg")
BATCHES = (1, 16, 64)
THREADS = (1, 2)


def make_clip(photos: Path, target: Path, frames: int = FRAMES) -> Path:
    """Write a clip that pans and zooms over some photos, one after another."""
    images = [read_bgr(photos / name) for name in PHOTOS]
    width, height = SIZE_WH
    writer = cv2.VideoWriter(str(target), cv2.VideoWriter.fourcc(*"mp4v"), FPS, SIZE_WH)
    for number in range(frames):
        image = images[number * len(images) // frames]
        high, wide = image.shape[:2]
        zoom = max(width / wide, height / high) * (1.15 + 0.1 * np.sin(number / 40))
        x = wide / 2 + 0.05 * wide * np.sin(number / 25)
        y = high / 2 + 0.04 * high * np.cos(number / 31)
        transform = np.array([[zoom, 0, width / 2 - zoom * x], [0, zoom, height / 2 - zoom * y]])
        writer.write(cv2.warpAffine(image, transform, SIZE_WH, borderMode=cv2.BORDER_REFLECT))
    writer.release()
    return target


def repeated(clip: Path, target: Path, times: int) -> Path:
    """Write a clip repeatedly into one file."""
    writer = cv2.VideoWriter(str(target), cv2.VideoWriter.fourcc(*"mp4v"), FPS, SIZE_WH)
    for _ in range(times):
        capture = cv2.VideoCapture(str(clip))
        while (frame := capture.read()[1]) is not None:
            writer.write(frame)
        capture.release()
    writer.release()
    return target


# Functions timed in their own process


def plain_loop(clip: str, target: str | None) -> None:
    """Read, detect at full size, classify each face, draw and write, like a typical script."""
    from emorec.detection import haar
    from emorec.preprocessing import crop_face
    from emorec.types import Box

    cascade_file = resources.folder("cascades") / haar.CASCADES[haar.DEFAULT_CASCADE]
    cascade = cv2.CascadeClassifier(str(cascade_file))
    classifier = EmotionClassifier(resources.shipped_model(), threads=0)
    margin = classifier.metadata.crop_margin
    capture = cv2.VideoCapture(clip)
    writer = None
    while (frame := capture.read()[1]) is not None:
        height, width = frame.shape[:2]
        gray = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
        side = max(round(haar.MIN_SIZE_SHARE_OF_VIDEOS * min(height, width)), haar.MIN_SIZE_FLOOR)
        found = cascade.detectMultiScale(
            gray, haar.DEFAULT_SCALE_FACTOR, haar.DEFAULT_MIN_NEIGHBORS, minSize=(side, side)
        )
        crops = [crop_face(cast(Image, frame), Box(*map(int, box)), margin) for box in found]
        for (x, y, wide, high), crop in zip(found, crops, strict=True):
            emotion = classifier.classify([crop])[0].emotion
            cv2.rectangle(frame, (x, y), (x + wide, y + high), (0, 255, 0), 2)
            cv2.putText(frame, emotion, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 1, (0, 255, 0), 2)
        if target is not None:
            if writer is None:
                code = cv2.VideoWriter.fourcc(*"mp4v")
                rate = capture.get(cv2.CAP_PROP_FPS)
                writer = cv2.VideoWriter(target, code, rate, (width, height))
            writer.write(frame)
    if writer is not None:
        writer.release()


def command_line(*arguments: str) -> None:
    """Run the command line."""
    from emorec.cli.main import main

    main(["detect", *arguments], standalone_mode=False)


def stream(clip: str, cv_threads: str, workers: str) -> None:
    """Process a clip with the given numbers of threads."""
    from emorec.inference.recognizer import EmotionRecognizer
    from emorec.inference.stream import StreamSettings

    cv2.setNumThreads(int(cv_threads))
    for _ in EmotionRecognizer().stream(clip, StreamSettings(workers=int(workers))):
        pass


def child() -> None:
    """Time one of the functions above; print the seconds and the peak memory in KiB."""
    import resource

    function: Callable[..., None] = globals()[sys.argv[1]]
    arguments = [None if text == "None" else text for text in sys.argv[2:]]
    start = time.perf_counter()
    function(*arguments)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps([seconds, peak]), file=sys.stderr)


def run(folder: Path, *arguments: str) -> tuple[float, int]:
    """Run one of the functions in its own process; return its seconds and peak memory in KiB."""
    # OpenCV and FFmpeg write to stderr too; the last line is the result.
    done = subprocess.run(
        [sys.executable, str(Path(__file__).resolve()), *arguments],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=True,
        text=True,
    )
    seconds, peak = json.loads(done.stderr.splitlines()[-1])
    return seconds, peak


# The sections


def print_classifier(runs: int) -> None:
    """Print the faces per second of the shipped model, by batch size and threads."""
    print("| batch | " + " | ".join(f"{n} thread{'s' * (n > 1)}" for n in THREADS) + " |")
    print("| ---: |" + " ---: |" * len(THREADS))
    rng = np.random.default_rng(0)
    classifiers = [EmotionClassifier(resources.shipped_model(), threads) for threads in THREADS]
    model = classifiers[0].metadata
    for batch in BATCHES:
        shape = (batch, model.input_size, model.input_size, model.channels)
        inputs = rng.integers(0, 256, shape, np.uint8)
        rates: list[list[float]] = [[] for _ in THREADS]
        for turn in range(runs + 1):
            for classifier, values in zip(classifiers, rates, strict=True):
                calls = max(128 // batch, 2)
                start = time.perf_counter()
                for _ in range(calls):
                    classifier.probabilities(inputs)
                if turn:  # the first turn warms up
                    values.append(calls * batch / (time.perf_counter() - start))
        cells = " | ".join(f"{statistics.median(values):.0f}" for values in rates)
        print(f"| {batch} | {cells} |")


def print_videos(photos: Path, runs: int) -> None:
    """Print the frames per second of the plain loop and of `emorec detect`."""
    print("| clip | video written | plain loop | emorec | ratio | --detect-every 5 | ratio |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = {"test.mp4": photos / "test.mp4", "720p": make_clip(photos, folder / "720p.mp4")}
        for clip_name, clip in clips.items():
            frames = sum(1 for _ in _frames(clip))
            for written in (False, True):
                source = str(clip.resolve())
                save = ["--save", "out"] if written else ["--no-save"]
                candidates = [
                    ["plain_loop", source, "plain.mp4" if written else "None"],
                    ["command_line", source, "--jsonl", "a.jsonl", *save],
                    ["command_line", source, "--jsonl", "a.jsonl", *save, "--detect-every", "5"],
                ]
                rates = _rates(folder, candidates, frames, runs)
                cells = " | ".join(f"{r:.1f} | {r / rates[0]:.2f}" for r in rates[1:])
                print(f"| {clip_name} | {'yes' if written else 'no'} | {rates[0]:.1f} | {cells} |")


def print_threads(photos: Path, runs: int) -> None:
    """Print the frames per second by threads of OpenCV and detection threads."""
    print("| OpenCV threads | detection threads | frames/s |")
    print("| ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as name:
        clip = make_clip(photos, Path(name) / "720p.mp4", FRAMES // 3)
        pairs = [(t, w) for t in THREADS for w in THREADS]
        candidates = [["stream", str(clip), str(t), str(w)] for t, w in pairs]
        for (threads, workers), rate in zip(
            pairs, _rates(Path(name), candidates, FRAMES // 3, runs), strict=True
        ):
            print(f"| {threads} | {workers} | {rate:.1f} |")


def print_memory(photos: Path, runs: int) -> None:
    """Print the peak memory of a clip and of one ten times as long, with all outputs."""
    print("| frames | peak memory, MiB |")
    print("| ---: | ---: |")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        short = make_clip(photos, folder / "short.mp4")
        clips = {FRAMES: short, LONG * FRAMES: repeated(short, folder / "long.mp4", LONG)}
        outputs = ["--save", "out", "--jsonl", "a.jsonl", "--csv", "a.csv", "--json-file", "a.json"]
        outputs += ["--detect-every", "5"]
        peaks: dict[int, list[int]] = {frames: [] for frames in clips}
        for _ in range(runs):
            for frames, clip in clips.items():
                peaks[frames].append(run(folder, "command_line", str(clip), *outputs)[1])
        medians = {frames: statistics.median(values) for frames, values in peaks.items()}
        for frames, peak in medians.items():
            print(f"| {frames} | {peak / 1024:.0f} |")
        print(f"\nratio {medians[LONG * FRAMES] / medians[FRAMES]:.3f}")


def _frames(clip: Path) -> Iterator[None]:
    capture = cv2.VideoCapture(str(clip))
    while capture.grab():
        yield
    capture.release()


def _rates(folder: Path, candidates: Sequence[list[str]], frames: int, runs: int) -> list[float]:
    """Run the candidates alternately; return the median frames per second of each."""
    rates: list[list[float]] = [[] for _ in candidates]
    for _ in range(runs):
        for candidate, values in zip(candidates, rates, strict=True):
            values.append(frames / run(folder, *candidate)[0])
    return [statistics.median(values) for values in rates]


if __name__ == "__main__":
    child()
