"""Follows faces from frame to frame: ids that stay, and emotions that do not flicker."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from emorec.errors import ConfigError
from emorec.types import Box, Face, FaceEmotion, Prediction

MAX_GAP_S = 1.0
"""How long a face may be out of sight and keep its id, by default."""

SMOOTH_S = 0.5
"""Time constant of the smoothing of probabilities, by default."""

TRACKED = "track"
"""Detector named on faces that were carried on between two detections."""

# In sizes of the face, so that near and far faces are followed alike.
_POSITION_ERROR = 0.06
_SPEED_ERROR = 3.0
"""What the speed of a new track may be, a second."""
_SPEED_CHANGE = 2.0
"""How much a speed changes in a second."""
_SIZE_GAIN = 0.5
_COASTING_S = 1.0
"""Time in which a face out of sight loses most of its speed."""

_REACH = 0.7
"""Distance from where a face is awaited within which it is taken for the same."""
_REACH_PER_S = 2.5
"""Growth of that distance with the time since it was seen."""
_MAX_GROWTH = 2.0
"""Ratio of sizes beyond which faces are not taken for the same."""
_UNSEEN_COST = 0.3
"""Handicap of a face out of sight: in a crossing, the face in front keeps what is found."""


@dataclass
class _Track:
    """Where one face is and how it moves.

    A Kalman filter of constant speed for both coordinates of the centre, which share their
    variances (Bar-Shalom, Li, Kirubarajan, Estimation with Applications to Tracking and
    Navigation, 2001, section 6.2); the size follows with a constant gain.
    """

    id: int
    box: Box
    seen_s: float
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

    def expected(self, time_s: float) -> Box:
        """Where the face should be now."""
        travel = _COASTING_S * (1 - math.exp(-(time_s - self.seen_s) / _COASTING_S))
        x = self.center[0] + travel * self.speed[0] - self.size[0] / 2
        y = self.center[1] + travel * self.speed[1] - self.size[1] / 2
        return Box(round(x), round(y), round(self.size[0]), round(self.size[1]))

    def update(self, box: Box, time_s: float) -> None:
        """Take in where the face was found."""
        step = time_s - self.seen_s
        travel = _COASTING_S * (1 - math.exp(-step / _COASTING_S))
        noise = _SPEED_CHANGE**2
        position = self._position_variance + 2 * step * self._covariance
        position += step**2 * self._speed_variance + noise * step**3 / 3
        covariance = self._covariance + step * self._speed_variance + noise * step**2 / 2
        speed = self._speed_variance + noise * step
        total = position + _POSITION_ERROR**2
        gain, speed_gain = position / total, covariance / total
        found = _center(box)
        awaited = [self.center[axis] + travel * self.speed[axis] for axis in (0, 1)]
        errors = [found[axis] - awaited[axis] for axis in (0, 1)]
        self.center = (awaited[0] + gain * errors[0], awaited[1] + gain * errors[1])
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
        self.box, self.seen_s, self.missed = box, time_s, False


class FaceTracker:
    """Gives the boxes of one face the same id in every frame.

    A box goes to the face whose awaited place it fits best, by overlap and distance, the best pair
    first. A face out of sight is awaited along its way for `max_gap_s`; then its id is gone for
    good. No id is given twice.

    Args:
        max_gap_s: How long a face may be out of sight and keep its id, in seconds.

    Raises:
        ConfigError: The gap is negative or no number.
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
        """Take what was found in the next frame.

        Args:
            boxes: The faces found, at least one pixel wide and high.
            time_s: When, in seconds; later than the last time.
            size_wh: Width and height of the frame, if known: a face that went out is awaited at
                the border.

        Returns:
            An id for each box, from 1.
        """
        self._tracks = [t for t in self._tracks if time_s - t.seen_s <= self._max_gap_s]
        owners = self._matched(boxes, time_s, size_wh)
        for track in self._tracks:
            track.missed = True
        ids = []
        for place, box in enumerate(boxes):
            if place in owners:
                owners[place].update(box, time_s)
            else:
                self._count += 1
                owners[place] = _Track(self._count, box, time_s)
                self._tracks.append(owners[place])
            ids.append(owners[place].id)
        return ids

    def expected(self, time_s: float) -> dict[int, Box]:
        """Where the faces of the last update should be now, by id."""
        return {track.id: track.expected(time_s) for track in self._tracks if not track.missed}

    def _matched(
        self, boxes: Sequence[Box], time_s: float, size_wh: tuple[int, int] | None
    ) -> dict[int, _Track]:
        """Pair boxes, by their place in the list, with tracks: greedily, the best pair first."""
        pairs = []
        for row, track in enumerate(self._tracks):
            expected = track.expected(time_s)
            if size_wh is not None:
                expected = _inside(expected, size_wh)
            reach = _REACH + _REACH_PER_S * (time_s - track.seen_s)
            for place, box in enumerate(boxes):
                growth = math.sqrt(box.width * box.height) / track.side
                if not 1 / _MAX_GROWTH <= growth <= _MAX_GROWTH:
                    continue
                if math.dist(_center(expected), _center(box)) > reach * track.side:
                    continue
                cost = _UNSEEN_COST * track.missed - distance_iou(expected, box)
                pairs.append((cost, row, place))
        owners: dict[int, _Track] = {}
        taken: set[int] = set()
        for _, row, place in sorted(pairs):
            if place not in owners and row not in taken:
                owners[place] = self._tracks[row]
                taken.add(row)
        return owners


