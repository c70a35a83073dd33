"""Tracks faces from frame to frame: stable ids, and emotions smoothed over time."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from emorec.errors import ConfigError
from emorec.media.positions import enclosing
from emorec.types import Box, FaceEmotion, Prediction

MAX_GAP_S = 1.0
"""Default time for which a face may be out of sight and keep its id, in seconds."""

SMOOTH_S = 0.5
"""Default time constant of the smoothing of probabilities, in seconds."""

TRACKED = "track"
"""Name of the detector of faces that were propagated between two detections."""

# In units of the face's size, so that near and far faces are tracked alike.
_POSITION_ERROR = 0.06
_SPEED_ERROR = 3.0
"""Standard deviation of the speed of a new track, per second."""
_SPEED_CHANGE = 2.0
"""Standard deviation of the change of a speed in one second."""
_SIZE_GAIN = 0.5
_COASTING_S = 1.0
"""Time constant with which a face out of sight loses its speed, in seconds."""

_REACH = 0.7
"""Distance from its predicted position within which a box can belong to a face."""
_REACH_PER_S = 2.5
"""Growth of that distance per second since the last detection of the face."""
_MAX_GROWTH = 2.0
"""Ratio of sizes beyond which a box cannot belong to a face."""
_MISSED_COST = 0.3
"""Added cost of a face out of sight: in a crossing, the face in front keeps its boxes."""


@dataclass
class _Track:
    """Position and motion of one face.

    A Kalman filter of constant speed for both coordinates of the centre, which share their
    variances (Bar-Shalom, Li, Kirubarajan, Estimation with Applications to Tracking and
    Navigation, 2001, section 6.2); the size is updated with a constant gain.

    Attributes:
        id: Number of the face.
        box: Box of the last detection.
        detected_s: Time of the last detection, in seconds.
        center: Filtered centre (x, y), in pixels.
        size: Filtered width and height, in pixels.
        speed: Speed of the centre (x, y), in pixels per second.
        missed: The last update had no box for the face.
    """

    id: int
    box: Box
    detected_s: float
    center: tuple[float, float] = field(init=False)
    size: tuple[float, float] = field(init=False)
    speed: tuple[float, float] = (0.0, 0.0)
    missed: bool = False

    def __post_init__(self) -> None:
        self.center = _center(self.box)
        self.size = (float(self.box.width), float(self.box.height))
        self._position_variance = _POSITION_ERROR**2
        self._covariance = 0.0
        self._speed_variance = _SPEED_ERROR**2

    @property
    def side(self) -> float:
        return math.sqrt(self.size[0] * self.size[1])

    def predict(self, time_s: float) -> Box:
        """Predict the box at a time, in seconds."""
        travel = _COASTING_S * (1 - math.exp(-(time_s - self.detected_s) / _COASTING_S))
        x = self.center[0] + travel * self.speed[0] - self.size[0] / 2
        y = self.center[1] + travel * self.speed[1] - self.size[1] / 2
        return Box(round(x), round(y), round(self.size[0]), round(self.size[1]))

    def update(self, box: Box, time_s: float) -> None:
        """Update the track with a detection at a time, in seconds."""
        step = time_s - self.detected_s
        travel = _COASTING_S * (1 - math.exp(-step / _COASTING_S))
        noise = _SPEED_CHANGE**2
        position = self._position_variance + 2 * step * self._covariance
        position += step**2 * self._speed_variance + noise * step**3 / 3
        covariance = self._covariance + step * self._speed_variance + noise * step**2 / 2
        speed = self._speed_variance + noise * step
        total = position + _POSITION_ERROR**2
        gain, speed_gain = position / total, covariance / total
        detected = _center(box)
        predicted = [self.center[axis] + travel * self.speed[axis] for axis in (0, 1)]
        errors = [detected[axis] - predicted[axis] for axis in (0, 1)]
        self.center = (predicted[0] + gain * errors[0], predicted[1] + gain * errors[1])
        self.speed = (
            self.speed[0] + speed_gain * errors[0],
            self.speed[1] + speed_gain * errors[1],
        )
        self._position_variance = (1 - gain) * position
        self._covariance = (1 - gain) * covariance
        self._speed_variance = speed - speed_gain * covariance
        self.size = (
            self.size[0] + _SIZE_GAIN * (box.width - self.size[0]),
            self.size[1] + _SIZE_GAIN * (box.height - self.size[1]),
        )
        self.box, self.detected_s, self.missed = box, time_s, False


class FaceTracker:
    """Assigns the boxes of one face the same id in every frame.

    A box is assigned to the face whose predicted box matches it best, by overlap and distance, the
    best pair first. The position of a face out of sight is predicted for `max_gap_s`; then its
    track ends. No id is used twice.

    Args:
        max_gap_s: How long a face may be out of sight and keep its id, in seconds.

    Raises:
        ConfigError: The gap is negative, infinite or not a number.
    """

    def __init__(self, max_gap_s: float = MAX_GAP_S) -> None:
        if not 0 <= max_gap_s < math.inf:
            raise ConfigError(f"max_gap_s must be 0 or more; received {max_gap_s:g}")
        self._max_gap_s = max_gap_s
        self._tracks: list[_Track] = []
        self._count = 0

    def update(
        self, boxes: Sequence[Box], time_s: float, size_wh: tuple[int, int] | None = None
    ) -> list[int]:
        """Assign ids to the detections of the next frame.

        Args:
            boxes: The detected faces, at least one pixel wide and high.
            time_s: Time of the frame, in seconds; later than the last one.
            size_wh: Width and height of the frame in pixels, if known: a face that has left it is
                predicted at the border.

        Returns:
            An id for each box, in order, from 1.
        """
        self._tracks = [t for t in self._tracks if time_s - t.detected_s <= self._max_gap_s]
        owners = self._match(boxes, time_s, size_wh)
        for track in self._tracks:
            track.missed = True
        ids = []
        for index, box in enumerate(boxes):
            if index in owners:
                owners[index].update(box, time_s)
            else:
                self._count += 1
                owners[index] = _Track(self._count, box, time_s)
                self._tracks.append(owners[index])
            ids.append(owners[index].id)
        return ids

    def predict(self, time_s: float) -> dict[int, Box]:
        """Predict the boxes of the faces of the last update at a time in seconds, by id."""
        return {track.id: track.predict(time_s) for track in self._tracks if not track.missed}

    def missed(self, time_s: float) -> list[Box]:
        """Return boxes around the last and the predicted position of each face out of sight."""
        known = [t for t in self._tracks if time_s - t.detected_s <= self._max_gap_s]
        return [enclosing(t.box, t.predict(time_s)) for t in known if t.missed]

    def _match(
        self, boxes: Sequence[Box], time_s: float, size_wh: tuple[int, int] | None
    ) -> dict[int, _Track]:
        """Match boxes, by their index, with tracks: greedily, the best pair first."""
        pairs = []
        for row, track in enumerate(self._tracks):
            predicted = track.predict(time_s)
            if size_wh is not None:
                predicted = _inside(predicted, size_wh)
            reach = _REACH + _REACH_PER_S * (time_s - track.detected_s)
            for index, box in enumerate(boxes):
                growth = math.sqrt(box.width * box.height) / track.side
                if not 1 / _MAX_GROWTH <= growth <= _MAX_GROWTH:
                    continue
                if math.dist(_center(predicted), _center(box)) > reach * track.side:
                    continue
                cost = _MISSED_COST * track.missed - distance_iou(predicted, box)
                pairs.append((cost, row, index))
        owners: dict[int, _Track] = {}
        taken: set[int] = set()
        for _, row, index in sorted(pairs):
            if index not in owners and row not in taken:
                owners[index] = self._tracks[row]
                taken.add(row)
        return owners


def distance_iou(one: Box, other: Box) -> float:
    """Compute the Distance-IoU of two boxes: above -1, and 1 for equal boxes.

    Intersection over union, minus the squared distance of the centres over the squared diagonal of
    the smallest box that encloses both (Zheng et al., Distance-IoU Loss, AAAI 2020).
    """
    right = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    shared = max(right, 0) * max(down, 0)
    covered = one.width * one.height + other.width * other.height - shared
    width = max(one.x + one.width, other.x + other.width) - min(one.x, other.x)
    height = max(one.y + one.height, other.y + other.height) - min(one.y, other.y)
    distance = math.dist(_center(one), _center(other))
    return shared / covered - distance**2 / (width**2 + height**2)


class EmotionTracker:
    """Assigns ids to the faces of a video and smooths their probabilities.

    The probabilities of a face move towards each new prediction by 1 - exp(-elapsed / smooth_s): an
    exponential moving average in time, independent of the frame rate.

    Args:
        smooth_s: Time constant in seconds; 0 turns smoothing off.
        max_gap_s: As for `FaceTracker`.
        min_confidence: Smoothed predictions of a lower confidence are marked as uncertain, 0 to 1.

    Raises:
        ConfigError: A time is negative, infinite or not a number.
    """

    def __init__(
        self,
        smooth_s: float = SMOOTH_S,
        max_gap_s: float = MAX_GAP_S,
        min_confidence: float = 0.0,
    ) -> None:
        if not 0 <= smooth_s < math.inf:
            raise ConfigError(f"smooth_s must be 0 or more; received {smooth_s:g}")
        self._smooth_s = smooth_s
        self._max_gap_s = max_gap_s
        self._min_confidence = min_confidence
        self._tracker = FaceTracker(max_gap_s)
        self._last: dict[int, tuple[float, FaceEmotion]] = {}

    def update(
        self,
        faces: Sequence[FaceEmotion],
        time_s: float,
        size_wh: tuple[int, int] | None = None,
    ) -> list[FaceEmotion]:
        """Assign ids to the faces detected in a frame, and smooth their probabilities.

        Args:
            faces: The detected and classified faces.
            time_s: Time of the frame, in seconds; later than the last one.
            size_wh: As for `FaceTracker.update`.

        Returns:
            The faces in the same order, with ids and smoothed probabilities.
        """
        self._last = {
            id_: last for id_, last in self._last.items() if time_s - last[0] <= self._max_gap_s
        }
        ids = self._tracker.update([face.box for face in faces], time_s, size_wh)
        smoothed = []
        for id_, face in zip(ids, faces, strict=True):
            if id_ in self._last and self._smooth_s:
                before_s, before = self._last[id_]
                share = 1 - math.exp(-(time_s - before_s) / self._smooth_s)
                prediction = self._blend(before.prediction, face.prediction, share)
                face = replace(face, prediction=prediction)
            face = replace(face, id=id_)
            self._last[id_] = (time_s, face)
            smoothed.append(face)
        return smoothed

    def propagate(self, time_s: float, boxes: Mapping[int, Box]) -> list[FaceEmotion]:
        """Propagate the faces of the last update to a frame in which none are detected.

        Score and probabilities are those of the last detection; landmarks keep their positions
        relative to the box.

        Args:
            time_s: Time of the frame, in seconds.
            boxes: Known boxes of faces in the frame, by id; the others are predicted from their
                motion.

        Returns:
            The faces from left to right.
        """
        faces = []
        for id_, predicted in self._tracker.predict(time_s).items():
            face, box = self._last[id_][1], boxes.get(id_, predicted)
            propagated = replace(face.face.fitted(box), detector=TRACKED)
            faces.append(replace(face, face=propagated))
        return sorted(faces, key=_top_left)

    def missed(self, time_s: float) -> list[Box]:
        """Return where the faces that were not detected may be; see `FaceTracker.missed`."""
        return self._tracker.missed(time_s)

    def _blend(self, before: Prediction, now: Prediction, share: float) -> Prediction:
        old, new = before.probabilities, now.probabilities
        mixed = Prediction({name: old[name] + share * (new[name] - old[name]) for name in new})
        return replace(mixed, uncertain=mixed.confidence < self._min_confidence)


def _inside(box: Box, size_wh: tuple[int, int]) -> Box:
    """Move a box so that its centre lies in the image."""
    x = min(max(box.x, -box.width // 2), size_wh[0] - box.width // 2)
    y = min(max(box.y, -box.height // 2), size_wh[1] - box.height // 2)
    return replace(box, x=x, y=y)


def _center(box: Box) -> tuple[float, float]:
    return box.x + box.width / 2, box.y + box.height / 2


def _top_left(face: FaceEmotion) -> tuple[int, int]:
    return face.box.x, face.box.y
