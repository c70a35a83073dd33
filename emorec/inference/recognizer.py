"""Combines a face detector and an emotion classifier."""

import copy
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Self

import numpy as np

from emorec import resources
from emorec.detection.base import FaceDetector
from emorec.detection.framing import crop_regions
from emorec.detection.registry import DEFAULT_DETECTOR, DETECTORS, make_detector
from emorec.errors import ConfigError
from emorec.frames import Frame
from emorec.image_arrays import check_image
from emorec.images import Image
from emorec.inference.base import CropClassifier
from emorec.inference.classifier import EmotionClassifier
from emorec.inference.named_inputs import model_file, named_detector, read_named_image
from emorec.labels import EMOTIONS_7, EMOTIONS_8, emotions
from emorec.metadata import ModelMetadata
from emorec.preprocessing import CropRegion
from emorec.short_repr import short_repr
from emorec.types import ALIGNMENTS, Box, Face, FaceEmotion, Prediction

if TYPE_CHECKING:
    from emorec.inference.stream import FrameResult, StreamSettings
    from emorec.media.video import VideoReader


class EmotionRecognizer:
    """Detects the faces of an image and classifies their emotions.

    `recognize` does both. Its three steps are public too, for callers that detect and classify at
    different times: `detect`, `crop_faces` and `classify`. All methods may be called from several
    threads. A recognizer can be pickled, to send it to another process, which opens the model file
    again.

    Examples:
        >>> for face in EmotionRecognizer().recognize("photo.jpg"):
        ...     print(face.box, face.emotion, face.confidence)

    Args:
        detector: Detects the faces: "yunet" (the default), "haar", "whole-image" (no detection:
            each image is one face), or an object with a method `detect`, such as one that
            `emorec.make_detector` makes with options.
        classifier: Classifies the emotions, instead of `model`; an `EmotionClassifier`, or another
            object with its methods.
        classes: 7 removes contempt from the predictions of a model of the canonical eight emotions
            and renormalises the others, 8 keeps it. Other labels of a model are all reported.
        roi: Region of each image in which faces are detected, in pixels of the full, upright
            image; None is the whole image.
        min_confidence: Predictions of a lower confidence are marked as uncertain, 0 to 1.
        device: Device of the model, as for `EmotionClassifier`. Faces are detected on the CPU.
        flip: Classify the mirror image of each face too, as for `EmotionClassifier`.
        align: Whether crops of tilted faces are rotated so that the eyes are level: "on", "off" or
            "auto", the model's own default; see `emorec.preprocessing.crop_face`. Faces without
            landmarks are never rotated.
        model: What `emorec detect --model` accepts: an .onnx file, a run folder, the name of a run
            or of a model of `emorec models list`; None uses the model shipped with emorec. See
            `emorec.models.files.find_model`.
        prior: How much of the training prior to remove, as for `EmotionClassifier`.

    Attributes:
        labels: The emotions reported, in the model's order.
        classifier: The classifier.
        min_confidence: As given.
        aligned: Whether crops of tilted faces are rotated.

    Raises:
        ConfigError: `classes` is neither 7 nor 8, or is 8 for a model of the canonical seven,
            `min_confidence` is not 0 to 1, `detector`, `device`, `prior` or `align` is wrong, or
            `model`, `device`, `flip` or `prior` is passed beside a classifier, which has its own.
        MissingDependencyError: As for `EmotionClassifier` and `emorec.make_detector`.
        ModelError: There is no such model, or its file is damaged or of another format.
        TypeError: `detector` is neither a name nor an object with a method `detect`.
    """

    def __init__(
        self,
        detector: FaceDetector | str | None = None,
        classifier: CropClassifier | None = None,
        classes: int = 7,
        roi: Box | None = None,
        min_confidence: float = 0.0,
        device: str | None = None,
        flip: bool = False,
        align: str = "auto",
        *,
        model: str | os.PathLike[str] | None = None,
        prior: str | float | None = None,
    ) -> None:
        if not 0 <= min_confidence <= 1:
            raise ConfigError(f"min_confidence must be 0 to 1; received {min_confidence!r}")
        if align not in ALIGNMENTS:
            raise ConfigError(
                f"align must be one of {', '.join(ALIGNMENTS)}; received {short_repr(align)}"
            )
        if classifier is None:
            path = resources.shipped_model() if model is None else model_file(model)
            classifier = EmotionClassifier(path, prior=prior, device=device, flip=flip)
        elif model is not None:
            raise ConfigError("pass either model or classifier, not both")
        elif device is not None or flip or prior is not None:
            raise ConfigError("pass device, flip and prior to the classifier, not beside it")
        self.classifier: CropClassifier = classifier
        known = self.metadata.labels
        reported = emotions(classes)
        if classes == 8 and set(known) == set(EMOTIONS_7):
            raise ConfigError("the model predicts 7 classes, not 8: it has no contempt")
        canonical = set(known) == set(EMOTIONS_8)
        self.labels = tuple(label for label in known if not canonical or label in reported)
        self._set_detector(DEFAULT_DETECTOR if detector is None else detector)
        self._roi = roi
        self.min_confidence = min_confidence
        self.aligned = self.metadata.align if align == "auto" else align == "on"

    @property
    def metadata(self) -> ModelMetadata:
        """The metadata of the model."""
        return self.classifier.metadata

    @property
    def settings(self) -> dict[str, str]:
        """The names of the detector and of the device of the model, for the records."""
        detector = getattr(self._detector, "name", type(self._detector).__name__)
        return {"detector": str(detector), "device": self.classifier.device}

    def with_detector(self, detector: FaceDetector | str) -> Self:
        """Return a copy with another detector, which shares the model.

        Args:
            detector: As for `EmotionRecognizer`.
        """
        other = copy.copy(self)
        other._set_detector(detector)
        return other

    def for_videos(self) -> Self:
        """Return a copy whose detector has the defaults for videos, unless an object was passed."""
        if self._detector_name is None:
            return self
        other = copy.copy(self)
        other._detector = make_detector(self._detector_name, for_video=True)
        return other

    def recognize(self, image: Image | str | os.PathLike[str]) -> list[FaceEmotion]:
        """Detect the faces of an image and classify their emotions.

        Args:
            image: Pixels, shape (height, width, 3), uint8, BGR; or the path of an image file, which
                is read upright by its EXIF orientation (of an animation, the first frame).

        Returns:
            The faces in the detector's order, boxes in pixels of the upright image; the
            probabilities of each face sum to 1 over `labels`.

        Raises:
            TypeError: The image is neither an array nor a path; a list is not accepted.
            ValueError: The array has another type or shape, or no pixels.
            DataError: The file cannot be read, or is not an image.
            ModelError: The model fails.
        """
        if isinstance(image, str | os.PathLike):
            image = read_named_image(image)
        check_image(image)
        return self.recognize_frame(Frame.from_image(image))

    def recognize_frame(self, frame: Frame) -> list[FaceEmotion]:
        """Do the same as `recognize` for a frame, whose pixels may be a downscaled image.

        Raises:
            TypeError: `frame` is not a `Frame`, or its image not a NumPy array.
            ValueError: Its image has another type or shape, or no pixels.
            ModelError: The model fails.
        """
        faces = self.detect(frame)
        predictions = self.classify(self.crop_faces(frame, faces))
        return [FaceEmotion(*pair) for pair in zip(faces, predictions, strict=True)]

    def detect(self, frame: Frame) -> list[Face]:
        """Detect the faces of a frame; boxes and landmarks are in pixels of the full image.

        Raises:
            TypeError: `frame` is not a `Frame`, or its image not a NumPy array.
            ValueError: Its image has another type or shape, or no pixels.
        """
        if not isinstance(frame, Frame):
            raise TypeError(
                f"detect needs a Frame; received {type(frame).__name__}; make one of an image with "
                "emorec.frames.Frame.from_image"
            )
        check_image(frame.image_bgr)
        image_bgr, left, top = frame.image_bgr, 0, 0
        if self._roi is not None:
            height, width = image_bgr.shape[:2]
            roi = frame.to_scaled_box(self._roi)
            left, top = min(max(roi.x, 0), width), min(max(roi.y, 0), height)
            right, bottom = max(roi.x + roi.width, left), max(roi.y + roi.height, top)
            image_bgr = image_bgr[top:bottom, left:right]
            if image_bgr.size == 0:
                return []
        return [
            frame.to_full_face(face.moved(left, top)) for face in self._detector.detect(image_bgr)
        ]

    def crop_faces(self, frame: Frame, faces: Sequence[Face]) -> list[Image]:
        """Crop faces with the model's margin, aligned if `aligned`, as `classify` expects them.

        Faces of a detector that takes the whole image as a face are cropped without a margin.
        """
        return [region.crop(frame.image_bgr) for region in self.crop_regions(frame, faces)]

    def crop_regions(self, frame: Frame, faces: Sequence[Face]) -> list[CropRegion]:
        """Return the rectangles that `crop_faces` cuts out, in pixels of `frame.image_bgr`."""
        return crop_regions(frame, faces, self.metadata.crop_margin, self.aligned)

    def classify(self, crops: Sequence[Image]) -> list[Prediction]:
        """Classify face crops, of one or more images, over `labels`.

        Args:
            crops: From `crop_faces`.

        Returns:
            One prediction per crop.

        Raises:
            ModelError: The model fails.
        """
        reported = map(self._select_labels, self.classifier.classify(crops))
        return [replace(p, uncertain=p.confidence < self.min_confidence) for p in reported]

    def stream(
        self,
        video: "str | os.PathLike[str] | int | VideoReader | Iterable[Frame]",
        settings: "StreamSettings | None" = None,
    ) -> "Iterator[FrameResult]":
        """Detect, classify and track the faces of a video, a camera or a network stream.

        Decoding runs in a process, detection and classification in threads of their own, in
        constant memory. Boxes are in pixels of the upright frame at its display aspect ratio.

        Args:
            video: Path of a file, number of a camera, address of a stream, an open `VideoReader`
                (which stays open), or frames with their times.
            settings: How faces are detected and tracked; None uses the defaults.

        Yields:
            A `FrameResult` for each frame: number, time, pixels and faces with ids.

        Raises:
            TypeError: `video` is something else.
            DataError: The video cannot be read, or its decoder crashed or hangs; this follows the
                frames so far.
            ModelError: The model fails.
        """
        from emorec.inference.stream import StreamSettings, track_faces
        from emorec.media.video import VideoReader

        known = (str, os.PathLike, int, VideoReader, Iterable)
        if isinstance(video, bytes | np.ndarray) or not isinstance(video, known):
            raise TypeError(
                "stream needs a path, an address, the number of a camera, a VideoReader or frames; "
                f"received {type(video).__name__}"
            )
        with ExitStack() as stack:
            if isinstance(video, str | os.PathLike | int):
                video = stack.enter_context(VideoReader(video))
            live = isinstance(video, VideoReader) and video.live
            yield from track_faces(
                video,
                self.for_videos().recognize_frame,
                settings or StreamSettings(),
                drop_late=live,
                min_confidence=self.min_confidence,
            )

    def _set_detector(self, detector: FaceDetector | str) -> None:
        self._detector_name = detector if isinstance(detector, str) else None
        if isinstance(detector, str):
            detector = named_detector(detector)
        elif not callable(getattr(detector, "detect", None)):
            raise TypeError(
                f"detector must be one of {', '.join(DETECTORS)}, or an object with a "
                f"method detect; received {short_repr(detector)}"
            )
        self._detector = detector

    def _select_labels(self, prediction: Prediction) -> Prediction:
        if len(self.labels) == len(prediction.probabilities):
            return prediction
        kept = {label: prediction.probabilities[label] for label in self.labels}
        total = sum(kept.values())
        if total == 0:  # in float32, a probability of 1 for contempt leaves 0 for all others
            return Prediction(dict.fromkeys(kept, 1 / len(kept)))
        return Prediction({label: value / total for label, value in kept.items()})
