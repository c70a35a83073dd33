"""Accuracy over the in-plane rotation of faces, with crops that are rotated by the eyes or not."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from _padded_faces import best_face, rotated

from emorec.datasets.manifest import Examples
from emorec.detection.base import FaceDetector
from emorec.images import Image, read_gray
from emorec.inference.classifier import EmotionClassifier
from emorec.preprocessing import MIN_TILT, crop_face
from emorec.types import Box, Face

TILTS = (0, 10, 15, 20, 30, 45, 60)

DEFAULT_SIDE = 192
"""Side of a face before its rotation, in pixels."""


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

    @property
    def tilts(self) -> npt.NDArray[np.float64]:
        """The tilt of the landmarks in degrees, by image; 0 where no face is found."""
        landmarks = [None if face is None else face.landmarks for face in self.faces]
        return np.array([0.0 if points is None else points.tilt for points in landmarks])


class TiltTable:
    """Accuracies by tilt.

    Args:
        examples: The images.
        detector: A detector that returns landmarks.
        classifier: The model.
        side: Side of a face before its rotation, in pixels.
    """

    def __init__(
        self,
        examples: Examples,
        detector: FaceDetector,
        classifier: EmotionClassifier,
        side: int = DEFAULT_SIDE,
    ) -> None:
        self._examples = examples
        self._detector = detector
        self._classifier = classifier
        self._side = side
        self._labels = examples.targets.argmax(axis=1)

    def print(self, min_tilts: Sequence[float]) -> None:
        """Print accuracy and balanced accuracy in percent, without alignment and with it.

        The figures of a row are on the same faces: those that the detector finds at this tilt and
        upright. "Measured" is the median change of the tilt of their landmarks.

        Args:
            min_tilts: Values of `min_tilt` to align with.
        """
        model = self._classifier.metadata
        print(
            f"{model.name} {model.version}, {len(self._examples.paths)} validation images, faces "
            f"of {self._side} pixels. Accuracy / balanced accuracy in percent.\n"
        )
        names = ["tilt, degrees", "measured", "detected %", "faces", "the same faces upright"]
        names.append("`--align off`")
        for least in min_tilts:
            default = "" if least == MIN_TILT else f" above {least:g} degrees"
            names.append(f"`--align on`{default}")
        print("| " + " | ".join(names) + " |")
        print("| --- " * len(names) + "|")
        upright = self._tilted(0)
        upright_right = self._right(upright, align=False)
        for tilt in TILTS:
            row = upright if tilt == 0 else self._tilted(tilt)
            right, aligned_right = self._right(row, align=False), self._right(row, align=True)
            kept = row.found & upright.found
            measured = (abs(row.tilts - upright.tilts)[kept] + 180) % 360 - 180
            cells = [f"{tilt}", f"{np.median(abs(measured)):.0f}", f"{100 * row.found.mean():.1f}"]
            cells += [f"{kept.sum()}", self._scores(upright_right, kept), self._scores(right, kept)]
            for least in min_tilts:
                chosen = np.where(abs(row.tilts) > least, aligned_right, right)
                cells.append(self._scores(chosen, kept))
            print("| " + " | ".join(cells) + " |", flush=True)

    def _tilted(self, tilt: float) -> TiltedFaces:
        """Rotate the images about their centre, at random in either direction, and find faces."""
        randomness = np.random.default_rng(0)
        pad = self._side // 2
        frame = Box(pad, pad, self._side, self._side)
        images = [rotated(tilt, self._padded(path), randomness) for path in self._examples.paths]
        return TiltedFaces(images, [best_face(self._detector, image, frame) for image in images])

    def _padded(self, path: Path) -> Image:
        """Upscale a face image and surround it by its mean, to twice its side; grey.

        Repeated border pixels would turn into oblique stripes, in which YuNet misses faces.
        """
        side, pad = self._side, self._side // 2
        face = cv2.resize(read_gray(path), (side, side), interpolation=cv2.INTER_CUBIC)
        padded = np.full((side + 2 * pad,) * 2, round(float(face.mean())), np.uint8)
        padded[pad : pad + side, pad : pad + side] = face
        return padded

    def _right(self, row: TiltedFaces, align: bool) -> npt.NDArray[np.bool_]:
        """Classify the faces; False where none is found."""
        margin = self._classifier.metadata.crop_margin
        crops = [
            crop_face(image, face.box, margin, face.landmarks if align else None, min_tilt=0)
            for image, face in zip(row.images, row.faces, strict=True)
            if face is not None
        ]
        right = np.zeros(len(row.faces), bool)
        predictions = self._classifier.classify(crops)
        named = [self._examples.class_names.index(p.emotion) for p in predictions]
        right[row.found] = np.array(named) == self._labels[row.found]
        return right

    def _scores(self, right: npt.NDArray[np.bool_], kept: npt.NDArray[np.bool_]) -> str:
        right, labels = right[kept], self._labels[kept]
        recalls = [right[labels == label].mean() for label in np.unique(labels)]
        return f"{100 * right.mean():.1f} / {100 * np.mean(recalls):.1f}"
