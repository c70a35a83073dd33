"""Photos with marked faces in many conditions, on which face detectors are compared.

A face counts as detected if a box has an IoU of at least 0.4 with its mark.
"""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from emorec.images import Image, read_bgr
from emorec.types import Box

FOUND_IOU = 0.4

SCALES = (0.8, 0.9, 1.0, 1.15, 1.3, 1.6)
EMPTY = ("no-faces.jpg", "exif_orientation_1.jpg")
EMPTY_SCALES = (0.5, 0.7, 0.85, 1.0)
BACKGROUND = "exif_orientation_1.jpg"

TURNED = {
    "2007_007763.jpg": ((381, 89), (294, 86), (309, 233)),
    "2008_002079.jpg": ((41, 194),),
}
"""Top left corners of the marks of faces that are turned by about 45 degrees or more.

The farther eye is hardly visible. No photo has a face in full profile.
"""

UNMARKED = {
    "2008_002079.jpg": (
        Box(275, 38, 19, 19),
        Box(417, 82, 15, 15),
        Box(459, 74, 13, 13),
        Box(472, 72, 15, 15),
    )
}
"""Faces of guests in the dark background, which boxes.csv does not mark."""

SMALL = ((16, (1280, 720)), (24, (1280, 720)), (32, (1280, 720)), (24, (1920, 1080)))
"""Median side of the faces of a photo, and the size of the image into which it is pasted."""

ENLARGED = 4
ANGLES = (15, 30, 45, 60)
GAINS = (0.25, 0.1)
BLURS = (0.05, 0.1)
"""Standard deviation of the Gaussian blur, relative to the median side of the photo's faces."""

COVERED = {
    "mouth and nose covered": (0.0, 0.5, 1.0, 1.0),
    "eyes covered": (0.0, 0.15, 1.0, 0.5),
    "one half covered": (0.0, 0.0, 0.5, 1.0),
}
"""Left, top, right and bottom of a grey rectangle over each face, relative to its mark."""

GRAY = 128

Boxes = tuple[Box, ...]


@dataclass(frozen=True)
class View:
    """A photo in one condition.

    Attributes:
        photo: Name of the photo.
        image_bgr: The changed pixels.
        marks: The marked faces.
        ignored: Faces that are neither asked for nor false if a box is around them.
        original: The photo as it is.
    """

    photo: str
    image_bgr: Image
    marks: Boxes = ()
    ignored: Boxes = ()
    original: bool = False


@dataclass(frozen=True)
class Count:
    """Numbers of detected and of false faces."""

    found: int = 0
    false: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(self.found + other.found, self.false + other.false)


NO_FACES = Count()


def counted(view: View, found: Sequence[Box]) -> Count:
    """Match boxes with marks, each mark once."""
    marks = [*view.marks, *view.ignored]
    hits = false = 0
    for box in found:
        best = max(marks, key=box.iou, default=None)
        if best is None or box.iou(best) < FOUND_IOU:
            false += 1
            continue
        marks.remove(best)
        hits += best in view.marks
    return Count(hits, false)


