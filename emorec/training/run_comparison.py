"""Compares runs: the settings in which they differ, their figures, and McNemar's test."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from emorec.errors import ConfigError
from emorec.evaluation.comparison import PairTest
from emorec.evaluation.significance import mcnemar
from emorec.training.run_entries import RunEntry, common_correct, read_entry

MOST_RUNS = 20
"""Largest number of runs whose curves can be distinguished."""

_OF_ENVIRONMENT = ("emorec", "keras_backend", "data")
_MISSING = "-"


@dataclass(frozen=True)
class RunComparison:
    """Several runs.

    Attributes:
        entries: The runs.
        names: A distinct name of each.
        data_sets: Number of the data set of each run, from 1: runs on equal images and labels have
            the same number. None where the data set is not known.
        differences: Values of the settings that are not the same in all runs, by name, in the
            order of the runs.
        tests: McNemar's tests of the pairs that classified the same images.
    """

    entries: Sequence[RunEntry]
    names: Sequence[str]
    data_sets: Sequence[int | None]
    differences: dict[str, list[str]]
    tests: Sequence[PairTest]

    @property
    def is_on_different_data(self) -> bool:
        """Whether the runs have different data sets, or unknown ones."""
        return len(set(self.data_sets)) > 1 or None in self.data_sets

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as native types, for JSON."""
        runs = []
        for name, entry, data in zip(self.names, self.entries, self.data_sets, strict=True):
            found = asdict(entry)
            del found["correct"], found["environment"]
            runs.append(
                {
                    "name": name,
                    **found,
                    "folder": str(entry.folder),
                    "epochs": entry.epochs,
                    "data": entry.environment.get("data"),
                    "data_set": data,
                    "problems": list(entry.problems),
                }
            )
        return {
            "runs": runs,
            "different_data": self.is_on_different_data,
            "differences": self.differences,
            "mcnemar": [test.to_dict() for test in self.tests],
        }


def compare_runs(folders: Sequence[Path]) -> RunComparison:
    """Read and compare runs.

    Args:
        folders: Run folders, or folders of cross-validations.

    Raises:
        ConfigError: There is none, there are more than `MOST_RUNS`, or one is named twice.
        DataError: A folder is no run folder, or nothing in it can be read.
    """
    if not 1 <= len(folders) <= MOST_RUNS:
        raise ConfigError(f"compare takes 1 to {MOST_RUNS} runs; received {len(folders)}")
    places = [folder.resolve() for folder in folders]
    for place, folder in zip(places, folders, strict=True):
        if places.count(place) > 1:
            raise ConfigError(f"{folder}: named twice; a run is compared with others")
    entries = [read_entry(folder) for folder in folders]
    known = list(dict.fromkeys(entry.fingerprint for entry in entries if entry.fingerprint))
    numbers = [known.index(e.fingerprint) + 1 if e.fingerprint else None for e in entries]
    names = [place.name for place in places]
    if len(set(names)) < len(names):
        names = [str(folder) for folder in folders]
    tests = []
    for a, b in combinations(range(len(entries)), 2):
        if correct := common_correct(entries[a], entries[b]):
            tests.append(PairTest(a, b, mcnemar(*correct)))
    return RunComparison(entries, names, numbers, _differences(entries), tests)


def _differences(entries: Sequence[RunEntry]) -> dict[str, list[str]]:
    settings = [
        {**entry.settings, **{key: entry.environment.get(key) for key in _OF_ENVIRONMENT}}
        for entry in entries
    ]
    names = dict.fromkeys(name for found in settings for name in found)
    values = {name: [_text(found.get(name)) for found in settings] for name in names}
    # Of a run with a damaged config.yaml nothing is known, which is no difference.
    known = [bool(entry.settings) for entry in entries]
    return {
        name: texts
        for name, texts in values.items()
        if len({text for text, is_known in zip(texts, known, strict=True) if is_known}) > 1
    }


def _text(value: Any) -> str:
    if value is None or value == "":
        return _MISSING
    return f"{value:g}" if isinstance(value, float) else str(value)


HEAD = [
    *("", "run", "state", "data", "best epoch", "accuracy", "95 %", "macro F1", "loss"),
    *("calibration error", "parameters", "duration"),
]
"""Titles of the columns of `figure_rows`."""


def figure_rows(found: RunComparison, duration_text: Callable[[float], str]) -> list[list[str]]:
    """Return a row of texts for each run: its number, name, state, data set and figures.

    Args:
        found: The comparison.
        duration_text: Writes seconds in words.
    """
    rows = []
    for number, (name, entry, data) in enumerate(
        zip(found.names, found.entries, found.data_sets, strict=True), 1
    ):
        interval = entry.intervals.get("accuracy")
        folds = "" if entry.folds is None else f", {entry.folds} folds"
        rows.append(
            [
                str(number),
                name,
                f"{entry.state}{folds}",
                "?" if data is None else str(data),
                _epochs(entry),
                _figure(entry.figures, "accuracy"),
                "-" if interval is None else f"{interval[0]:.4f} to {interval[1]:.4f}",
                _figure(entry.figures, "macro_f1"),
                _figure(entry.figures, "loss"),
                _figure(entry.figures, "calibration_error"),
                "-" if entry.parameters is None else f"{entry.parameters:,}",
                "-" if entry.seconds is None else duration_text(entry.seconds),
            ]
        )
    return rows


def _epochs(entry: RunEntry) -> str:
    return "-" if entry.best_epoch is None else f"{entry.best_epoch} of {entry.epochs}"


def _figure(figures: Mapping[str, Any], name: str) -> str:
    return f"{figures[name]:.4f}" if name in figures else "-"
