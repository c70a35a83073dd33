"""Measures the robustness of a model under the conditions of `emorec detect`, as a Markdown table.

Each validation image (FER+ majority labels) is upscaled to twice its size and padded by its border
to twice that size; the detector then detects the face in it. Each row changes the margin, the box
or the image, and crops and resizes as detect does. "Detected" is the share of faces that the
detector still detects in the changed image. The accuracies are on the faces that it detects in the
unchanged image, with the box from there, so that all rows are on the same faces.

With --tilt, the images are rotated by 0 to 60 degrees. The table shows the accuracy with crops that
are rotated by the eyes and without, with the detector's box from the rotated image.

Examples:
  python scripts/bench_robustness.py --data FER-2013 --limit 800
  python scripts/bench_robustness.py --data FER-2013 --tilt --min-tilts 0 10 20
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
from _padded_faces import FACE, FRAME, best_box, padded_image, pixels, rotated
from _tilt_quality import DEFAULT_SIDE, TiltTable

from emorec import resources
from emorec.datasets.manifest import read_prepared
from emorec.detection.base import FaceDetector
from emorec.detection.registry import DEFAULT_DETECTOR, DETECTORS, make_detector
from emorec.images import Image
from emorec.inference.classifier import EmotionClassifier
from emorec.preprocessing import MIN_TILT, crop_face
from emorec.types import Box

MARGINS = (-0.15, -0.1, -0.05, 0.0, 0.05, 0.1, 0.15, 0.2, 0.3)
SCALES = (0.8, 0.9, 1.1, 1.25)
SHIFTS = (0.05, 0.1, 0.15)
BLURS = (0.01, 0.02, 0.04)
QUALITIES = (50, 20, 10)
GAINS = (0.25, 0.5, 1.5)
ANGLES = (5, 10, 15, 20)
SIDES = (48, 32, 24)

BoxChange = Callable[[Box, np.random.Generator], Box]
ImageChange = Callable[[Image, np.random.Generator], Image]


@dataclass(frozen=True)
class Case:
    """One row of the table: a change.

    Attributes:
        name: Name of the row.
        margin: Crop margin; the default is the model's.
        box: Change of the box before cropping.
        image: Change of the image; the box stays.
        scale: Size of the changed image relative to the unchanged one.
    """

    name: str
    margin: float | None = None
    box: BoxChange | None = None
    image: ImageChange | None = None
    scale: float = 1.0


def cases() -> Iterator[Case]:
    """Yield the rows in the order of the table."""
    yield Case("detector's box, model's margin")
    for margin in MARGINS:
        yield Case(f"margin {margin:+.2f}", margin=margin)
    for scale in SCALES:
        yield Case(f"box scaled by {scale:g}", box=partial(_scaled, scale))
    for shift in SHIFTS:
        yield Case(f"box shifted by {shift:.0%}, random direction", box=partial(_shifted, shift))
    for sigma in BLURS:
        yield Case(f"blur, sigma {sigma:.0%} of the face", image=partial(_blurred, sigma))
    for quality in QUALITIES:
        yield Case(f"JPEG quality {quality}, {FACE}-pixel face", image=partial(_jpeg, quality))
    for gain in GAINS:
        yield Case(f"brightness x {gain:g}", image=partial(_bright, gain))
    yield Case("contrast halved", image=_flat)
    for angle in ANGLES:
        yield Case(f"rotated by {angle} degrees, random sign", image=partial(rotated, angle))
    for side in SIDES:
        yield Case(f"{side}-pixel face", image=partial(_small, side), scale=side / FACE)


def _scaled(scale: float, box: Box, _: np.random.Generator) -> Box:
    side = round(box.width * scale)
    moved = (box.width - side) // 2
    return Box(box.x + moved, box.y + moved, side, side)


def _shifted(part: float, box: Box, random: np.random.Generator) -> Box:
    angle = random.uniform(0, 2 * np.pi)
    x, y = (round(part * box.width * value) for value in (np.cos(angle), np.sin(angle)))
    return replace(box, x=box.x + x, y=box.y + y)


def _blurred(part: float, image: Image, _: np.random.Generator) -> Image:
    return pixels(cv2.GaussianBlur(image, (0, 0), part * FACE))


def _jpeg(quality: int, image: Image, _: np.random.Generator) -> Image:
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return pixels(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE))


def _bright(gain: float, image: Image, _: np.random.Generator) -> Image:
    return pixels(np.clip(image * gain, 0, 255).round())


def _flat(image: Image, _: np.random.Generator) -> Image:
    return pixels((64 + image * 0.5).round())


def _small(side: int, image: Image, _: np.random.Generator) -> Image:
    size = round(image.shape[0] * side / FACE)
    return pixels(cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA))


@dataclass(frozen=True)
class Faces:
    """The faces that the detector detects in the unchanged images."""

    images: list[Image]
    boxes: list[Box]
    labels: npt.NDArray[np.int64]


class Table:
    """The printed table; it runs the model on the crops of each row."""

    def __init__(self, classifier: EmotionClassifier, names: tuple[str, ...]) -> None:
        self._classifier = classifier
        self._names = names
        self._first: float | None = None

    def begin(self) -> None:
        print("| change | detected % | accuracy % | difference | balanced accuracy % |")
        print("| --- | --- | --- | --- | --- |")

    def row(
        self, name: str, detected: float | None, crops: list[Image], labels: npt.NDArray[np.int64]
    ) -> None:
        right = self._correct(crops, labels)
        accuracy = 100 * right.mean()
        recalls = [right[labels == label].mean() for label in np.unique(labels)]
        difference = "" if self._first is None else f"{accuracy - self._first:+.1f}"
        if detected is not None and self._first is None:
            self._first = accuracy
        share = "" if detected is None else f"{100 * detected:.1f}"
        cells = (name, share, f"{accuracy:.1f}", difference, f"{100 * np.mean(recalls):.1f}")
        print("| " + " | ".join(cells) + " |", flush=True)

    def _correct(self, crops: list[Image], labels: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        named = [prediction.emotion for prediction in self._classifier.classify(crops)]
        right = (name == self._names[label] for name, label in zip(named, labels, strict=True))
        return np.fromiter(right, np.bool_, len(named))


def run_case(case: Case, faces: Faces, detector: FaceDetector, table: Table, margin: float) -> None:
    """Change all faces, repeat the detection if the images change, and print the row."""
    randomness = np.random.default_rng(0)
    margin = margin if case.margin is None else case.margin
    crops: list[Image] = []
    detected = 0
    for image, box in zip(faces.images, faces.boxes, strict=True):
        if case.image:
            image = case.image(image, randomness)
            detected += best_box(detector, image, case.scale) is not None
            box = Box(*(round(v * case.scale) for v in (box.x, box.y, box.width, box.height)))
        if case.box:
            box = case.box(box, randomness)
        crops.append(crop_face(image, box, margin))
    share = detected / len(crops) if case.image else 1.0
    table.row(case.name, share, crops, faces.labels)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="a prepared data set with votes")
    parser.add_argument("--model", type=Path, default=resources.shipped_model())
    parser.add_argument("--limit", type=int, help="maximum number of images, spread over the split")
    parser.add_argument("--only", help="only rows whose names begin with this, such as 'margin'")
    parser.add_argument("--detector", choices=DETECTORS, default=DEFAULT_DETECTOR)
    parser.add_argument("--detector-model", type=Path, help="ONNX file of the detector")
    parser.add_argument(
        "--tilt", action="store_true", help="accuracy by tilt, with and without alignment, instead"
    )
    parser.add_argument(
        "--min-tilts",
        type=float,
        nargs="+",
        default=[MIN_TILT],
        metavar="DEGREES",
        help="tilts up to which crops are not rotated, for --tilt",
    )
    parser.add_argument(
        "--side", type=int, default=DEFAULT_SIDE, help="side of a face in pixels, for --tilt"
    )
    arguments = parser.parse_args()
    if arguments.tilt and not DETECTORS[arguments.detector].landmarks:
        parser.error(f"--tilt needs landmarks, which {arguments.detector} does not return")

    cv2.setNumThreads(1)  # small images are finished before a second thread starts
    classifier = EmotionClassifier(arguments.model)
    labels = classifier.metadata.labels
    examples = read_prepared(arguments.data).examples("validation", "majority", len(labels))
    examples = examples.limited(arguments.limit)
    files = {"detector_model": arguments.detector_model} if arguments.detector_model else {}
    detector = make_detector(arguments.detector, **files)
    if arguments.tilt:
        TiltTable(examples, detector, classifier, arguments.side).print(arguments.min_tilts)
        return
    table = Table(classifier, examples.class_names)
    truth = examples.targets.argmax(axis=1)
    images = [padded_image(path) for path in examples.paths]
    boxes = []
    for done, image in enumerate(images, 1):
        boxes.append(best_box(detector, image))
        if sys.stderr.isatty():
            print(f"\r{done} of {len(images)} images", end="", file=sys.stderr)
    detected = [number for number, box in enumerate(boxes) if box is not None]
    print(
        f"{classifier.metadata.name} {classifier.metadata.version}, {len(images)} validation "
        f"images, {arguments.detector} detects {len(detected)} "
        f"({len(detected) / len(images):.1%}); crop margin {classifier.metadata.crop_margin:g}. "
        "Standard error of an accuracy of 85 %: "
        f"{100 * (0.85 * 0.15 / len(detected)) ** 0.5:.1f} points.\n"
    )
    faces = Faces(
        [images[number] for number in detected],
        [box for box in boxes if box is not None],
        truth[detected],
    )
    table.begin()
    originals = [crop_face(image, FRAME, 0) for image in images]
    table.row("original images, all", None, originals, truth)
    # Of a pair of networks, one for the face and one for its mirror image, this swaps the roles.
    mirrored = [np.ascontiguousarray(original[:, ::-1]) for original in originals]
    table.row("original images, all, mirrored", None, mirrored, truth)
    faces_detected = [originals[number] for number in detected]
    table.row("original images, face detected", None, faces_detected, faces.labels)
    for case in cases():
        if arguments.only is None or case.name.startswith((arguments.only, "detector")):
            run_case(case, faces, detector, table, classifier.metadata.crop_margin)


if __name__ == "__main__":
    main()
