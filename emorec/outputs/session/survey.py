"""Surveys a session in a first pass over its frames: persons, their times, and their baselines."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from emorec.errors import ConfigError
from emorec.outputs.session.frame_table import SessionFrame
from emorec.outputs.session.person_names import Names, default_person

PersonKey = tuple[str, str]
"""Name of the video and of the person."""


@dataclass
class VideoSurvey:
    """What was analysed of a video.

    Attributes:
        first_s: Begin of its first frame, in seconds.
        end_s: End of its last frame, in seconds.
        seconds: Total time of its frames.
        frames: Number of frames.
    """

    first_s: float
    end_s: float = 0.0
    seconds: float = 0.0
    frames: int = 0


@dataclass
class PersonSurvey:
    """What was seen of a person in a video.

    Attributes:
        ids: Numbers of the tracked faces.
        first_s: Begin of the first frame that shows the person, in seconds.
        last_s: End of the last one.
        baseline_seen_s: Time within the baseline, in seconds.
        baseline_sums: Probabilities within it, multiplied by time, in the order of the labels.
    """

    first_s: float
    ids: set[int] = field(default_factory=set)
    last_s: float = 0.0
    baseline_seen_s: float = 0.0
    baseline_sums: list[float] = field(default_factory=list)

    @property
    def baseline(self) -> list[float] | None:
        """Mean probabilities within the baseline; None if the person was not seen there."""
        if not self.baseline_seen_s:
            return None
        return [total / self.baseline_seen_s for total in self.baseline_sums]


@dataclass
class Survey:
    """The first pass.

    Attributes:
        videos: By name.
        people: By video and person, in the order of their first frames.
        ids: Numbers of the tracked faces by the name of the video.
    """

    videos: dict[str, VideoSurvey] = field(default_factory=dict)
    people: dict[PersonKey, PersonSurvey] = field(default_factory=dict)
    ids: dict[str, set[int]] = field(default_factory=dict)


def overlap_s(frame: SessionFrame, begin_s: float, end_s: float) -> float:
    """Return for how many seconds a frame is shown within an interval."""
    return max(min(frame.end_s, end_s) - max(frame.time_s, begin_s), 0.0)


def survey(
    frames: Iterable[SessionFrame],
    names: Names,
    baseline_s: tuple[float, float] | None = None,
) -> Survey:
    """Make the first pass.

    Args:
        frames: All frames.
        names: The assigned names.
        baseline_s: Begin and end of the baseline in each video, in seconds.

    Raises:
        ConfigError: Two faces of one frame have the same name.
    """
    found = Survey()
    for frame in frames:
        video = found.videos.setdefault(frame.video, VideoSurvey(frame.time_s))
        video.end_s = max(video.end_s, frame.end_s)
        video.seconds += frame.duration_s
        video.frames += 1
        ids = found.ids.setdefault(frame.video, set())
        within_s = 0.0 if baseline_s is None else overlap_s(frame, *baseline_s)
        present: dict[str, int] = {}
        for face in frame.faces:
            ids.add(face.id)
            name = names.get((frame.video, face.id)) or default_person(frame.video, face.id)
            if name in present:
                raise ConfigError(
                    f"the name {name!r} has face {present[name]} and face {face.id} of "
                    f"{frame.video}, which are both seen at {frame.time_s:.2f} s; nobody is seen "
                    "twice, so name them differently"
                )
            present[name] = face.id
            person = found.people.setdefault((frame.video, name), PersonSurvey(frame.time_s))
            person.ids.add(face.id)
            person.last_s = frame.end_s
            if within_s:
                person.baseline_seen_s += within_s
                sums = person.baseline_sums or [0.0] * len(face.probabilities)
                pairs = zip(sums, face.probabilities, strict=True)
                person.baseline_sums = [total + within_s * value for total, value in pairs]
    return found
