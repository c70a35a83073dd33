"""Comparison of face detectors on marked photos, and choice of the settings of Haar.

A face counts as detected if a box has an IoU of at least 0.4 with its mark. Each photo is tested in
twelve variants, six sizes and their mirror images, to get more than a handful of faces; photos
without faces add false detections. The settings with the highest number of detected faces minus
four times the false ones are chosen, once on all photos and once per photo on the others.
"""

import csv
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from emorec.detection.base import FaceDetector
from emorec.detection.haar import (
    DEFAULT_CASCADE,
    DEFAULT_MIN_NEIGHBORS,
    DEFAULT_SCALE_FACTOR,
    HaarDetector,
)
from emorec.detection.yunet import YuNetDetector
from emorec.images import Image, read_bgr
from emorec.types import Box

FOUND_IOU = 0.4
SAME_FACE_IOU = 0.3
FALSE_FACE_COST = 4

SCALES = (0.8, 0.9, 1.0, 1.15, 1.3, 1.6)
EMPTY = ("no-faces.jpg", "exif_orientation_1.jpg")
EMPTY_SCALES = (0.5, 0.7, 0.85, 1.0)

CASCADES = ("default", "alt2", "alt")
SCALE_FACTORS = (1.1, 1.15, 1.2)
MIN_NEIGHBORS = (1, 2, 3, 4, 6)

Setting = tuple[str, float, int]
Boxes = tuple[Box, ...]


@dataclass(frozen=True)
class View:
    """One variant of a photo: pixels, marked faces, and whether it is the original."""

    photo: str
    original: bool
    image_bgr: Image
    marks: Boxes


@dataclass(frozen=True)
class Count:
    """Detected and false faces, on the original photos and on all variants."""

    found: int = 0
    false: int = 0
    found_all: int = 0
    false_all: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(
            self.found + other.found,
            self.false + other.false,
            self.found_all + other.found_all,
            self.false_all + other.false_all,
        )

    def score(self) -> int:
        return self.found_all - FALSE_FACE_COST * self.false_all


def views(folder: Path) -> list[View]:
    """Make the variants of all photos."""
    marks: dict[str, list[Box]] = {}
    with (folder / "boxes.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            box = Box(*(int(row[name]) for name in ("x", "y", "width", "height")))
            marks.setdefault(row["image"], []).append(box)
    found = []
    for name, boxes in marks.items():
        image = read_bgr(folder / name)
        for scale in SCALES:
            for mirrored in (False, True):
                found.append(_view(name, image, boxes, scale, mirrored))
    for name in EMPTY:
        image = read_bgr(folder / name)
        found += [_view(name, image, [], scale, False) for scale in EMPTY_SCALES]
    return found


def _view(name: str, image: Image, boxes: Sequence[Box], scale: float, mirrored: bool) -> View:
    original = scale == 1 and not mirrored
    if scale != 1:
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        image = np.asarray(
            cv2.resize(image, None, fx=scale, fy=scale, interpolation=method), np.uint8
        )
    scaled = [
        Box(*(round(scale * value) for value in (box.x, box.y, box.width, box.height)))
        for box in boxes
    ]
    if mirrored:
        width = image.shape[1]
        image = np.ascontiguousarray(image[:, ::-1])
        scaled = [Box(width - b.x - b.width, b.y, b.width, b.height) for b in scaled]
    return View(name, original, image, tuple(scaled))


def counted(view: View, found: Sequence[Box]) -> Count:
    """Match boxes with marks, each mark once."""
    open_marks = list(view.marks)
    hits = 0
    for box in found:
        best = max(open_marks, key=box.iou, default=None)
        if best is not None and box.iou(best) >= FOUND_IOU:
            open_marks.remove(best)
            hits += 1
    false = len(found) - hits
    return Count(hits, false, hits, false) if view.original else Count(0, 0, hits, false)


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

    def count(self, found: Sequence[Sequence[Box]], photos: set[str] | None = None) -> Count:
        counts = (
            counted(view, boxes)
            for view, boxes in zip(self.views, found, strict=True)
            if photos is None or view.photo in photos
        )
        return sum(counts, Count())


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


def _row(name: str, setting: str, count: Count, held_out: Count | None, ms: float | None) -> str:
    cells = [name, setting, str(count.found), str(count.false)]
    cells += [str(count.found_all), str(count.false_all)]
    out = ["", ""] if held_out is None else [str(held_out.found), str(held_out.false)]
    cells += [*out, "" if ms is None else f"{ms:.0f}"]
    return "| " + " | ".join(cells) + " |"


def print_quality(folder: Path, yunet: Path | None) -> None:
    """Print the table of detectors on the photos of a folder."""
    results = Results(views(folder))
    photos = {view.photo for view in results.views}
    marked = sorted({view.photo for view in results.views if view.marks})
    faces = sum(len(view.marks) for view in results.views if view.original)
    in_all = sum(len(view.marks) for view in results.views)
    print(f"{faces} marked faces on {len(marked)} photos, {in_all} in all variants.\n")
    print(
        "| detector | settings chosen on all: scale factor/min neighbors | detected | false "
        "| detected in variants | false in variants | detected, chosen on the other photos "
        "| false | ms/photo |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, candidates in _families(results):
        counts = {
            setting: {photo: results.count(rows, {photo}) for photo in photos}
            for setting, rows in candidates.items()
        }

        def best(without: str = "", counts: dict[str, dict[str, Count]] = counts) -> str:
            return max(
                counts,
                key=lambda s: sum(
                    (c for photo, c in counts[s].items() if photo != without), Count()
                ).score(),
            )

        setting = best()
        held_out = sum((counts[best(photo)][photo] for photo in marked), Count())
        total = sum(counts[setting].values(), Count())
        print(_row(name, setting, total, held_out, results.milliseconds.get(setting)))
    shipped = (DEFAULT_CASCADE, DEFAULT_SCALE_FACTOR, DEFAULT_MIN_NEIGHBORS)
    others: list[tuple[str, str, FaceDetector]] = [
        ("**haar, defaults**", _described(shipped), HaarDetector()),
        ("haar --profile", _described(shipped), HaarDetector(profile=True)),
    ]
    others.append(("**yunet**", "", YuNetDetector(yunet)))
    for name, description, detector in others:
        rows = results.run(name, detector)
        print(_row(name, description, results.count(rows), None, results.milliseconds[name]))
