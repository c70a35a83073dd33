"""Puts a face detector and an emotion classifier together."""

import copy
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from emorec import resources
from emorec.detection.base import FaceDetector
from emorec.detection.registry import make_detector, takes_whole_image
from emorec.errors import ConfigError
from emorec.frames import Frame
from emorec.images import Image
from emorec.inference.classifier import EmotionClassifier
from emorec.labels import EMOTIONS_7, EMOTIONS_8, emotions
from emorec.preprocessing import crop_face
from emorec.types import Box, Face, FaceEmotion, Prediction

if TYPE_CHECKING:
    from emorec.inference.stream import FrameResult, StreamSettings
    from emorec.media.video import VideoReader


class EmotionRecognizer:
    """Finds the faces of a picture and reads their emotions.

    `recognize` does all at once. Its three steps stand alone as well, for those that detect and
    classify at different times: `find`, `crops` and `classify`. All may be called from several
    threads.

    Args:
        detector: Finds the faces; None takes the Haar cascade with its defaults.
        classifier: Reads the emotions; None takes the model that comes with emorec.
        classes: 7 takes contempt out of what a model of the canonical eight emotions says, 8
            leaves it in. A model with labels of its own is reported as it is.
        roi: The part of every picture in which faces are sought, in pixels of the full, upright
            picture; None takes all of it.
        min_confidence: A prediction whose confidence is below is marked uncertain, 0 to 1.

    Attributes:
        labels: The emotions reported, in the model's order.
        classifier: The model.
        min_confidence: As given.

    Raises:
        ConfigError: `classes` is neither 7 nor 8, or 8 and the model knows the canonical seven;
            or `min_confidence` is not 0 to 1.
    """

    def __init__(
        self,
        detector: FaceDetector | None = None,
        classifier: EmotionClassifier | None = None,
        classes: int = 7,
        roi: Box | None = None,
        min_confidence: float = 0.0,
    ) -> None:
        if not 0 <= min_confidence <= 1:
            raise ConfigError(f"the least confidence must be 0 to 1; received {min_confidence!r}")
        self.classifier = classifier or EmotionClassifier(resources.shipped_model())
        known = self.classifier.metadata.labels
        reported = emotions(classes)
        if classes == 8 and set(known) == set(EMOTIONS_7):
            raise ConfigError("8 classes were asked for, but the model knows 7: it has no contempt")
        canonical = set(known) == set(EMOTIONS_8)
        self.labels = tuple(label for label in known if not canonical or label in reported)
        self._detector = detector or make_detector()
        self._has_default_detector = detector is None
        self._roi = roi
        self.min_confidence = min_confidence

    def with_detector(self, detector: FaceDetector) -> Self:
        """Give a recognizer that differs in its detector alone, and shares the model."""
        other = copy.copy(self)
        other._detector, other._has_default_detector = detector, False
        return other

    def recognize(self, image_bgr: Image) -> list[FaceEmotion]:
        """Find the faces of a picture and read their emotions.

        Args:
            image_bgr: Picture, shape (height, width, 3), uint8, blue, green, red.

        Returns:
            The faces in the detector's order; each one's probabilities sum to 1 over `labels`.

        Raises:
            ModelError: The model fails.
        """
        return self.recognize_frame(Frame.of(image_bgr))

    def recognize_frame(self, frame: Frame) -> list[FaceEmotion]:
        """Do as `recognize`, for a frame whose pixels may be a smaller copy of the picture."""
        faces = self.find(frame)
        predictions = self.classify(self.crops(frame, faces))
        return [FaceEmotion(*pair) for pair in zip(faces, predictions, strict=True)]

    def find(self, frame: Frame) -> list[Face]:
        """Find the faces of a frame; their boxes are in pixels of the full picture."""
        image_bgr, left, top = frame.image_bgr, 0, 0
        if self._roi is not None:
            height, width = image_bgr.shape[:2]
            roi = frame.inward(self._roi)
            left, top = min(max(roi.x, 0), width), min(max(roi.y, 0), height)
            right, bottom = max(roi.x + roi.width, left), max(roi.y + roi.height, top)
            image_bgr = image_bgr[top:bottom, left:right]
            if image_bgr.size == 0:
                return []
        return [
            replace(face, box=frame.outward(_moved(face.box, left, top)))
            for face in self._detector.detect(image_bgr)
        ]

    def crops(self, frame: Frame, faces: Sequence[Face]) -> list[Image]:
        """Cut faces out with the model's margin, as `classify` takes them.

        Of a picture that is a face as a whole, all is taken, whatever the margin.
        """
        margin = self.classifier.metadata.crop_margin
        return [
            crop_face(
                frame.image_bgr,
                frame.inward(face.box),
                0.0 if takes_whole_image(face.detector) else margin,
            )
            for face in faces
        ]

    def classify(self, crops: Sequence[Image]) -> list[Prediction]:
        """Read the emotion of each crop, over `labels`; any number of pictures may share a call.

        Raises:
            ModelError: The model fails.
        """
        reported = map(self._reported, self.classifier.classify(crops))
        return [replace(p, uncertain=p.confidence < self.min_confidence) for p in reported]

    def stream(
        self,
        video: "str | os.PathLike[str] | int | VideoReader | Iterable[Frame]",
        settings: "StreamSettings | None" = None,
    ) -> "Iterator[FrameResult]":
        """Find and follow the faces of a video, a camera or a network stream.

        Decoding, detection and classification run in threads of their own, at constant memory.

        Args:
            video: Path of a file, number of a camera, address of a stream, an open `VideoReader`
                (which stays open), or frames with their times.
            settings: How often to search, how to smooth; None takes the defaults.

        Yields:
            A `FrameResult` for each frame: number, time, pixels and faces with ids.

        Raises:
            DataError: The video cannot be read.
            ModelError: The model fails.
        """
        from emorec.inference.stream import StreamSettings, follow
        from emorec.media.video import VideoReader

        with ExitStack() as stack:
            if isinstance(video, str | os.PathLike | int):
                video = stack.enter_context(VideoReader(video))
            live = isinstance(video, VideoReader) and video.live
            settings = settings or StreamSettings()
            used = self
            if self._has_default_detector:
                used = self.with_detector(make_detector(for_video=True))
            yield from follow(video, used.recognize_frame, settings, live, self.min_confidence)

    def _reported(self, prediction: Prediction) -> Prediction:
        if len(self.labels) == len(prediction.probabilities):
            return prediction
        kept = {label: prediction.probabilities[label] for label in self.labels}
        total = sum(kept.values())
        if total == 0:  # float32 leaves nothing beside a probability of 1 for contempt
            return Prediction(dict.fromkeys(kept, 1 / len(kept)))
        return Prediction({label: value / total for label, value in kept.items()})


def _moved(box: Box, right: int, down: int) -> Box:
    return replace(box, x=box.x + right, y=box.y + down)
