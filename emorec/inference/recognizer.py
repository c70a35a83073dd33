"""Puts a face detector and an emotion classifier together."""

from emorec.detection.base import FaceDetector
from emorec.errors import ConfigError
from emorec.images import Image
from emorec.inference.classifier import EmotionClassifier
from emorec.labels import EMOTIONS_7, EMOTIONS_8, emotions
from emorec.preprocessing import crop_face
from emorec.types import FaceEmotion, Prediction


class EmotionRecognizer:
    """Finds the faces of a picture and reads their emotions.

    Args:
        detector: Finds the faces.
        classifier: Reads the emotions.
        classes: 7 takes contempt out of what a model of the canonical eight emotions says, 8
            leaves it in. A model with labels of its own is reported as it is.

    Attributes:
        labels: The emotions reported, in the model's order.

    Raises:
        ConfigError: `classes` is neither 7 nor 8, or 8 and the model knows the canonical seven.
    """

    def __init__(
        self, detector: FaceDetector, classifier: EmotionClassifier, classes: int = 7
    ) -> None:
        known = classifier.metadata.labels
        reported = emotions(classes)
        if classes == 8 and set(known) == set(EMOTIONS_7):
            raise ConfigError("8 classes were asked for, but the model knows 7: it has no contempt")
        canonical = set(known) == set(EMOTIONS_8)
        self.labels = tuple(label for label in known if not canonical or label in reported)
        self._detector = detector
        self._classifier = classifier

    def recognize(self, image_bgr: Image) -> list[FaceEmotion]:
        """Find the faces of a picture and read their emotions.

        Args:
            image_bgr: Picture, shape (height, width, 3), uint8, blue, green, red.

        Returns:
            The faces in the detector's order; each one's probabilities sum to 1 over `labels`.

        Raises:
            ModelError: The model fails.
        """
        faces = self._detector.detect(image_bgr)
        margin = self._classifier.metadata.crop_margin
        crops = [crop_face(image_bgr, face.box, margin) for face in faces]
        predictions = self._classifier.classify(crops)
        return [
            FaceEmotion(face, self._reported(prediction))
            for face, prediction in zip(faces, predictions, strict=True)
        ]

    def _reported(self, prediction: Prediction) -> Prediction:
        if len(self.labels) == len(prediction.probabilities):
            return prediction
        kept = {label: prediction.probabilities[label] for label in self.labels}
        total = sum(kept.values())
        if total == 0:  # float32 leaves nothing beside a probability of 1 for contempt
            return Prediction(dict.fromkeys(kept, 1 / len(kept)))
        return Prediction({label: value / total for label, value in kept.items()})
