"""Accuracy over the in-plane rotation of faces, with crops that are rotated by the eyes or not."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from _padded_faces import best_face, padded_image, rotated

from emorec.datasets.manifest import Examples
from emorec.detection.base import FaceDetector
from emorec.images import Image
from emorec.inference.classifier import EmotionClassifier
from emorec.preprocessing import MIN_TILT, crop_face
from emorec.types import Face

TILTS = (0, 5, 10, 15, 20, 30, 45, 60)


@dataclass(frozen=True)
class TiltedFaces:
    """All images at one tilt, with the face that the detector finds in each.

    Attributes:
        tilt: In-plane rotation in degrees; half of the images are rotated the other way.
        images: The images.
        faces: The faces; None where the detector finds none.
    """

    tilt: int
    images: Sequence[Image]
    faces: Sequence[Face | None]


def tilted(paths: Sequence[Path], tilt: int, detector: FaceDetector) -> TiltedFaces:
    """Rotate images about their centre and detect their faces."""
    randomness = np.random.default_rng(0)
    images = [rotated(tilt, padded_image(path), randomness) for path in paths]
    return TiltedFaces(tilt, images, [best_face(detector, image) for image in images])


def print_tilt(
    examples: Examples,
    detector: FaceDetector,
    classifier: EmotionClassifier,
    min_tilts: Sequence[float],
) -> None:
    """Print accuracy and balanced accuracy in percent by tilt, without alignment and with it.

    All figures are on the faces that the detector finds at every tilt; "detected" is the share of
    all images in which it finds the face.

    Args:
        examples: The images.
        detector: A detector that returns landmarks.
        classifier: The model.
        min_tilts: Values of `min_tilt` to align with.
    """
    cv2.setNumThreads(1)
    rows = [tilted(examples.paths, tilt, detector) for tilt in TILTS]
    common = [all(faces) for faces in zip(*(row.faces for row in rows), strict=True)]
    labels = examples.targets.argmax(axis=1)[common]
    model = classifier.metadata
    print(
        f"{model.name} {model.version}, {len(examples.paths)} validation images; the face is "
        f"detected at every tilt in {sum(common)}. Accuracy / balanced accuracy in percent; "
        f"standard error of an accuracy of 85 %: {100 * (0.85 * 0.15 / sum(common)) ** 0.5:.1f}.\n"
    )
    names = ["tilt, degrees", "detected %", "off"]
    names += [
        f"on{' (default)' if least == MIN_TILT else ''}, above {least:g}" for least in min_tilts
    ]
    print("| " + " | ".join(names) + " |")
    print("| --- " * len(names) + "|")
    for row in rows:
        found = sum(face is not None for face in row.faces) / len(row.faces)
        cells = [f"{row.tilt}", f"{100 * found:.1f}"]
        for least in (None, *min_tilts):
            crops = [
                _crop(image, face, model.crop_margin, least)
                for image, face, kept in zip(row.images, row.faces, common, strict=True)
                if kept and face is not None
            ]
            predictions = classifier.classify(crops)
            named = [examples.class_names.index(p.emotion) for p in predictions]
            cells.append(_scores(np.array(named) == labels, labels))
        print("| " + " | ".join(cells) + " |", flush=True)


def _crop(image: Image, face: Face, margin: float, min_tilt: float | None) -> Image:
    if min_tilt is None:
        return crop_face(image, face.box, margin)
    return crop_face(image, face.box, margin, face.landmarks, min_tilt)


def _scores(right: npt.NDArray[np.bool_], labels: npt.NDArray[np.int64]) -> str:
    recalls = [right[labels == label].mean() for label in np.unique(labels)]
    return f"{100 * right.mean():.1f} / {100 * np.mean(recalls):.1f}"
