"""Summarizes a video: how long each face was visible, with which emotions and changes."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from emorec.frames import shown_seconds
from emorec.inference.tracking import MAX_GAP_S
from emorec.outputs.records import Record
from emorec.types import FaceEmotion

MAX_POINTS = 2000
"""Points of a face's timeline, at most; every second one of a longer timeline is dropped."""


@dataclass(frozen=True)
class TimelinePoint:
    """The emotions of a face at one time.

    Attributes:
        time_s: Seconds from the video's start.
        probabilities: By emotion name.
    """

    time_s: float
    probabilities: dict[str, float]


@dataclass
class TrackSummary:
    """Summary of one face of a video.

    Attributes:
        id: Number of the track.
        first_s: Time of its first frame, in seconds.
        last_s: Time of its last frame, in seconds.
        seconds: Total time of the frames in which it was visible.
        emotion_s: Time for which each emotion was the most probable, in seconds, by name.
        changes: How often the most probable emotion changed.
        points: Its timeline, in even steps, at most `MAX_POINTS`; empty unless requested.
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
        """The emotion that was the most probable for longest; the earliest if several tie."""
        return max(self.emotion_s, key=self.emotion_s.__getitem__)

    @property
    def shares(self) -> dict[str, float]:
        """Fraction of the time for which each emotion was the most probable, longest first.

        They sum to 1.
        """
        longest = sorted(self.emotion_s, key=self.emotion_s.__getitem__, reverse=True)
        if not self.seconds:  # a single frame without a duration
            return {name: 1 / len(longest) for name in longest}
        return {name: self.emotion_s[name] / self.seconds for name in longest}


class VideoSummary:
    """Accumulates the summary of one video frame by frame, in little memory.

    Args:
        source: The video as records name it.
        frame_s: Nominal length of a frame in seconds.
        max_gap_s: As for `shown_seconds`; the last frame lasts its nominal length.
        timeline: Keep the timelines of the faces.
    """

    def __init__(
        self,
        source: str,
        frame_s: float,
        max_gap_s: float = MAX_GAP_S,
        timeline: bool = False,
    ) -> None:
        self.source = source
        self.frames = 0
        self._frame_s = frame_s
        self._max_gap_s = max_gap_s
        self._timeline = timeline
        self._tracks: dict[int, TrackSummary] = {}
        self._steps: dict[int, int] = {}
        self._skipped: dict[int, int] = {}
        self._emotions: dict[int, str] = {}
        self._last_faces: Sequence[FaceEmotion] = ()
        self._first_s = 0.0
        self._time_s: float | None = None

    def add(self, faces: Sequence[FaceEmotion], time_s: float) -> None:
        """Add the next frame.

        Args:
            faces: Its faces, with their ids.
            time_s: Its time, in seconds.
        """
        if self._time_s is None:
            self._first_s = time_s
        else:
            step_s = time_s - self._time_s
            self._add_duration(shown_seconds(step_s, self._frame_s, self._max_gap_s))
        self._time_s, self._last_faces = time_s, faces
        self.frames += 1
        for face in faces:
            if face.id is None:
                continue
            track = self._tracks.setdefault(face.id, TrackSummary(face.id, time_s, time_s))
            track.last_s = time_s
            emotion = face.emotion
            track.changes += self._emotions.get(face.id, emotion) != emotion
            track.emotion_s.setdefault(emotion, 0.0)
            self._emotions[face.id] = emotion
            if self._timeline:
                self._keep(track, TimelinePoint(time_s, face.probabilities))

    def _add_duration(self, seconds: float) -> None:
        """Add the duration of the last frame to its faces."""
        for face in self._last_faces:
            if face.id is not None:
                track = self._tracks[face.id]
                track.seconds += seconds
                track.emotion_s[face.emotion] += seconds

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
        """Add the duration of the last frame and return the faces in the order of their ids."""
        if self._time_s is not None:
            self._add_duration(self._frame_s)
        self._last_faces = ()
        return [self._tracks[id_] for id_ in sorted(self._tracks)]

    def record(
        self, tracks: Sequence[TrackSummary], gaps: Sequence[tuple[float, float]] = ()
    ) -> Record:
        """Return the summary as a record of native types; docs/output.md lists its fields.

        Args:
            tracks: What `finish` returned.
            gaps: Begin and end, in seconds, of the gaps in which a stream was reconnected.
        """
        duration = 0.0 if self._time_s is None else self._time_s - self._first_s + self._frame_s
        return {
            "source": self.source,
            "frames": self.frames,
            "duration_s": duration,
            **({"gaps": [list(gap) for gap in gaps]} if gaps else {}),
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
