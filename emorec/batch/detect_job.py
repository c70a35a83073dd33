"""Holds the settings of image detection, in a form that can be sent to other processes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from emorec.batch.image_work import ImageWork
from emorec.detection.base import FaceDetector
from emorec.inference.classifier import EmotionClassifier
from emorec.inference.recognizer import EmotionRecognizer
from emorec.outputs.marked_images import ImageOutput
from emorec.types import Box


@dataclass(frozen=True)
class RecognizerSettings:
    """The settings of an `EmotionRecognizer`, which is made where it is needed.

    Attributes:
        make_detector: Makes the detector. Must be picklable, for example
            `functools.partial(HaarDetector, "alt2")`.
        model_file: An ONNX file; other machines must have it at the same path.
        prior: As for `EmotionClassifier`.
        classes: As for `EmotionRecognizer`.
        roi: As for `EmotionRecognizer`.
        min_confidence: As for `EmotionRecognizer`.
        device: As for `EmotionClassifier`.
        flip: As for `EmotionClassifier`.
    """

    make_detector: Callable[[], FaceDetector]
    model_file: Path
    prior: float | None = None
    classes: int = 7
    roi: Box | None = None
    min_confidence: float = 0.0
    device: str | None = None
    flip: bool = False

    def open(self) -> EmotionRecognizer:
        """Load the detector and the model.

        Raises:
            EmorecError: One of them is missing or broken, or they do not fit the settings.
        """
        detector = self.make_detector()
        classifier = EmotionClassifier(
            self.model_file, prior=self.prior, device=self.device, flip=self.flip
        )
        return EmotionRecognizer(
            detector,
            classifier,
            classes=self.classes,
            roi=self.roi,
            min_confidence=self.min_confidence,
        )


@dataclass(frozen=True)
class DetectJob:
    """The work on each image, as settings.

    Attributes:
        recognition: Detector and model.
        outputs: Annotated images and face crops to write.
        max_side: Larger images are downscaled to this many pixels on their longer side.
    """

    recognition: RecognizerSettings
    outputs: Sequence[ImageOutput] = ()
    max_side: int | None = None

    def work(self, recognizer: EmotionRecognizer | None = None) -> ImageWork:
        """Make the work ready in this process.

        Args:
            recognizer: One made from `recognition`; None loads it.

        Raises:
            EmorecError: As for `RecognizerSettings.open`.
        """
        return ImageWork(recognizer or self.recognition.open(), self.outputs, self.max_side)
