"""Comparison of Haar and YuNet on marked photos, and choice of the settings of YuNet."""

import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
from _detector_views import (
    COVERED,
    ENLARGED,
    NO_FACES,
    Boxes,
    Count,
    View,
    conditions,
    counted,
)

from emorec.detection.base import FaceDetector
from emorec.detection.haar import HaarDetector
from emorec.detection.yunet import (
    DEFAULT_MIN_SCORE,
    SEARCH_SIDE,
    SEARCH_SIDE_OF_VIDEOS,
    YuNetDetector,
)

SEARCH_SIDES = (320, 480, 640, 800, 960, 1280)
MIN_SCORES = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8)
MIN_SIZES = (1, 12, 16, 20, 24)
"""Sides of the smallest face, in pixels of the image."""

FALSE_FACE_COST = 4

GROUPS = {
    "as they are, resized": ("photos", "six", f"{ENLARGED} times"),
    "small": ("faces of",),
    "tilted": ("tilted",),
    "covered, dark, blurred": (*COVERED, "brightness", "blurred"),
    "none": ("no face",),
}
"""Beginnings of the names of conditions that are counted together. The turned faces are among the
resized ones.
"""


def _detectors(yunet: Path | None) -> dict[str, FaceDetector]:
    return {
        "haar": HaarDetector(),
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
    """Print missed and false faces by setting; one run per side serves all scores."""
    groups = {
        group: [view for name in views if name.startswith(starts) for view in views[name]]
        for group, starts in GROUPS.items()
    }
    asked = {group: sum(len(view.marks) for view in members) for group, members in groups.items()}
    print(f"Missed faces by condition, all false faces, and missed + {FALSE_FACE_COST} x false:\n")
    names = [group for group in groups if asked[group]]
    columns = [f"{group}, of {asked[group]}" for group in names]
    print("| search side | min score | min size | " + " | ".join(columns) + " | false | cost |")
    print("| ---: | ---: | ---: |" + " ---: |" * (len(columns) + 2))
    for side in SEARCH_SIDES:
        detector = YuNetDetector(yunet, min_score=min(MIN_SCORES), search_side=side)
        found = {
            group: [detector.detect(view.image_bgr) for view in members]
            for group, members in groups.items()
        }
        for score in MIN_SCORES:
            is_default = (side, score) == (SEARCH_SIDE, DEFAULT_MIN_SCORE)
            for size in MIN_SIZES if is_default else MIN_SIZES[:1]:
                counts = {
                    group: _counted(
                        members,
                        [
                            tuple(f.box for f in faces if f.score >= score and f.box.width >= size)
                            for faces in found[group]
                        ],
                    )
                    for group, members in groups.items()
                }
                missed = [asked[group] - counts[group].found for group in names]
                false = sum(count.false for count in counts.values())
                cells = [side, score, size, *missed, false, sum(missed) + FALSE_FACE_COST * false]
                print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def print_quality(folder: Path, yunet: Path | None) -> None:
    """Print Haar and YuNet side by side on the photos of a folder."""
    cv2.setNumThreads(1)
    _print_side_by_side(conditions(folder), _detectors(yunet))


def print_yunet_settings(folder: Path, yunet: Path | None) -> None:
    """Print the faces that YuNet misses on the photos of a folder, over its settings."""
    cv2.setNumThreads(1)
    _print_yunet_settings(conditions(folder), yunet)
