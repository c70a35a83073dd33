"""Joins frames to stretches: the times for which a person shows one emotion without a break."""

from collections.abc import Callable
from dataclasses import dataclass

from emorec.outputs.session.frame_table import SessionFrame

_SAME_TIME_S = 1e-6
"""Difference below which one frame ends where the next begins, with rounded times."""


@dataclass
class Stretch:
    """A stretch of time with one top emotion of a person.

    Attributes:
        video: Name of the video.
        person: Name of the person.
        emotion: The top emotion.
        begin_s: Begin of its first frame, in seconds.
        end_s: End of its last frame, in seconds.
        first: Number of its first frame.
        last: Number of its last frame.
    """

    video: str
    person: str
    emotion: str
    begin_s: float
    end_s: float
    first: int
    last: int


class Stretches:
    """Finds the stretches of all persons.

    A stretch ends where the top emotion changes, the person is not seen in a frame, or nothing was
    received for some time. No short one is passed over.

    Args:
        begin: Receives each stretch as it begins, in order of time.
        end: Receives each stretch once it is complete. Of one frame, what ends comes before what
            begins, and both are in order of time.
    """

    def __init__(
        self, begin: Callable[[Stretch], object], end: Callable[[Stretch], object]
    ) -> None:
        self._begin = begin
        self._end = end
        self._open: dict[str, Stretch] = {}
        self._video = ""

    def add(self, frame: SessionFrame) -> None:
        """Add the next frame."""
        if frame.video != self._video:
            self.finish()
            self._video = frame.video
        shown = {face.person: face for face in frame.faces}
        ended = [
            stretch
            for person, stretch in self._open.items()
            if person not in shown
            or shown[person].emotion != stretch.emotion
            or abs(frame.time_s - stretch.end_s) > _SAME_TIME_S
        ]
        self._close(ended)
        for person, face in shown.items():
            if person in self._open:
                stretch = self._open[person]
                stretch.end_s, stretch.last = frame.end_s, frame.number
                continue
            begun = Stretch(
                *(frame.video, person, face.emotion, frame.time_s, frame.end_s),
                *(frame.number, frame.number),
            )
            self._open[person] = begun
            self._begin(begun)

    def finish(self) -> None:
        """End the stretches that are open."""
        self._close(list(self._open.values()))

    def _close(self, stretches: list[Stretch]) -> None:
        for stretch in sorted(stretches, key=lambda ended: ended.end_s):
            del self._open[stretch.person]
            self._end(stretch)
