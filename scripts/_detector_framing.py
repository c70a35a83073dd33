"""Framing of YuNet's boxes: compared with Haar's, and by the accuracy of the model on the crops."""

from pathlib import Path

import cv2
import numpy as np
from bench_robustness import best_box, padded_image

from emorec import resources
from emorec.datasets.manifest import read_prepared
from emorec.detection.haar import HaarDetector
from emorec.detection.yunet import YuNetDetector
from emorec.inference.classifier import EmotionClassifier
from emorec.preprocessing import crop_face
from emorec.types import Box

IMAGES = 500
VALIDATION_IMAGES = 1000
SIDES = (0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15)
DOWN = (-0.07, -0.035, 0.0, 0.035, 0.07)
"""Sides and downward shifts of the crop, relative to YuNet's square."""


def print_framing(data: Path, yunet: Path | None) -> None:
    """Print both comparisons on a prepared data set."""
    cv2.setNumThreads(1)
    _compare_with_haar(data, YuNetDetector(yunet))
    print()
    _print_accuracies(data, YuNetDetector(yunet))


def _compare_with_haar(data: Path, network: YuNetDetector) -> None:
    """Print the relative size and offset of Haar's squares, in units of YuNet's side."""
    examples = read_prepared(data).examples("train").limited(IMAGES)
    haar = HaarDetector()
    rows = []
    for path in examples.paths:
        image = padded_image(path)
        one, other = best_box(haar, image), best_box(network, image)
        if one and other:
            centering = (one.width - other.width) / 2
            rows.append(
                (
                    one.width / other.width,
                    (one.x + centering - other.x) / other.width,
                    (one.y + centering - other.y) / other.width,
                )
            )
    side, right, down = np.median(rows, axis=0)
    print(
        f"both detect a face in {len(rows)} of {len(examples.paths)} training images; "
        f"Haar's square relative to YuNet's (medians): side {side:.3f}, "
        f"{right:+.3f} to the right, {down:+.3f} down"
    )


def _print_accuracies(data: Path, network: YuNetDetector) -> None:
    """Print the accuracy of the shipped model on crops of other sides and positions."""
    classifier = EmotionClassifier(resources.shipped_model())
    model = classifier.metadata
    examples = read_prepared(data).examples("validation", "majority", len(model.labels))
    examples = examples.limited(VALIDATION_IMAGES)
    names = examples.class_names
    faces = []
    for path, target in zip(examples.paths, examples.targets.argmax(axis=1), strict=True):
        image = padded_image(path)
        box = best_box(network, image)
        if box is not None:
            faces.append((image, box, names[target]))
    error = 100 * (0.88 * 0.12 / len(faces)) ** 0.5
    print(
        f"Accuracy in % of {model.name} {model.version} on the {len(faces)} of "
        f"{len(examples.paths)} validation images in which YuNet detects the face (standard error "
        f"{error:.1f}), by the crop's side and downward shift, relative to YuNet's square:\n"
    )
    print("| side | " + " | ".join(f"{down:+.1%} down" for down in DOWN) + " |")
    print("| ---: |" + " ---: |" * len(DOWN))
    for side in SIDES:
        cells = []
        for down in DOWN:
            crops = [
                crop_face(image, _reframed(box, side, down), model.crop_margin)
                for image, box, _ in faces
            ]
            found = classifier.classify(crops)
            right = sum(p.emotion == name for p, (_, _, name) in zip(found, faces, strict=True))
            cells.append(f"{100 * right / len(faces):.1f}")
        print(f"| {side:g} | {' | '.join(cells)} |", flush=True)


def _reframed(box: Box, side: float, down: float) -> Box:
    new = round(box.width * side)
    shift = (box.width - new) / 2
    return Box(round(box.x + shift), round(box.y + shift + down * box.width), new, new)
