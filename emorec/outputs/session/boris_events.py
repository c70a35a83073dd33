"""Writes events.tsv: the stretches of each person as state events of BORIS.

The columns are those of BORIS's export of tabular events (https://www.boris.unito.it/user_guide/
export_events/), without modifiers: a state event is a row START and a row STOP.
"""

from collections.abc import Callable

from emorec.outputs.session.frame_table import csv_line
from emorec.outputs.session.session_columns import EVENTS, header
from emorec.outputs.session.session_file import Session
from emorec.outputs.session.stretches import Stretch
from emorec.outputs.session.survey import Survey

START, STOP = "START", "STOP"

_MISSING = "NA"
_CATEGORY = "expression"


class BorisEvents:
    """Writes the events of all videos in order of time.

    Args:
        write: Writes text.
        session: The session.
        survey: The first pass.
    """

    def __init__(self, write: Callable[[str], object], session: Session, survey: Survey) -> None:
        self._write = write
        self._session = session
        self._survey = survey
        self._videos = {video.name: video for video in session.videos}
        write(csv_line(header(EVENTS, session.labels), "\t"))

    def begin(self, stretch: Stretch) -> None:
        """Write the START of a stretch."""
        self._write_event(stretch, START, stretch.begin_s, stretch.first)

    def end(self, stretch: Stretch) -> None:
        """Write the STOP of a stretch."""
        self._write_event(stretch, STOP, stretch.end_s, stretch.last)

    def _write_event(self, stretch: Stretch, kind: str, time_s: float, frame: int) -> None:
        video, seen = self._videos[stretch.video], self._survey.videos[stretch.video]
        recorded = video.path is not None
        cells = [
            video.name,
            self._session.created[:19].replace("T", " "),
            f"emorec {self._session.versions.get('emorec', '')} "
            f"{self._session.model.get('name', '')}",
            f"{seen.end_s - seen.first_s:.3f}",
            "Media file(s)" if recorded else "Live observation",
            f"player #1:{video.path}" if recorded else _MISSING,
            "0",
            f"{seen.end_s:.3f}" if recorded else _MISSING,
            f"{video.fps:.3f}" if recorded and video.fps else _MISSING,
            *(stretch.person, stretch.emotion, _CATEGORY, kind, f"{time_s:.3f}"),
            video.path if recorded else _MISSING,
            str(frame),
            _MISSING,
            "",
        ]
        self._write(csv_line(cells, "\t"))
