"""Comparison of ways to propagate faces between two detections, with the detector as reference.

In every frame without a detection, each face that the detector would find there is compared with
the propagated box of the highest IoU.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
from _detect_speed import make_clip

from emorec.detection.haar import HaarDetector
from emorec.frames import Frame
from emorec.images import Image
from emorec.inference.optical_flow import propagate, small_gray
from emorec.inference.tracking import FaceTracker
from emorec.media.video import VideoReader
from emorec.types import Box

EVERY = (3, 5, 10)
WAYS = ("no motion", "motion", "flow")


def swaying(photos: Path) -> Iterator[Frame]:
    """Yield an image of two faces that sways quickly: up to 3 face widths per second."""
    image = cv2.imread(str(photos / "two_people.jpg"))
    assert image is not None
    height, width = image.shape[:2]
    for number in range(120):
        move = np.array(
            [[1.0, 0, 150 * np.sin(number / 12)], [0, 1.0, 40 * np.cos(number / 9)]], np.float32
        )
        drawn = cv2.warpAffine(image, move, (width, height), borderMode=cv2.BORDER_REFLECT)
        yield Frame(np.asarray(drawn, np.uint8), (width, height), number, number / 30)


def ious(frames: list[tuple[list[Box], Image, Frame]], every: int) -> dict[str, list[float]]:
    """Propagate boxes in all three ways; return the IoU of each reference box."""
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    tracker = FaceTracker()
    boxes: dict[str, dict[int, Box]] = {}
    last: Image | None = None
    for number, (truth, gray, frame) in enumerate(frames):
        time_s = frame.time_s or 0.0
        if number % every == 0:
            ids = tracker.update(truth, time_s, frame.size_wh)
            boxes = {way: dict(zip(ids, truth, strict=True)) for way in WAYS}
        else:
            assert last is not None
            boxes["motion"] = tracker.predict(time_s)
            boxes["flow"] |= propagate(last, gray, frame.size_wh, boxes["flow"])
            for way in WAYS:
                found[way] += [
                    max((box.iou(other) for other in boxes[way].values()), default=0.0)
                    for box in truth
                ]
        last = gray
    return found


def print_motion(photos: Path, folder: Path) -> None:
    """Print the mean and the tenth percentile of the IoU, for each clip and detection interval."""
    print(
        "| clip | detection every |" + "".join(f" {way}: mean, 10th percentile |" for way in WAYS)
    )
    print("| --- | ---: |" + " ---: |" * len(WAYS))
    clips: dict[str, Iterable[Frame]] = {
        "test.mp4": VideoReader(photos / "test.mp4"),
        "pans and zooms, 720p": VideoReader(make_clip(photos, folder / "720p.mp4", 150)),
        "swaying": swaying(photos),
    }
    detector = HaarDetector(min_size=60)
    for name, clip in clips.items():
        frames = []
        for frame in clip:
            boxes = [face.box for face in detector.detect(frame.image_bgr)]
            small = Frame(np.zeros((1, 1, 3), np.uint8), frame.size_wh, frame.number, frame.time_s)
            frames.append((boxes, small_gray(frame), small))
        for every in EVERY:
            cells = [
                f"{np.mean(values):.2f}, {np.percentile(values, 10):.2f}"
                for values in ious(frames, every).values()
            ]
            print(f"| {name} | {every} | {' | '.join(cells)} |", flush=True)