def distance_iou(one: Box, other: Box) -> float:
    """Distance-IoU of two boxes, above -1, and 1 for equal ones.

    The area they share over the area they cover, less the squared distance of their centres over
    the squared diagonal of the box around both (Zheng et al., Distance-IoU Loss, AAAI 2020).
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
    """Gives the faces of a video their ids, and smooths what is read from each.

    The probabilities of a face move towards each new reading by 1 - exp(-passed / smooth_s): an
    exponential mean in time, the same at every rate of frames.

    Args:
        smooth_s: Time constant in seconds; 0 reports each frame as it is read.
        max_gap_s: As for `FaceTracker`.
        min_confidence: Smoothed readings below are marked as uncertain.

    Raises:
        ConfigError: A time is negative or no number.
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
        """Take the faces found and read in a frame; gives them with ids and smoothed."""
        self._last = {
            id_: seen for id_, seen in self._last.items() if time_s - seen[0] <= self._max_gap_s
        }
        ids = self._tracker.update([face.face.box for face in faces], time_s, size_wh)
        smoothed = []
        for id_, face in zip(ids, faces, strict=True):
            if id_ in self._last and self._smooth_s:
                before_s, before = self._last[id_]
                share = 1 - math.exp(-(time_s - before_s) / self._smooth_s)
                prediction = self._blended(before.prediction, face.prediction, share)
                face = replace(face, prediction=prediction)
            face = replace(face, id=id_)
            self._last[id_] = (time_s, face)
            smoothed.append(face)
        return smoothed

    def predict(self, time_s: float, places: Mapping[int, Box]) -> list[FaceEmotion]:
        """Carry the faces found last on to a frame that is not searched.

        Score and probabilities are those of the last detection.

        Args:
            time_s: When, in seconds.
            places: Where faces are, as far as known, by id; the others go on as they moved.
        """
        carried = []
        for id_, expected in self._tracker.expected(time_s).items():
            face, box = self._last[id_][1], places.get(id_, expected)
            carried.append(replace(face, face=Face(box, TRACKED, face.face.score)))
        return sorted(carried, key=_place)

    def _blended(self, before: Prediction, now: Prediction, share: float) -> Prediction:
        old, new = before.probabilities, now.probabilities
        mixed = Prediction({name: old[name] + share * (new[name] - old[name]) for name in new})
        return replace(mixed, uncertain=mixed.confidence < self._min_confidence)


def _inside(box: Box, size_wh: tuple[int, int]) -> Box:
    """Move a box so that its centre lies in the picture."""
    x = min(max(box.x, -box.width // 2), size_wh[0] - box.width // 2)
    y = min(max(box.y, -box.height // 2), size_wh[1] - box.height // 2)
    return replace(box, x=x, y=y)


def _center(box: Box) -> tuple[float, float]:
    return box.x + box.width / 2, box.y + box.height / 2


def _place(face: FaceEmotion) -> tuple[int, int]:
    return face.face.box.x, face.face.box.y
