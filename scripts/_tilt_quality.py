"""Accuracy over the in-plane rotation of faces, with crops that are rotated by the eyes or not."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from _padded_faces import best_face, pixels, rotated

from emorec.datasets.manifest import Examples
from emorec.detection.base import FaceDetector
from emorec.images import Image, read_gray
from emorec.inference.classifier import EmotionClassifier
from emorec.preprocessing import MIN_TILT, crop_face
from emorec.types import Box, Face

TILTS = (0, 10, 15, 20, 30, 45, 60)

SIDE = 192
"""Side of a face before its rotation, in pixels; of smaller ones YuNet misses more when tilted."""

PAD = SIDE // 2
FRAME = Box(PAD, PAD, SIDE, SIDE)


@dataclass(frozen=True)
class TiltedFaces:
    """All images at one tilt, with the face that the detector finds in each.

    Attributes:
        images: The images.
        faces: The faces; None where the detector finds none.
    """

    images: Sequence[Image]
    faces: Sequence[Face | None]

    @property
    def found(self) -> npt.NDArray[np.bool_]:
        """Whether the detector finds the face, by image."""
        return np.array([face is not None for face in self.faces])


def tilted(paths: Sequence[Path], tilt: float, detector: FaceDetector) -> TiltedFaces:
    """Rotate images about their centre, one half in each direction, and detect their faces."""
    randomness = np.random.default_rng(0)
    images = [rotated(tilt, _padded(path), randomness) for path in paths]
    return TiltedFaces(images, [best_face(detector, image, FRAME) for image in images])


def _padded(path: Path) -> Image:
    """Upscale a face image and surround it by its mean; grey, shape (384, 384).

    Repeated border pixels would turn into oblique stripes, in which YuNet misses faces.
    """
    face = cv2.resize(read_gray(path), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    padded = np.full((SIDE + 2 * PAD,) * 2, round(float(face.mean())), np.uint8)
    padded[PAD:-PAD, PAD:-PAD] = face
    return pixels(padded)


class TiltTable:
    """Accuracies by tilt.

    Args:
        examples: The images.
        detector: A detector that returns landmarks.
        classifier: The model.
    """

    def __init__(
        self, examples: Examples, detector: FaceDetector, classifier: EmotionClassifier
    ) -> None:
        self._examples = examples
        self._detector = detector
        self._classifier = classifier
        self._labels = examples.targets.argmax(axis=1)

    def print(self, min_tilts: Sequence[float]) -> None:
        """Print accuracy and balanced accuracy in percent, without alignment and with it.

        The figures of a row are on the same faces: those that the detector finds at this tilt and
        upright.

        Args:
            min_tilts: Values of `min_tilt` to align with.
        """
        model = self._classifier.metadata
        paths = self._examples.paths
        print(
            f"{model.name} {model.version}, {len(paths)} validation images. "
            "Accuracy / balanced accuracy in percent.\n"
        )
        names = ["tilt, degrees", "detected %", "faces", "the same faces upright", "off"]
        for least in min_tilts:
            default = " (default)" if least == MIN_TILT else ""
            names.append(f"on above {least:g} degrees{default}")
        print("| " + " | ".join(names) + " |")
        print("| --- " * len(names) + "|")
        upright = tilted(paths, 0, self._detector)
        for tilt in TILTS:
            row = upright if tilt == 0 else tilted(paths, tilt, self._detector)
            kept = row.found & upright.found
            cells = [f"{tilt}", f"{100 * row.found.mean():.1f}", f"{kept.sum()}"]
            cells += [self._scores(upright, kept, None), self._scores(row, kept, None)]
            cells += [self._scores(row, kept, least) for least in min_tilts]
            print("| " + " | ".join(cells) + " |", flush=True)

    def _scores(self, row: TiltedFaces, kept: npt.NDArray[np.bool_], min_tilt: float | None) -> str:
        margin = self._classifier.metadata.crop_margin
        crops = [
            _crop(image, face, margin, min_tilt)
            for image, face, is_kept in zip(row.images, row.faces, kept, strict=True)
            if is_kept and face is not None
        ]
        predictions = self._classifier.classify(crops)
        named = [self._examples.class_names.index(p.emotion) for p in predictions]
        labels = self._labels[kept]
        right = np.array(named) == labels
        recalls = [right[labels == label].mean() for label in np.unique(labels)]
        return f"{100 * right.mean():.1f} / {100 * np.mean(recalls):.1f}"


def _crop(image: Image, face: Face, margin: float, min_tilt: float | None) -> Image:
    if min_tilt is None:
        return crop_face(image, face.box, margin)
    return crop_face(image, face.box, margin, face.landmarks, min_tilt)
