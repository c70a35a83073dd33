"""Measures how a model stands what `emorec detect` feeds it, as Markdown tables.

Each validation image (FER+ majority labels) is doubled, padded by its border to a picture of twice
the face's side, and the detector finds the face in it. Then the crop, the box or the picture is
changed step by step, through the same cropping and resizing as in detect. "Found" is the share of
faces that the detector still finds in the changed picture; the accuracies are on the faces that
it found in the plain one, with the box from there, so that all rows tell of the same faces.

Example: python scripts/bench_robustness.py --data FER-2013 --limit 800
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from emorec import resources
from emorec.datasets.manifest import read_prepared
from emorec.detection.base import FaceDetector
from emorec.detection.registry import DEFAULT_DETECTOR, DETECTORS, make_detector
from emorec.images import Image, read_gray
from emorec.inference.classifier import EmotionClassifier
from emorec.preprocessing import crop_face
from emorec.types import Box

FACE = 96
"""Side of the doubled image in its picture, in pixels."""

PAD = FACE // 2
FRAME = Box(PAD, PAD, FACE, FACE)
FOUND = 0.4
"""Least overlap of a box with the image's place for the face to count as found."""

MARGINS = (-0.15, -0.1, -0.05, 0.0, 0.05, 0.1, 0.15, 0.2, 0.3)
SCALES = (0.8, 0.9, 1.1, 1.25)
SHIFTS = (0.05, 0.1, 0.15)
BLURS = (0.01, 0.02, 0.04)
QUALITIES = (50, 20, 10)
GAINS = (0.25, 0.5, 1.5)
ANGLES = (5, 10, 15, 20)
SIDES = (48, 32, 24)

ChangeOfBox = Callable[[Box, np.random.Generator], Box]
ChangeOfPicture = Callable[[Image, np.random.Generator], Image]


@dataclass(frozen=True)
class Case:
    """One row: what is changed, and by how much.

    Attributes:
        name: What the row is called.
        margin: Crop margin; None takes the model's.
        box: Changes the box before cropping.
        picture: Changes the picture, with the box where it was.
        scale: Ratio of the changed picture's size to the plain one's.
    """

    name: str
    margin: float | None = None
    box: ChangeOfBox | None = None
    picture: ChangeOfPicture | None = None
    scale: float = 1.0


def cases() -> Iterator[Case]:
    """Give the rows in the order of the table."""
    yield Case("detector's box, the model's margin")
    for margin in MARGINS:
        yield Case(f"margin {margin:+.2f}", margin=margin)
    for scale in SCALES:
        yield Case(f"box scaled by {scale:g}", box=partial(_scaled, scale))
    for shift in SHIFTS:
        yield Case(f"box shifted by {shift:.0%}, any direction", box=partial(_shifted, shift))
    for sigma in BLURS:
        yield Case(f"blur, sigma {sigma:.0%} of the face", picture=partial(_blurred, sigma))
    for quality in QUALITIES:
        yield Case(f"JPEG quality {quality}, {FACE}-pixel face", picture=partial(_jpeg, quality))
    for gain in GAINS:
        yield Case(f"brightness times {gain:g}", picture=partial(_bright, gain))
    yield Case("contrast halved", picture=_flat)
    for angle in ANGLES:
        yield Case(f"rotated by {angle} degrees, either way", picture=partial(_rotated, angle))
    for side in SIDES:
        yield Case(f"{side}-pixel face", picture=partial(_small, side), scale=side / FACE)


def _scaled(scale: float, box: Box, _: np.random.Generator) -> Box:
    side = round(box.width * scale)
    moved = (box.width - side) // 2
    return Box(box.x + moved, box.y + moved, side, side)


def _shifted(part: float, box: Box, random: np.random.Generator) -> Box:
    angle = random.uniform(0, 2 * np.pi)
    x, y = (round(part * box.width * value) for value in (np.cos(angle), np.sin(angle)))
    return replace(box, x=box.x + x, y=box.y + y)


def _blurred(part: float, image: Image, _: np.random.Generator) -> Image:
    return _pixels(cv2.GaussianBlur(image, (0, 0), part * FACE))


def _jpeg(quality: int, image: Image, _: np.random.Generator) -> Image:
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return _pixels(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE))


def _bright(gain: float, image: Image, _: np.random.Generator) -> Image:
    return _pixels(np.clip(image * gain, 0, 255).round())


def _flat(image: Image, _: np.random.Generator) -> Image:
    return _pixels((64 + image * 0.5).round())


def _rotated(angle: float, image: Image, random: np.random.Generator) -> Image:
    center = (image.shape[1] / 2, image.shape[0] / 2)
    turn = cv2.getRotationMatrix2D(center, angle * random.choice((-1, 1)), 1)
    size_wh = (image.shape[1], image.shape[0])
    return _pixels(cv2.warpAffine(image, turn, size_wh, borderMode=cv2.BORDER_REPLICATE))


def _small(side: int, image: Image, _: np.random.Generator) -> Image:
    size = round(image.shape[0] * side / FACE)
    return _pixels(cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA))


def _pixels(image: npt.ArrayLike | None) -> Image:
    return np.asarray(image, np.uint8)


def picture_of(path: Path) -> Image:
    """Read a face image, double it and pad it by its border; grey, shape (192, 192)."""
    face = cv2.resize(read_gray(path), (FACE, FACE), interpolation=cv2.INTER_CUBIC)
    return _pixels(cv2.copyMakeBorder(face, PAD, PAD, PAD, PAD, cv2.BORDER_REPLICATE))


