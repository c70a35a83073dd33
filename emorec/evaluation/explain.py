"""Shows which parts of a face decide about its emotion: occlusion sensitivity or Grad-CAM.

docs/explain.md says what the results can and cannot show.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from emorec.errors import ConfigError
from emorec.evaluation.face_parts import part_shares
from emorec.evaluation.heat_maps import Matrix, corners, map_heat
from emorec.evaluation.occlusion import MAX_PATCH, MIN_PATCH, PATCH, occlusion_sensitivity
from emorec.frames import Frame
from emorec.image_arrays import check_image
from emorec.images import Image
from emorec.inference.recognizer import EmotionRecognizer
from emorec.labels import EMOTIONS_8
from emorec.preprocessing import to_input
from emorec.short_repr import short_repr
from emorec.suggestions import close_names
from emorec.threads import ProgressCallback
from emorec.types import FaceEmotion

OCCLUSION, GRAD_CAM = "occlusion", "grad-cam"

METHODS = (OCCLUSION, GRAD_CAM)

UNITS = {OCCLUSION: "bits", GRAD_CAM: "fraction of the maximum"}
"""Unit of the heat by method."""

MAX_FACES = 10
"""Faces of an image that are explained unless they are chosen, at most: the largest ones."""

GRID = 16
"""Side of the grid of heat in `Explanation.to_dict`."""


@dataclass(frozen=True)
class Explanation:
    """Which parts of a face decide about an emotion, for one model.

    Attributes:
        face: The face.
        emotion: The explained emotion.
        probability: Its probability, 0 to 1.
        method: One of `METHODS`.
        heat: Heat of the pixels of the model's input, shape (size, size), float32. Occlusion: how
            many bits the log-odds of the emotion lose where the pixel is covered, see
            `emorec.evaluation.occlusion`; Grad-CAM: 0 to 1, see `emorec.evaluation.grad_cam`.
        to_image: From points of `heat` to points of the full, upright image, in pixels.
        least_probability: The lowest probability with a part covered; None for Grad-CAM.
        parts: Share of eyes, nose, mouth and the rest in the positive heat; None without landmarks
            or positive heat.
    """

    face: FaceEmotion
    emotion: str
    probability: float
    method: str
    heat: npt.NDArray[np.float32]
    to_image: Matrix
    least_probability: float | None = None
    parts: dict[str, float] | None = None

    def heat_map(self, size_wh: tuple[int, int]) -> npt.NDArray[np.float32]:
        """Return the heat of every pixel of the full image.

        Args:
            size_wh: Width and height of the image.

        Returns:
            Shape (height, width), float32; NaN outside the crop that the model receives.
        """
        found = np.full(size_wh[::-1], np.nan, np.float32)
        mapped = map_heat(self.heat, self.to_image, size_wh)
        found[mapped.place] = np.where(mapped.inside, mapped.values, np.nan)
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return the explanation as native types, without the face.

        Returns:
            `emotion`, `probability`, `least_probability`, `parts`, `heat` (a grid of `GRID` x
            `GRID` means, by row) and `corners` (x and y of the corners of the grid in the full
            image, clockwise from its top left one).
        """
        grid = cv2.resize(self.heat, (GRID, GRID), interpolation=cv2.INTER_AREA)
        return {
            "emotion": self.emotion,
            "probability": self.probability,
            "least_probability": self.least_probability,
            "parts": self.parts,
            "heat": [[round(value, 4) for value in row] for row in grid.tolist()],
            "corners": corners(self.heat.shape[0], self.to_image).round(2).tolist(),
        }


