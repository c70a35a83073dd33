"""Computes people.csv: a summary of each person in each video."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from emorec.outputs.session.frame_table import SessionFrame, csv_line
from emorec.outputs.session.session_columns import PEOPLE, header
from emorec.outputs.session.session_file import ALL_VIDEOS
from emorec.outputs.session.survey import PersonKey, PersonSurvey, Survey
from emorec.outputs.session.weighted_means import WeightedMeans, differences


@dataclass
class _Person:
    """What is accumulated of a person: in one video, or in all."""

    means: WeightedMeans
    emotion: str | None = None
    changes: int = 0


class PeopleTable:
    """Makes the rows of people.csv.

    A person of several videos has a row for each, and one for all of them.

    Args:
        labels: The emotions reported.
        survey: The first pass.
        baseline: Whether a baseline is set.
    """

    def __init__(self, labels: Sequence[str], survey: Survey, baseline: bool) -> None:
        self._labels = tuple(labels)
        self._survey = survey
        self._baseline = baseline
        self._people: dict[PersonKey, _Person] = {}

    def add(self, frame: SessionFrame) -> None:
        """Add the next frame."""
        for face in frame.faces:
            for video in (frame.video, ALL_VIDEOS):
                key = (video, face.person)
                if key not in self._people:
                    self._people[key] = _Person(WeightedMeans(len(self._labels)))
                person = self._people[key]
                person.means.add(face, frame.duration_s)
            person = self._people[frame.video, face.person]
            person.changes += person.emotion not in (None, face.emotion)
            person.emotion = face.emotion

    def rows(self) -> list[dict[str, object]]:
        """Return the rows: values by the name of the column, persons in order of first sight."""
        found: list[dict[str, object]] = []
        order = {name: place for place, (_, name) in reversed([*enumerate(self._survey.people)])}
        keys = sorted(self._survey.people, key=lambda key: order[key[1]])
        names = header(PEOPLE, self._labels, self._baseline)
        for name, group in groupby(keys, key=lambda key: key[1]):
            videos = [video for video, _ in group]
            cells = [self._video_cells(video, name) for video in videos]
            if len(videos) > 1:
                cells.append(self._sum_cells(videos, name))
            found += [dict(zip(names, row, strict=True)) for row in cells]
        return found

    def text(self) -> str:
        """Return the whole table."""
        lines = [header(PEOPLE, self._labels, self._baseline)]
        return "".join(csv_line(line) for line in [*lines, *(row.values() for row in self.rows())])

    def _video_cells(self, video: str, name: str) -> list[object]:
        seen = self._survey.people[video, name]
        person = self._people[video, name]
        seen_s = person.means.seen_s
        return [
            *(name, video, "+".join(map(str, sorted(seen.ids)))),
            *(seen.first_s, seen.last_s, seen_s, *self._absent_s(video, name)),
            *self._common_cells(person.means, person.changes),
            *self._baseline_cells(person.means, seen),
        ]

    def _sum_cells(self, videos: Sequence[str], name: str) -> list[object]:
        """Return the row for all videos, whose times have no common axis."""
        means = self._people[ALL_VIDEOS, name].means
        changes = sum(self._people[video, name].changes for video in videos)
        absent = zip(*(self._absent_s(video, name) for video in videos), strict=True)
        return [
            *(name, ALL_VIDEOS, None, None, None, means.seen_s, *map(sum, absent)),
            *self._common_cells(means, changes),
            *self._baseline_cells(means, None),
        ]

    def _absent_s(self, video: str, name: str) -> tuple[float, float]:
        """Return how long a person was missing while around, and unseen in the whole video."""
        seen, seen_s = self._survey.people[video, name], self._people[video, name].means.seen_s
        missing_s = seen.last_s - seen.first_s - seen_s
        return max(missing_s, 0.0), max(self._survey.videos[video].seconds - seen_s, 0.0)

    def _common_cells(self, means: WeightedMeans, changes: int) -> list[object]:
        per_minute = 60 * changes / means.seen_s if means.seen_s else None
        return [
            *(means.frames, means.emotion, changes, per_minute),
            *(means.confidence, means.uncertain_share, means.size, means.sharpness),
            *(*means.means, *means.shares(self._labels)),
        ]

    def _baseline_cells(self, means: WeightedMeans, seen: PersonSurvey | None) -> list[object]:
        """Return the differences, which the row for all videos lacks: each has its baseline."""
        if not self._baseline:
            return []
        if seen is None:
            return [None] * (1 + len(self._labels))
        return [seen.baseline_seen_s, *differences(means.means, seen.baseline)]