def best_box(detector: FaceDetector, image: Image, scale: float = 1.0) -> Box | None:
    """Find the face of a picture, or None; the frame of the face is scaled as the picture is."""
    frame = Box(*(round(value * scale) for value in (PAD, PAD, FACE, FACE)))
    found = detector.detect(_pixels(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)))
    best = max((face.box for face in found), key=frame.iou, default=None)
    return best if best is not None and best.iou(frame) >= FOUND else None


@dataclass(frozen=True)
class Faces:
    """The faces that the detector found in the plain pictures."""

    pictures: list[Image]
    boxes: list[Box]
    labels: npt.NDArray[np.int64]


class Table:
    """Runs the model and prints the rows."""

    def __init__(self, classifier: EmotionClassifier, names: tuple[str, ...]) -> None:
        self._classifier = classifier
        self._names = names
        self._first: float | None = None

    def begin(self) -> None:
        print("| change | found % | accuracy % | difference | balanced accuracy % |")
        print("| --- | --- | --- | --- | --- |")

    def row(
        self, name: str, found: float | None, crops: list[Image], labels: npt.NDArray[np.int64]
    ) -> None:
        right = self._right(crops, labels)
        accuracy = 100 * right.mean()
        recalls = [right[labels == label].mean() for label in np.unique(labels)]
        difference = "" if self._first is None else f"{accuracy - self._first:+.1f}"
        if found is not None and self._first is None:
            self._first = accuracy
        share = "" if found is None else f"{100 * found:.1f}"
        cells = (name, share, f"{accuracy:.1f}", difference, f"{100 * np.mean(recalls):.1f}")
        print("| " + " | ".join(cells) + " |", flush=True)

    def _right(self, crops: list[Image], labels: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        named = [prediction.emotion for prediction in self._classifier.classify(crops)]
        right = (name == self._names[label] for name, label in zip(named, labels, strict=True))
        return np.fromiter(right, np.bool_, len(named))


def run_case(case: Case, faces: Faces, detector: FaceDetector, table: Table, margin: float) -> None:
    """Change all faces, look for them again where the picture is changed, and print the row."""
    randomness = np.random.default_rng(0)
    margin = margin if case.margin is None else case.margin
    crops: list[Image] = []
    found = 0
    for picture, box in zip(faces.pictures, faces.boxes, strict=True):
        if case.picture:
            picture = case.picture(picture, randomness)
            found += best_box(detector, picture, case.scale) is not None
            box = Box(*(round(v * case.scale) for v in (box.x, box.y, box.width, box.height)))
        if case.box:
            box = case.box(box, randomness)
        crops.append(crop_face(picture, box, margin))
    share = found / len(crops) if case.picture else 1.0
    table.row(case.name, share, crops, faces.labels)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="a prepared data set with votes")
    parser.add_argument("--model", type=Path, default=resources.shipped_model())
    parser.add_argument("--limit", type=int, help="use so many images, spread over all")
    parser.add_argument("--only", help="rows whose name begins so, such as 'margin'")
    parser.add_argument("--detector", choices=DETECTORS, default=DEFAULT_DETECTOR)
    parser.add_argument("--detector-model", type=Path, help="ONNX file of the detector")
    arguments = parser.parse_args()

    cv2.setNumThreads(1)  # small pictures are done before a second thread has begun
    classifier = EmotionClassifier(arguments.model)
    labels = classifier.metadata.labels
    examples = read_prepared(arguments.data).examples("validation", "majority", len(labels))
    examples = examples.limited(arguments.limit)
    files = {"detector_model": arguments.detector_model} if arguments.detector_model else {}
    detector = make_detector(arguments.detector, **files)
    table = Table(classifier, examples.class_names)
    truth = examples.targets.argmax(axis=1)
    pictures = [picture_of(path) for path in examples.paths]
    boxes = []
    for done, picture in enumerate(pictures, 1):
        boxes.append(best_box(detector, picture))
        if sys.stderr.isatty():
            print(f"\r{done} of {len(pictures)} pictures", end="", file=sys.stderr)
    there = [number for number, box in enumerate(boxes) if box is not None]
    print(
        f"{classifier.metadata.name} {classifier.metadata.version}, {len(pictures)} validation "
        f"images, {arguments.detector} finds {len(there)} ({len(there) / len(pictures):.1%}); crop "
        f"margin {classifier.metadata.crop_margin:g}. Standard error of an accuracy of 85 %: "
        f"{100 * (0.85 * 0.15 / len(there)) ** 0.5:.1f} points.\n"
    )
    faces = Faces(
        [pictures[number] for number in there],
        [box for box in boxes if box is not None],
        truth[there],
    )
    table.begin()
    originals = [crop_face(picture, FRAME, 0) for picture in pictures]
    table.row("the images themselves, all", None, originals, truth)
    # For a net that sees the face and another that sees its mirror image, this changes their parts.
    mirrored = [np.ascontiguousarray(original[:, ::-1]) for original in originals]
    table.row("the images themselves, all, mirrored", None, mirrored, truth)
    found = [originals[number] for number in there]
    table.row("the images themselves, those found", None, found, faces.labels)
    for case in cases():
        if arguments.only is None or case.name.startswith((arguments.only, "detector")):
            run_case(case, faces, detector, table, classifier.metadata.crop_margin)


if __name__ == "__main__":
    main()
