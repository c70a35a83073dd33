"""Choice of the settings of Haar on marked photos.

Each photo is tested in twelve variants, six sizes and their mirror images, to get more than a
handful of faces; images without faces add false detections. The settings with the highest number of
detected faces minus four times the false ones are chosen, once on all photos and once per photo on
the others.
"""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from _detector_views import NO_FACES, Boxes, Count, View, counted, empty, photos, variants

from emorec.detection.base import FaceDetector
from emorec.detection.haar import (
    DEFAULT_CASCADE,
    DEFAULT_MIN_NEIGHBORS,
    DEFAULT_SCALE_FACTOR,
    HaarDetector,
)
from emorec.types import Box

SAME_FACE_IOU = 0.3
FALSE_FACE_COST = 4

CASCADES = ("default", "alt2", "alt")
SCALE_FACTORS = (1.1, 1.15, 1.2)
MIN_NEIGHBORS = (1, 2, 3, 4, 6)

Setting = tuple[str, float, int]


@dataclass(frozen=True)
class Counts:
    """Detected and false faces, on the photos as they are and on all variants."""

    originals: Count = NO_FACES
    all: Count = NO_FACES

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.originals + other.originals, self.all + other.all)

    def score(self) -> int:
        return self.all.found - FALSE_FACE_COST * self.all.false


class Results:
    """Runs detectors on all views and counts their detections."""

    def __init__(self, all_views: list[View]) -> None:
        self.views = all_views
        self.milliseconds: dict[object, float] = {}

    def run(self, key: object, detector: FaceDetector) -> list[Boxes]:
        """Run a detector over all views."""
        found = []
        originals = []
        for view in self.views:
            start = time.perf_counter()
            found.append(tuple(face.box for face in detector.detect(view.image_bgr)))
            if view.original:
                originals.append(time.perf_counter() - start)
        self.milliseconds[key] = 1e3 * float(np.median(originals))
        return found

    def count(self, found: Sequence[Sequence[Box]], photos: set[str] | None = None) -> Counts:
        total = Counts()
        for view, boxes in zip(self.views, found, strict=True):
            if photos is None or view.photo in photos:
                count = counted(view, boxes)
                total += Counts(count if view.original else NO_FACES, count)
        return total


def _agreeing(one: Boxes, other: Boxes) -> Boxes:
    return tuple(box for box in one if any(box.iou(b) >= SAME_FACE_IOU for b in other))


def _merged(one: Boxes, other: Boxes) -> Boxes:
    return one + tuple(b for b in other if all(b.iou(box) < SAME_FACE_IOU for box in one))


def _with_eyes(view: View, boxes: Boxes, eyes: cv2.CascadeClassifier) -> Boxes:
    """Keep the faces in whose upper part the eye cascade detects an eye."""
    gray = cv2.cvtColor(view.image_bgr, cv2.COLOR_BGR2GRAY)
    kept = []
    for box in boxes:
        top, left = max(box.y, 0), max(box.x, 0)
        upper = gray[top : box.y + round(0.6 * box.height), left : box.x + box.width]
        upper = cv2.resize(upper, None, fx=120 / box.width, fy=120 / box.width)
        if len(eyes.detectMultiScale(upper, 1.05, 1, minSize=(20, 20), maxSize=(50, 50))):
            kept.append(box)
    return tuple(kept)


Candidates = dict[str, list[Boxes]]