def explain_face(
    image: Image | Frame,
    face: FaceEmotion,
    recognizer: EmotionRecognizer,
    *,
    emotion: str | None = None,
    method: str | None = None,
    patch: float = PATCH,
    progress: ProgressCallback | None = None,
) -> Explanation:
    """Measure which parts of a face decide about an emotion, on the crop that the model receives.

    Args:
        image: The image: shape (height, width, 3), uint8, BGR; or a frame.
        face: One of its faces, from `recognizer`.
        recognizer: The model, with its alignment of crops. Grad-CAM needs one whose classifier is a
            `KerasClassifier`.
        emotion: One of `recognizer.labels`; None is the emotion of the face.
        method: One of `METHODS`; None is Grad-CAM where the model allows it, otherwise occlusion.
        patch: Side of the covering patch as a fraction of the crop's side, `MIN_PATCH` to
            `MAX_PATCH`.
        progress: Called with the number of patches done and their total.

    Raises:
        ConfigError: The model does not know the emotion, `method` or `patch` is invalid, or the
            model does not allow the method.
        TypeError, ValueError: `image` is not an image, as for `EmotionRecognizer.recognize`.
        ModelError: The model fails.
    """
    if not isinstance(image, Frame):
        check_image(image)
        image = Frame.from_image(image)
    method = chosen_method(recognizer, method)
    emotion = face.emotion if emotion is None else emotion
    require_emotion(recognizer, emotion)
    if not MIN_PATCH <= patch <= MAX_PATCH:
        raise ConfigError(
            f"the patch must be {MIN_PATCH:g} to {MAX_PATCH:g} of the crop's side; received "
            f"{short_repr(patch)}"
        )
    (region,) = recognizer.crop_regions(image, [face.face])
    metadata = recognizer.metadata
    size = metadata.input_size
    inputs = to_input(region.crop(image.image_bgr), size, metadata.color, metadata.interpolation)
    # As a crop, in BGR or grey, so that covered inputs pass through the recognizer as crops do.
    crop = inputs[..., 0] if metadata.channels == 1 else inputs[..., ::-1]

    def probability(crops: Sequence[Image]) -> list[float]:
        return [found.probabilities[emotion] for found in recognizer.classify(crops)]

    least = None
    if method == OCCLUSION:
        occlusion = occlusion_sensitivity(crop, probability, patch, progress)
        heat, before, least = occlusion.heat, occlusion.probability, occlusion.least
    else:
        from emorec.evaluation.grad_cam import grad_cam  # loads Keras

        network = getattr(recognizer.classifier, "network", None)
        heat = grad_cam(network, inputs, metadata.labels.index(emotion))
        (before,) = probability([crop])
    to_image = _to_image(image, region.to_image, (region.width / size, region.height / size))
    parts = None
    if face.landmarks is not None:
        parts = part_shares(heat, to_image, face.landmarks, face.box.width)
    return Explanation(face, emotion, before, method, heat, to_image, least, parts)


def explain_faces(
    frame: Frame,
    faces: Sequence[FaceEmotion],
    recognizer: EmotionRecognizer,
    *,
    chosen: Sequence[int] | None = None,
    emotion: str | None = None,
    method: str | None = None,
    patch: float = PATCH,
    progress: ProgressCallback | None = None,
) -> dict[int, Explanation]:
    """Explain several faces of an image; arguments and errors as for `explain_face`.

    Args:
        frame: The image.
        faces: Its faces, from `recognizer`.
        recognizer: The model.
        chosen: Indices of the faces to explain; None is the `MAX_FACES` largest by their area.
        emotion: The same for all faces; None is that of each.
        method: As for `explain_face`.
        patch: As for `explain_face`.
        progress: Called with the number of patches done and their total over all faces.

    Returns:
        The explanations by index, in the order of the faces.
    """
    if chosen is None:
        areas = [face.box.width * face.box.height for face in faces]
        chosen = sorted(range(len(faces)), key=lambda index: -areas[index])[:MAX_FACES]
    found: dict[int, Explanation] = {}
    indices = sorted(set(chosen))

    def add(done: int, total: int) -> None:
        if progress:
            progress(len(found) * total + done, len(indices) * total)

    for index in indices:
        found[index] = explain_face(
            frame,
            faces[index],
            recognizer,
            emotion=emotion,
            method=method,
            patch=patch,
            progress=add,
        )
    return found


def chosen_method(recognizer: EmotionRecognizer, method: str | None) -> str:
    """Return the method that `explain_face` uses; arguments and errors as there."""
    has_gradients = getattr(recognizer.classifier, "network", None) is not None
    if method is None:
        return GRAD_CAM if has_gradients else OCCLUSION
    if method not in METHODS:
        raise ConfigError(
            f"the method must be one of {', '.join(METHODS)}; received {short_repr(method)}"
        )
    if method == GRAD_CAM and not has_gradients:
        raise ConfigError(
            f"{GRAD_CAM} needs gradients, which an ONNX file does not have; pass the .keras file "
            f"of the model, or use {OCCLUSION}"
        )
    return method


def require_emotion(recognizer: EmotionRecognizer, emotion: str) -> None:
    """Check that a recognizer reports an emotion.

    Raises:
        ConfigError: It does not.
    """
    if emotion in recognizer.labels:
        return
    hint = f"known: {', '.join(recognizer.labels)}"
    if emotion in recognizer.metadata.labels:
        hint = f"use {len(EMOTIONS_8)} classes (--classes {len(EMOTIONS_8)})"
    elif close := close_names(emotion, recognizer.labels):
        hint = f"did you mean {close[0]!r}? {hint}"
    raise ConfigError(f"the emotion {short_repr(emotion)} is not reported; {hint}")


def _to_image(frame: Frame, crop_to_frame: Matrix, scale: tuple[float, float]) -> Matrix:
    """Return the matrix from points of the model's input to points of the full image.

    Args:
        frame: The frame, whose pixels may be a downscaled image.
        crop_to_frame: From points of the crop to points of `frame.image_bgr`.
        scale: Pixels of the crop for one of the input, across and down.
    """
    height, width = frame.image_bgr.shape[:2]
    to_full = np.array([[frame.size_wh[0] / width], [frame.size_wh[1] / height]])
    return np.asarray(crop_to_frame * to_full * (*scale, 1.0))
