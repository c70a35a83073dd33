"""Computes bins.csv: what was seen of each person in each bin of time."""

from collections.abc import Callable, Sequence

from emorec.errors import ConfigError
from emorec.outputs.session.frame_table import SessionFrame, csv_line
from emorec.outputs.session.session_columns import BINS, header
from emorec.outputs.session.survey import PersonSurvey, Survey, overlap_s
from emorec.outputs.session.weighted_means import WeightedMeans, differences

MIN_BIN_S = 0.01
MAX_BIN_S = 86_400.0
"""Shortest and longest bin, in seconds."""

_ROUNDING_S = 1e-9


def check_bin(bin_s: float) -> None:
    """Check the length of a bin, in seconds.

    Raises:
        ConfigError: It is out of range.
    """
    if not MIN_BIN_S <= bin_s <= MAX_BIN_S:
        raise ConfigError(f"a bin has {MIN_BIN_S:g} to {MAX_BIN_S:g} s; received {bin_s:g}")


class BinTable:
    """Writes the rows of bins.csv, bin by bin, in constant memory.

    A person has a row in every bin with analysed frames, from the first bin that shows the person
    to the last one.

    Args:
        write: Writes text.
        labels: The emotions reported.
        survey: The first pass.
        bin_s: Length of a bin in seconds; bins begin at multiples of it.
        baseline: Whether a baseline is set.
    """

    def __init__(
        self,
        write: Callable[[str], object],
        labels: Sequence[str],
        survey: Survey,
        bin_s: float,
        baseline: bool,
    ) -> None:
        check_bin(bin_s)
        self._write = write
        self._labels = tuple(labels)
        self._survey = survey
        self._bin_s = bin_s
        self._baseline = baseline
        self._video = ""
        self._bins: dict[int, dict[str, WeightedMeans]] = {}
        self._people: dict[str, dict[str, PersonSurvey]] = {}
        for (video, person), seen in survey.people.items():
            self._people.setdefault(video, {})[person] = seen
        write(csv_line(header(BINS, labels, baseline)))

    def add(self, frame: SessionFrame) -> None:
        """Add the next frame."""
        if frame.video != self._video:
            self.finish()
            self._video = frame.video
        first = self._number(frame.time_s)
        self._finish_before(first)
        for number in range(first, self._last(frame.end_s, first) + 1):
            people = self._bins.setdefault(number, {})
            begin_s = number * self._bin_s
            seconds = overlap_s(frame, begin_s, begin_s + self._bin_s)
            for face in frame.faces:
                means = people.setdefault(face.person, WeightedMeans(len(self._labels)))
                means.add(face, seconds, counted=number == first)

    def finish(self) -> None:
        """Write the rows of the last bins."""
        self._finish_before(None)

    def _number(self, time_s: float) -> int:
        return int(time_s / self._bin_s + _ROUNDING_S)

    def _last(self, end_s: float, first: int) -> int:
        """Return the last bin in which something that ends at a time is seen."""
        number = self._number(end_s)
        ends_before = end_s - number * self._bin_s <= _ROUNDING_S
        return max(number - 1 if ends_before else number, first)

    def _finish_before(self, number: int | None) -> None:
        for complete in sorted(n for n in self._bins if number is None or n < number):
            self._write_bin(complete, self._bins.pop(complete))

    def _write_bin(self, number: int, seen: dict[str, WeightedMeans]) -> None:
        video = self._survey.videos[self._video]
        begin_s = max(number * self._bin_s, video.first_s)
        end_s = min((number + 1) * self._bin_s, video.end_s)
        length_s = end_s - begin_s
        nothing = WeightedMeans(len(self._labels))
        for name, person in self._people.get(self._video, {}).items():
            first = self._number(person.first_s)
            if not first <= number <= self._last(person.last_s, first):
                continue
            means = seen.get(name, nothing)
            coverage = min(means.seen_s / length_s, 1.0) if length_s > 0 else 0.0
            cells: list[object] = [self._video, name, number, begin_s, end_s]
            cells += [means.seen_s, coverage, means.frames]
            cells += [*means.means, *means.peaks, *means.shares(self._labels)]
            if self._baseline:
                cells += differences(means.means, person.baseline)
            self._write(csv_line(cells))