def _families(results: Results) -> Iterator[tuple[str, Candidates]]:
    """Yield each way of using cascades with its detections at each of its settings."""
    found: dict[Setting, list[Boxes]] = {}
    for cascade in CASCADES:
        for factor in SCALE_FACTORS:
            # One search serves all numbers of neighbours: 0 returns all windows, ungrouped.
            detector = HaarDetector(cascade, scale_factor=factor)
            detector._min_neighbors = 0
            windows = results.run((cascade, factor), detector)
            for neighbors in MIN_NEIGHBORS:
                setting = (cascade, factor, neighbors)
                found[setting] = [_grouped(boxes, neighbors) for boxes in windows]
                results.milliseconds[_described(setting)] = results.milliseconds[cascade, factor]
            print(f"searched with {cascade} {factor:g}", file=sys.stderr)
    for cascade in CASCADES:
        own = {
            _described(setting): boxes for setting, boxes in found.items() if setting[0] == cascade
        }
        yield cascade, own
    yield "any one cascade", {_described(setting): boxes for setting, boxes in found.items()}
    for name, way in (("two agreeing", _agreeing), ("two merged", _merged)):
        yield name, _pairs(found, way)
    eyes = _eye_cascade()
    if eyes is not None:
        yield (
            "any one and an eye",
            {
                _described(setting): [
                    _with_eyes(view, boxes, eyes)
                    for view, boxes in zip(results.views, rows, strict=True)
                ]
                for setting, rows in found.items()
                if setting[2] < 6
            },
        )


def _grouped(windows: Boxes, neighbors: int) -> Boxes:
    """Group windows as detectMultiScale does."""
    rectangles = [(box.x, box.y, box.width, box.height) for box in windows]
    groups, _ = cv2.groupRectangles(rectangles, neighbors, 0.2)
    return tuple(Box(*map(int, group)) for group in groups)


def _described(setting: Setting) -> str:
    cascade, factor, neighbors = setting
    return f"{cascade} {factor:g}/{neighbors}"


def _pairs(found: dict[Setting, list[Boxes]], way: Callable[[Boxes, Boxes], Boxes]) -> Candidates:
    pairs = {}
    for one, rows in found.items():
        for other, others in found.items():
            if one[0] != other[0] and one[1] == other[1]:
                both = [way(a, b) for a, b in zip(rows, others, strict=True)]
                pairs[f"{_described(one)}, {_described(other)}"] = both
    return pairs


def _eye_cascade() -> cv2.CascadeClassifier | None:
    """Load the eye cascade of the OpenCV wheel; emorec does not ship it."""
    path = Path(cv2.__file__).with_name("data") / "haarcascade_eye.xml"
    return cv2.CascadeClassifier(str(path)) if path.is_file() else None


def _row(name: str, setting: str, counts: Counts, held_out: Count | None, ms: float | None) -> str:
    numbers = [counts.originals.found, counts.originals.false, counts.all.found, counts.all.false]
    out = ["", ""] if held_out is None else [str(held_out.found), str(held_out.false)]
    cells = [name, setting, *map(str, numbers), *out, "" if ms is None else f"{ms:.0f}"]
    return "| " + " | ".join(cells) + " |"


def print_haar_settings(folder: Path) -> None:
    """Print the table of settings of Haar on the photos of a folder."""
    originals = photos(folder)
    results = Results([*variants(originals), *empty(folder)])
    names = {view.photo for view in results.views}
    marked = [view.photo for view in originals]
    print(
        "| cascades | settings chosen on all: scale factor/min neighbors | detected | false "
        "| detected in variants | false in variants | detected, chosen on the other photos "
        "| false | ms/photo |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, candidates in _families(results):
        counts = {
            setting: {photo: results.count(rows, {photo}) for photo in names}
            for setting, rows in candidates.items()
        }

        def best(without: str = "", counts: dict[str, dict[str, Counts]] = counts) -> str:
            return max(
                counts,
                key=lambda s: sum(
                    (c for photo, c in counts[s].items() if photo != without), Counts()
                ).score(),
            )

        setting = best()
        held_out = sum((counts[best(photo)][photo].originals for photo in marked), NO_FACES)
        total = sum(counts[setting].values(), Counts())
        print(_row(name, setting, total, held_out, results.milliseconds.get(setting)))
    shipped = _described((DEFAULT_CASCADE, DEFAULT_SCALE_FACTOR, DEFAULT_MIN_NEIGHBORS))
    rows = results.run("defaults", HaarDetector())
    milliseconds = results.milliseconds["defaults"]
    print(_row("**the defaults**", shipped, results.count(rows), None, milliseconds))
