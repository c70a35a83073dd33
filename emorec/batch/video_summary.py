"""Sums a video up: for each face how long it was seen, what it showed and how often it changed."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from emorec.outputs.records import Record
from emorec.types import FaceEmotion

MAX_POINTS = 2000
"""Points of a face's timeline; a longer one keeps every second of them."""


@dataclass(frozen=True)
class TimelinePoint:
    """What a face showed at a time.

    Attributes:
        time_s: Seconds from the video's start.
        probabilities: By emotion name.
    """

    time_s: float
    probabilities: dict[str, float]


@dataclass
class TrackSummary:
    """What is known of one face.

    Attributes:
        id: Its number.
        first_s: When it was seen first.
        last_s: When it was seen last.
        seconds: How long it was seen in all.
        emotion_s: How long each emotion led, by name.
        changes: How often another emotion came to lead.
        points: Its timeline, in even steps, at most `MAX_POINTS`; empty unless asked for.
    """

    id: int
    first_s: float
    last_s: float
    seconds: float = 0.0
    emotion_s: dict[str, float] = field(default_factory=dict)
    changes: int = 0
    points: list[TimelinePoint] = field(default_factory=list)

    @property
    def emotion(self) -> str:
        """The emotion that led longest; the first shown if several tie."""
        return max(self.emotion_s, key=self.emotion_s.__getitem__)

    @property
    def shares(self) -> dict[str, float]:
        """Part of its time in which each emotion led, longest first; they sum to 1."""
        longest = sorted(self.emotion_s, key=self.emotion_s.__getitem__, reverse=True)
        if not self.seconds:  # a single frame without a length
            return {name: 1 / len(longest) for name in longest}
        return {name: self.emotion_s[name] / self.seconds for name in longest}


class VideoSummary:
    """Sums up the frames of one video as they come, in little memory.

    Args:
        source: The video as records call it.
        frame_s: Length of the last frame, in seconds; the others last until the next one.
        timeline: Keep the timelines of the faces.
    """

    def __init__(self, source: str, frame_s: float, timeline: bool = False) -> None:
        self.source = source
        self.frames = 0
        self._frame_s = frame_s
        self._timeline = timeline
        self._tracks: dict[int, TrackSummary] = {}
        self._steps: dict[int, int] = {}
        self._skipped: dict[int, int] = {}
        self._emotions: dict[int, str] = {}
        self._shown: Sequence[FaceEmotion] = ()
        self._first_s = 0.0
        self._time_s: float | None = None

    def add(self, faces: Sequence[FaceEmotion], time_s: float) -> None:
        """Take the next frame."""
        if self._time_s is None:
            self._first_s = time_s
        else:
            self._pass(time_s - self._time_s)
        self._time_s, self._shown = time_s, faces
        self.frames += 1
        for face in faces:
            if face.id is None:
                continue
            track = self._tracks.setdefault(face.id, TrackSummary(face.id, time_s, time_s))
            track.last_s = time_s
            emotion = face.prediction.emotion
            track.changes += self._emotions.get(face.id, emotion) != emotion
            track.emotion_s.setdefault(emotion, 0.0)
            self._emotions[face.id] = emotion
            if self._timeline:
                self._keep(track, TimelinePoint(time_s, face.prediction.probabilities))

    def _pass(self, seconds: float) -> None:
        """Count the time that the last frame stood."""
        for face in self._shown:
            if face.id is not None:
                track = self._tracks[face.id]
                track.seconds += seconds
                track.emotion_s[face.prediction.emotion] += seconds

    def _keep(self, track: TrackSummary, point: TimelinePoint) -> None:
        step = self._steps.setdefault(track.id, 1)
        skipped = self._skipped.get(track.id, step) + 1
        if skipped >= step:
            track.points.append(point)
            skipped = 0
        self._skipped[track.id] = skipped
        if len(track.points) > MAX_POINTS:
            del track.points[1::2]
            self._steps[track.id] = 2 * step

    def finish(self) -> list[TrackSummary]:
        """Count the last frame; gives the faces in the order of their ids."""
        if self._time_s is not None:
            self._pass(self._frame_s)
        self._shown = ()
        return [self._tracks[id_] for id_ in sorted(self._tracks)]

    def record(self, tracks: Sequence[TrackSummary]) -> Record:
        """Tell it as a record of native types, for the JSON document."""
        duration = 0.0 if self._time_s is None else self._time_s - self._first_s + self._frame_s
        return {
            "source": self.source,
            "frames": self.frames,
            "duration_s": duration,
            "tracks": [
                {
                    "id": track.id,
                    "first_s": track.first_s,
                    "last_s": track.last_s,
                    "seconds": track.seconds,
                    "emotion": track.emotion,
                    "shares": track.shares,
                    "changes": track.changes,
                }
                for track in tracks
            ],
        }
