"""Comparison of Haar and YuNet on marked photos, and choice of the settings of YuNet."""

import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
from _detector_views import NO_FACES, Boxes, Count, View, conditions, counted
from _haar_settings import print_haar_settings

from emorec.detection.base import FaceDetector
from emorec.detection.haar import MIN_SIZE_SHARE_OF_VIDEOS, HaarDetector
from emorec.detection.yunet import SEARCH_SIDE_OF_VIDEOS, YuNetDetector

SEARCH_SIDES = (320, 480, 640, 960, 1280)
MIN_SCORES = (0.5, 0.6, 0.7, 0.8, 0.9)
MIN_SIZES = (1, 12, 16, 20, 24)
"""Sides of the smallest face, in pixels of the image."""


def _detectors(yunet: Path | None) -> dict[str, FaceDetector]:
    return {
        "haar": HaarDetector(),
        "haar, videos": HaarDetector(min_share=MIN_SIZE_SHARE_OF_VIDEOS),
        "haar --cascade default": HaarDetector("default"),
        "haar --profile": HaarDetector(profile=True),
        "**yunet**": YuNetDetector(yunet),
        "**yunet, videos**": YuNetDetector(yunet, search_side=SEARCH_SIDE_OF_VIDEOS),
    }


def _counted(views: Sequence[View], found: Sequence[Boxes]) -> Count:
    return sum(map(counted, views, found), NO_FACES)


def _milliseconds(detector: FaceDetector, views: Sequence[View], turns: int = 5) -> float:
    """Return the median time of an image, over several turns."""
    times = []
    for _ in range(turns):
        for view in views:
            start = time.perf_counter()
            detector.detect(view.image_bgr)
            times.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times)


def _print_side_by_side(views: dict[str, list[View]], detectors: dict[str, FaceDetector]) -> None:
    print("Detected and, after the comma, false faces:\n")
    print("| condition | images | faces | " + " | ".join(detectors) + " |")
    print("| --- | ---: | ---: |" + " ---: |" * len(detectors))
    for name, group in views.items():
        cells = [str(len(group)), str(sum(len(view.marks) for view in group))]
        for detector in detectors.values():
            boxes = [tuple(face.box for face in detector.detect(v.image_bgr)) for v in group]
            count = _counted(group, boxes)
            cells.append(f"{count.found}, {count.false}")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    for name in ("photos as they are", "faces of 24 pixels in 1280x720"):
        times = [_milliseconds(d, views[name]) for d in detectors.values()]
        print(f"| ms an image, {name} | | | {' | '.join(f'{ms:.0f}' for ms in times)} |")


def _print_yunet_settings(views: dict[str, list[View]], yunet: Path | None) -> None:
    """Print detected and false faces over settings; one run per side serves all scores."""
    everything = [view for group in views.values() for view in group]
    asked = {name: sum(len(view.marks) for view in group) for name, group in views.items()}
    print("YuNet's settings: faces that are missed, by condition, and false faces of all images.\n")
    short = [name for name in views if asked[name]]
    print("| search side | min score | min size | " + " | ".join(short) + " | false |")
    print("| ---: | ---: | ---: |" + " ---: |" * (len(short) + 1))
    for side in SEARCH_SIDES:
        detector = YuNetDetector(yunet, min_score=min(MIN_SCORES), search_side=side)
        found = {id(view): detector.detect(view.image_bgr) for view in everything}
        for score in MIN_SCORES:
            for size in MIN_SIZES if score == 0.7 else (1,):
                counts = {}
                for name, group in views.items():
                    boxes = [
                        tuple(
                            face.box
                            for face in found[id(view)]
                            if (face.score or 0) >= score and face.box.width >= size
                        )
                        for view in group
                    ]
                    counts[name] = _counted(group, boxes)
                missed = [str(asked[name] - counts[name].found) for name in short]
                false = sum(count.false for count in counts.values())
                print(f"| {side} | {score:g} | {size} | {' | '.join(missed)} | {false} |")


def print_quality(folder: Path, yunet: Path | None) -> None:
    """Print the tables of detectors and settings on the photos of a folder."""
    cv2.setNumThreads(1)
    views = conditions(folder)
    _print_side_by_side(views, _detectors(yunet))
    print()
    _print_yunet_settings(views, yunet)
    print("\nSettings of Haar:\n")
    print_haar_settings(folder)
