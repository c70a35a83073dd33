"""Reduces a session to a bounded number of points for session.html."""

from collections.abc import Sequence
from typing import Any

from emorec.outputs.session.frame_table import SessionFrame
from emorec.outputs.session.session_file import Session
from emorec.outputs.session.survey import PersonKey, Survey, overlap_s

MAX_PEOPLE = 24
"""Persons that are shown, at most: those seen for longest."""

MAX_CELLS = 1500
"""Cells of a video's time line, at most; a cell is at least one frame long."""

_ALL_CELLS = 40_000
"""Cells of all time lines together, at most."""

_MIN_CELLS = 100


class TimeGrid:
    """Divides the time of each video into equal cells and averages each person's values in them.

    Args:
        session: The session.
        survey: The first pass.
    """

    def __init__(self, session: Session, survey: Survey) -> None:
        self._session = session
        self._survey = survey
        longest = sorted(survey.people, key=lambda key: -_span_s(survey, key))
        self._shown: set[str] = set()
        for _, person in longest:
            if len(self._shown) < MAX_PEOPLE:
                self._shown.add(person)
        lines = sum(person in self._shown for _, person in survey.people)
        cells = min(MAX_CELLS, max(_ALL_CELLS // max(lines, 1), _MIN_CELLS))
        self._cell_s = {}
        for video in session.videos:
            if seen := survey.videos.get(video.name):
                length_s = (seen.end_s - seen.first_s) / cells
                self._cell_s[video.name] = max(length_s, video.frame_s or 0.0, 1e-3)
        self._cells: dict[PersonKey, dict[int, _Cell]] = {}

    @property
    def hidden_people(self) -> int:
        """Number of persons that are not shown."""
        return len({person for _, person in self._survey.people} - self._shown)

    def add(self, frame: SessionFrame) -> None:
        """Add the next frame."""
        cell_s = self._cell_s[frame.video]
        origin_s = self._survey.videos[frame.video].first_s
        first = int((frame.time_s - origin_s) / cell_s + 1e-6)
        last = max(int((frame.end_s - origin_s) / cell_s - 1e-6), first)
        for face in frame.faces:
            if face.person not in self._shown:
                continue
            cells = self._cells.setdefault((frame.video, face.person), {})
            for number in range(first, last + 1):
                begin_s = origin_s + number * cell_s
                weight = overlap_s(frame, begin_s, begin_s + cell_s)
                cell = cells.setdefault(number, _Cell(len(face.probabilities), face.box))
                cell.add(face.probabilities, weight)

    def video_data(self, name: str) -> dict[str, Any]:
        """Return the time lines of a video as plain data.

        Returns:
            `begin` and `end` of the video and the length `cell` of a cell, in seconds, and
            `people`: for each, the `name` and its `cells`, each a list of its number, the
            probabilities in percent, and the box (x, y, width, height) at its begin.
        """
        seen = self._survey.videos.get(name)
        if seen is None:
            return {"begin": 0, "end": 0, "cell": 1, "people": []}
        people = []
        for (video, person), cells in self._cells.items():
            if video == name:
                rows = [
                    [number, *cell.percents(), *cell.box] for number, cell in sorted(cells.items())
                ]
                people.append({"name": person, "cells": rows})
        order = [person for video, person in self._survey.people if video == name]
        people.sort(key=lambda entry: order.index(str(entry["name"])))
        return {
            "begin": round(seen.first_s, 3),
            "end": round(seen.end_s, 3),
            "cell": round(self._cell_s[name], 6),
            "people": people,
        }


class _Cell:
    """Mean probabilities of a person in a cell, and the box at its begin."""

    def __init__(self, labels: int, box: tuple[int, int, int, int]) -> None:
        self.box = box
        self._sums = [0.0] * labels
        self._weight = 0.0

    def add(self, probabilities: Sequence[float], weight: float) -> None:
        weight = max(weight, 1e-9)  # a cell that a frame only touches
        self._weight += weight
        for index, value in enumerate(probabilities):
            self._sums[index] += weight * value

    def percents(self) -> list[int]:
        return [round(100 * total / self._weight) for total in self._sums]


def _span_s(survey: Survey, key: PersonKey) -> float:
    person = survey.people[key]
    return person.last_s - person.first_s
