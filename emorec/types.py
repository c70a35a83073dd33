"""Value types shared by detection, inference and output: boxes, faces and predictions."""

import math
from dataclasses import dataclass, fields, replace
from typing import Any

Point = tuple[float, float]
"""x and y in pixels of the full, upright image, as of `Box`: its top left corner is (0, 0)."""


ALIGNMENTS = ("auto", "off", "on")
"""When crops of tilted faces are rotated upright; auto is the model's own default."""

MIN_CROP_MARGIN, MAX_CROP_MARGIN = -0.4, 2.0
"""Range of the margin on each side of a face crop, as a fraction of the box."""

BLURS = ("pixelate", "gaussian", "box")
"""How faces are blurred; see `emorec.media.blurring.blur_faces`."""

_DECIMALS = 2
"""Decimals of the coordinates of landmarks in `FaceEmotion.to_dict`, in pixels."""


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
class Landmarks:
    """Five points of a face, in pixels of the full, upright image.

    Right and left are those of the person: in an upright image the right eye is on the left side.
    Points may lie outside the image.

    Attributes:
        right_eye: Centre of the right eye.
        left_eye: Centre of the left eye.
        nose: Tip of the nose.
        right_mouth: Right corner of the mouth.
        left_mouth: Left corner of the mouth.
    """

    right_eye: Point
    left_eye: Point
    nose: Point
    right_mouth: Point
    left_mouth: Point

    @property
    def points(self) -> dict[str, Point]:
        """The points by name, in the order of the fields."""
        return {name: getattr(self, name) for name in LANDMARK_NAMES}

    @property
    def tilt(self) -> float:
        """In-plane rotation of the face in degrees, -180 to 180.

        0 if the eyes are level, positive if the face is rotated clockwise in the image.
        """
        across = self.left_eye[0] - self.right_eye[0]
        down = self.left_eye[1] - self.right_eye[1]
        return math.degrees(math.atan2(down, across))

    def mapped(
        self, scale_x: float, scale_y: float, right: float = 0, down: float = 0
    ) -> "Landmarks":
        """Return a copy whose points are scaled about the origin and then moved, in pixels."""
        return Landmarks(
            *((x * scale_x + right, y * scale_y + down) for x, y in self.points.values())
        )


LANDMARK_NAMES = tuple(field.name for field in fields(Landmarks))
"""Names of the points of `Landmarks`, in order."""

LANDMARK_COLUMNS = tuple(f"{name}_{axis}" for name in LANDMARK_NAMES for axis in "xy")
"""Columns of tables that hold `Landmarks`."""


@dataclass(frozen=True)
class Face:
    """A detected face.

    Attributes:
        box: Position of the face.
        detector: Name of the detector that found it.
        score: Score of the detector; for a cascade its level weight, which is not a probability.
        landmarks: Eyes, nose and mouth; None if the detector does not return them.
    """

    box: Box
    detector: str
    score: float
    landmarks: Landmarks | None = None

    def moved(self, right: int, down: int) -> "Face":
        """Return a copy whose box and landmarks are moved, in pixels."""
        box = replace(self.box, x=self.box.x + right, y=self.box.y + down)
        landmarks = self.landmarks and self.landmarks.mapped(1, 1, right, down)
        return replace(self, box=box, landmarks=landmarks)

    def fitted(self, box: Box) -> "Face":
        """Return a copy with another box, in which the landmarks have the same relative position.

        Args:
            box: At least one pixel wide and high, as the box of the face.
        """
        old, landmarks = self.box, self.landmarks
        if landmarks is not None:
            scale_x, scale_y = box.width / old.width, box.height / old.height
            right, down = box.x - scale_x * old.x, box.y - scale_y * old.y
            landmarks = landmarks.mapped(scale_x, scale_y, right, down)
        return replace(self, box=box, landmarks=landmarks)


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

    The properties are those of `face` and `prediction`.

    Attributes:
        face: The detected face.
        prediction: Probabilities of its emotions.
        id: Number of the face's track in a video; None for a still image.
    """

    face: Face
    prediction: Prediction
    id: int | None = None

    @property
    def box(self) -> Box:
        """Position of the face, in pixels of the full, upright image."""
        return self.face.box

    @property
    def landmarks(self) -> Landmarks | None:
        """Eyes, nose and mouth; None if the detector does not return them."""
        return self.face.landmarks

    @property
    def detector(self) -> str:
        """Name of the detector that found the face."""
        return self.face.detector

    @property
    def score(self) -> float:
        """Score of the detector; for a cascade its level weight, which is not a probability."""
        return self.face.score

    @property
    def emotion(self) -> str:
        """The most probable emotion."""
        return self.prediction.emotion

    @property
    def confidence(self) -> float:
        """The probability of `emotion`, 0 to 1."""
        return self.prediction.confidence

    @property
    def probabilities(self) -> dict[str, float]:
        """Probability by emotion name; they sum to 1."""
        return self.prediction.probabilities

    @property
    def uncertain(self) -> bool:
        """Whether the confidence is below the requested minimum."""
        return self.prediction.uncertain

    def to_dict(self) -> dict[str, Any]:
        """Return the face as native types, with the keys of the records of `emorec detect`.

        Returns:
            `id`, `box` (x, y, width, height), `detector`, `detector_score`, `landmarks` (x and y
            by name, rounded to 0.01 pixels, or None), `emotion`, `confidence`, `probabilities`
            and `uncertain`.
        """
        box, landmarks = self.box, None
        if self.landmarks is not None:
            points = self.landmarks.points.items()
            landmarks = {name: [round(v, _DECIMALS) for v in point] for name, point in points}
        return {
            "id": self.id,
            "box": [box.x, box.y, box.width, box.height],
            "detector": self.detector,
            "detector_score": self.score,
            "landmarks": landmarks,
            "emotion": self.emotion,
            "confidence": self.confidence,
            "probabilities": dict(self.probabilities),
            "uncertain": self.uncertain,
        }


@dataclass(frozen=True)
class Undrawn:
    """Numbers of faces that are drawn without their label or their bars.

    Attributes:
        labels: Labels whose text would be too small to read in a small image.
        bars: Panels of bars without a free place.
    """

    labels: int = 0
    bars: int = 0

    def __add__(self, other: "Undrawn") -> "Undrawn":
        return Undrawn(self.labels + other.labels, self.bars + other.bars)
