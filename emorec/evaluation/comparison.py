"""Pairwise comparison of models on the same images."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from emorec.evaluation.assessment import Evaluation
from emorec.evaluation.significance import McNemar, mcnemar


@dataclass(frozen=True)
class PairTest:
    """McNemar's test of two of several models; `first` and `second` are their indices."""

    first: int
    second: int
    result: McNemar

    def to_dict(self) -> dict[str, Any]:
        """Return the test as native types, for JSON."""
        return {"first": self.first, "second": self.second, **asdict(self.result)}


def pair_tests(evaluations: Sequence[Evaluation]) -> list[PairTest]:
    """Compare each pair of models with McNemar's test.

    Args:
        evaluations: Evaluations on the same images.
    """
    return [
        PairTest(a, b, mcnemar(evaluations[a].correct, evaluations[b].correct))
        for a, b in combinations(range(len(evaluations)), 2)
    ]


def titles(evaluations: Sequence[Evaluation]) -> list[str]:
    """Return distinct titles: name, name and version, or path, whichever is the shortest."""
    forms = (
        lambda e: e.metadata.name,
        lambda e: f"{e.metadata.name} {e.metadata.version}",
        lambda e: _place(e.model),
        lambda e: str(e.model),
    )
    for form in forms:
        found = [form(entry) for entry in evaluations]
        if len(set(found)) == len(found):
            return found
    return [f"{number}: {entry.model}" for number, entry in enumerate(evaluations, 1)]


def _place(model: Path) -> str:
    """Return the run folder's name for the model of a run, else the name of the file."""
    return model.parent.name if model.stem == "model" and model.parent.name else model.name
