"""Value types shared by detection, inference and output: boxes, faces and predictions."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels of the full, upright image; the origin is its top left corner.

    Attributes:
        x: Left edge; negative if the box crosses the left border of the image.
        y: Top edge; negative if the box crosses the top border.
        width: Width.
        height: Height.
    """

    x: int
    y: int
    width: int
    height: int

    def iou(self, other: "Box") -> float:
        """Compute the intersection over union of two boxes, 0 to 1; 0 if neither has an area."""
        width = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        height = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        shared = max(width, 0) * max(height, 0)
        union = self.width * self.height + other.width * other.height - shared
        return shared / union if union > 0 else 0.0


@dataclass(frozen=True)
class Face:
    """A detected face.

    Attributes:
        box: Position of the face.
        detector: Name of the detector that found it.
        score: Score of the detector; for a cascade its level weight, which is not a probability.
    """

    box: Box
    detector: str
    score: float


@dataclass(frozen=True)
class Prediction:
    """Probabilities of the emotions of one face.

    Attributes:
        probabilities: Probability by emotion name, in the model's label order; they sum to 1.
        uncertain: The confidence is below the requested minimum.
    """

    probabilities: dict[str, float]
    uncertain: bool = False

    @property
    def emotion(self) -> str:
        """The most probable emotion; of equal ones the first in label order."""
        return max(self.probabilities, key=self.probabilities.__getitem__)

    @property
    def confidence(self) -> float:
        """The probability of `emotion`, 0 to 1."""
        return self.probabilities[self.emotion]


@dataclass(frozen=True)
class FaceEmotion:
    """A detected face with its predicted emotion.

    Attributes:
        face: The detected face.
        prediction: Probabilities of its emotions.
        id: Number of the face's track in a video; None for a still image.
    """

    face: Face
    prediction: Prediction
    id: int | None = None
