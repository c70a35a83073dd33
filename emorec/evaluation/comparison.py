"""Models side by side: which of two is more often right on the same images."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from emorec.evaluation.assessment import Evaluation
from emorec.evaluation.significance import McNemar, mcnemar


@dataclass(frozen=True)
class PairTest:
    """McNemar's test of two of several models; `first` and `second` are their numbers, from 0."""

    first: int
    second: int
    result: McNemar

    def to_dict(self) -> dict[str, Any]:
        """Give the test as native types, for JSON."""
        return {"first": self.first, "second": self.second, **asdict(self.result)}


def pair_tests(evaluations: Sequence[Evaluation]) -> list[PairTest]:
    """Test each pair of models that were scored on the same images."""
    return [
        PairTest(a, b, mcnemar(evaluations[a].correct, evaluations[b].correct))
        for a, b in combinations(range(len(evaluations)), 2)
    ]


def titles(evaluations: Sequence[Evaluation]) -> list[str]:
    """Name each model as short as tells them apart: its name, name and version, or its path."""
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
    """Give the run folder of a run's model, else the name of the file."""
    return model.parent.name if model.stem == "model" and model.parent.name else model.name
