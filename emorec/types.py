"""The small value types that pass between detection, inference and output."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Box:
    """A face rectangle in pixels of the full, upright picture, from its top left corner."""

    x: int
    y: int
    width: int
    height: int

    def iou(self, other: "Box") -> float:
        """Intersection over union of two boxes, 0 to 1; 0 where neither has an area."""
        width = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        height = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        shared = max(width, 0) * max(height, 0)
        union = self.width * self.height + other.width * other.height - shared
        return shared / union if union > 0 else 0.0


@dataclass(frozen=True)
class Face:
    """A detected face.

    Attributes:
        box: Where the face is.
        detector: Name of the detector that found it.
        score: The detector's own score; for a cascade its level weight, which is no probability.
    """

    box: Box
    detector: str
    score: float


@dataclass(frozen=True)
class Prediction:
    """Probabilities of the emotions of one face.

    Attributes:
        probabilities: Probability by emotion name, in the model's label order; they sum to 1.
        uncertain: The confidence is below what was asked for.
    """

    probabilities: dict[str, float]
    uncertain: bool = False

    @property
    def emotion(self) -> str:
        """The most probable emotion; the first of the label order if several tie."""
        return max(self.probabilities, key=self.probabilities.__getitem__)

    @property
    def confidence(self) -> float:
        """The probability of `emotion`, 0 to 1."""
        return self.probabilities[self.emotion]


@dataclass(frozen=True)
class FaceEmotion:
    """A detected face with the emotion read from it.

    Attributes:
        face: Where it is.
        prediction: What was read.
        id: Number of the track that the face belongs to in a video; None on a picture.
    """

    face: Face
    prediction: Prediction
    id: int | None = None