def photos(folder: Path) -> list[View]:
    """Read the marked photos of a folder."""
    marks: dict[str, list[Box]] = {}
    with (folder / "boxes.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            box = Box(*(int(row[name]) for name in ("x", "y", "width", "height")))
            marks.setdefault(row["image"], []).append(box)
    return [
        View(name, read_bgr(folder / name), tuple(boxes), UNMARKED.get(name, ()), original=True)
        for name, boxes in marks.items()
    ]


def variants(originals: Sequence[View]) -> list[View]:
    """Return each photo in six sizes, and the mirror images of these."""
    return [view for one in originals for scale in SCALES for view in _both(_scaled(one, scale))]


def empty(folder: Path) -> list[View]:
    """Read the images without faces, each in four sizes."""
    images = [View(name, read_bgr(folder / name)) for name in EMPTY]
    return [_scaled(one, scale) for one in images for scale in EMPTY_SCALES]


def conditions(folder: Path) -> dict[str, list[View]]:
    """Make the views of all conditions, by the condition's name."""
    originals = photos(folder)
    background = read_bgr(folder / BACKGROUND)
    found = {
        "photos as they are": originals,
        "six sizes, mirrored or not": variants(originals),
        "turned by 45 degrees or more, same sizes": variants(_turned(originals)),
    }
    for side, size_wh in SMALL:
        name = f"faces of {side} pixels in {size_wh[0]}x{size_wh[1]}"
        change = partial(_small, side=side, size_wh=size_wh, background=background)
        found[name] = _changed(originals, change)
    found[f"{ENLARGED} times as large"] = _changed(originals, partial(_scaled, scale=ENLARGED))
    for angle in ANGLES:
        turns = [_rotated(view, sign * angle) for view in originals for sign in (1, -1)]
        found[f"tilted by {angle} degrees"] = turns
    for name, part in COVERED.items():
        found[name] = _changed(originals, partial(_covered, part=part))
    for gain in GAINS:
        found[f"brightness {gain:.0%}"] = _changed(originals, partial(_darker, gain=gain))
    for blur in BLURS:
        name = f"blurred by {blur:.0%} of a face"
        found[name] = _changed(originals, partial(_blurred, share=blur))
    return found | {"no face": empty(folder)}


def _changed(originals: Sequence[View], change: Callable[[View], View]) -> list[View]:
    return [view for one in originals for view in _both(change(one))]


def _both(view: View) -> tuple[View, View]:
    """Return a view and its mirror image."""
    width = view.image_bgr.shape[1]

    def mirrored(boxes: Boxes) -> Boxes:
        return tuple(Box(width - b.x - b.width, b.y, b.width, b.height) for b in boxes)

    image = np.ascontiguousarray(view.image_bgr[:, ::-1])
    return view, View(view.photo, image, mirrored(view.marks), mirrored(view.ignored))


def _scaled(view: View, scale: float) -> View:
    if scale == 1:
        return view
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    image = cv2.resize(view.image_bgr, None, fx=scale, fy=scale, interpolation=method)

    def scaled(boxes: Boxes) -> Boxes:
        return tuple(
            Box(*(round(scale * value) for value in (b.x, b.y, b.width, b.height))) for b in boxes
        )

    return View(view.photo, _pixels(image), scaled(view.marks), scaled(view.ignored))


def _turned(originals: Sequence[View]) -> list[View]:
    views = []
    for view in originals:
        turned = tuple(box for box in view.marks if (box.x, box.y) in TURNED.get(view.photo, ()))
        others = (*view.ignored, *(box for box in view.marks if box not in turned))
        views.append(replace(view, marks=turned, ignored=others))
    return [view for view in views if view.marks]


def _small(view: View, side: int, size_wh: tuple[int, int], background: Image) -> View:
    """Paste the photo, its faces downscaled to a side, into the middle of a larger image."""
    part = _scaled(view, side / _median_side(view))
    image = _pixels(cv2.resize(background, size_wh, interpolation=cv2.INTER_AREA))
    height, width = part.image_bgr.shape[:2]
    left, top = (size_wh[0] - width) // 2, (size_wh[1] - height) // 2
    image[top : top + height, left : left + width] = part.image_bgr

    def moved(boxes: Boxes) -> Boxes:
        return tuple(Box(b.x + left, b.y + top, b.width, b.height) for b in boxes)

    return View(view.photo, image, moved(part.marks), moved(part.ignored))


def _rotated(view: View, degrees: float) -> View:
    """Rotate the photo about its middle; the image grows to hold all of it."""
    height, width = view.image_bgr.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    cosine, sine = abs(matrix[0, 0]), abs(matrix[0, 1])
    new_w, new_h = round(width * cosine + height * sine), round(width * sine + height * cosine)
    matrix[:, 2] += (new_w - width) / 2, (new_h - height) / 2
    image = cv2.warpAffine(view.image_bgr, matrix, (new_w, new_h), borderValue=(GRAY,) * 3)

    def turned(boxes: Boxes) -> Boxes:
        """Return squares of the same size around the rotated middles."""
        middles = (matrix @ (b.x + b.width / 2, b.y + b.height / 2, 1.0) for b in boxes)
        return tuple(
            Box(round(x - b.width / 2), round(y - b.height / 2), b.width, b.height)
            for (x, y), b in zip(middles, boxes, strict=True)
        )

    return View(view.photo, _pixels(image), turned(view.marks), turned(view.ignored))


def _covered(view: View, part: tuple[float, float, float, float]) -> View:
    image = view.image_bgr.copy()
    for box in view.marks:
        left, right = (max(round(box.x + share * box.width), 0) for share in part[::2])
        top, bottom = (max(round(box.y + share * box.height), 0) for share in part[1::2])
        image[top:bottom, left:right] = GRAY
    return replace(view, image_bgr=image, original=False)


def _darker(view: View, gain: float) -> View:
    return replace(view, image_bgr=_pixels(np.rint(gain * view.image_bgr)), original=False)


def _blurred(view: View, share: float) -> View:
    sigma = share * _median_side(view)
    image = _pixels(cv2.GaussianBlur(view.image_bgr, (0, 0), sigma))
    return replace(view, image_bgr=image, original=False)


def _median_side(view: View) -> float:
    return float(np.median([box.width for box in view.marks]))


def _pixels(image: npt.ArrayLike) -> Image:
    return np.asarray(image, np.uint8)
