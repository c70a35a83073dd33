"""All that a process needs to look at pictures, as settings that can be sent to it."""

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
    """How faces are found and read; made into an `EmotionRecognizer` where it is needed.

    Attributes:
        make_detector: Makes the detector; something that pickle can send, such as
            `functools.partial(HaarDetector, "alt2")`.
        model_file: An ONNX file; other machines must see it under the same path.
        prior: As for `EmotionClassifier`.
        classes: As for `EmotionRecognizer`.
        roi: As for `EmotionRecognizer`.
        min_confidence: As for `EmotionRecognizer`.
    """

    make_detector: Callable[[], FaceDetector]
    model_file: Path
    prior: float | None = None
    classes: int = 7
    roi: Box | None = None
    min_confidence: float = 0.0

    def open(self) -> EmotionRecognizer:
        """Load the detector and the model.

        Raises:
            EmorecError: One of them is missing, broken or does not suit.
        """
        detector = self.make_detector()
        classifier = EmotionClassifier(self.model_file, prior=self.prior)
        return EmotionRecognizer(detector, classifier, self.classes, self.roi, self.min_confidence)


@dataclass(frozen=True)
class DetectJob:
    """What is done with every picture.

    Attributes:
        recognition: How faces are found and read.
        outputs: Make pictures of what was found.
        max_side: Longer pictures are shrunk to this many pixels on their longer side.
    """

    recognition: RecognizerSettings
    outputs: Sequence[ImageOutput] = ()
    max_side: int | None = None

    def work(self) -> ImageWork:
        """Make it ready in this process.

        Raises:
            EmorecError: As for `RecognizerSettings.open`.
        """
        return ImageWork(self.recognition.open(), self.outputs, self.max_side)
