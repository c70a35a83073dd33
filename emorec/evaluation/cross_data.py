"""Evaluation across data sets: the same models on several data sets, as one table."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

from emorec.datasets.manifest import PreparedDataset
from emorec.evaluation.assessment import Evaluation
from emorec.evaluation.comparison import pair_tests, titles
from emorec.evaluation.evaluate import EvaluationOptions, evaluate_data_sets

CELL_METRICS = ("accuracy", "balanced_accuracy", "macro_f1")
"""Metrics of the table, each with an interval."""


@dataclass(frozen=True)
class CrossEvaluation:
    """Metrics of models (rows) on data sets (columns).

    The models of a column are evaluated on the same images and classes. Columns differ in images
    and classes: `Evaluation.matching` says in which.

    Attributes:
        datasets: Folder of each data set.
        split: "train", "validation" or "test".
        columns: For each data set, one evaluation for each model.
    """

    datasets: tuple[Path, ...]
    split: str
    columns: tuple[tuple[Evaluation, ...], ...]

    @property
    def models(self) -> list[str]:
        """Distinct titles of the models."""
        return titles(self.columns[0])

    @property
    def names(self) -> list[str]:
        """Distinct names of the data sets: those of their folders, else their paths."""
        names = [path.resolve().name for path in self.datasets]
        if len(set(names)) == len(names):
            return names
        paths = [str(path) for path in self.datasets]
        if len(set(paths)) == len(paths):
            return paths
        return [f"{number}: {path}" for number, path in enumerate(paths, 1)]

    def to_dict(self) -> dict[str, Any]:
        """Return the metrics as native types, for JSON."""
        return {
            "split": self.split,
            "datasets": [
                {
                    "data": str(path),
                    "models": [entry.to_dict() for entry in column],
                    "mcnemar": [test.to_dict() for test in pair_tests(column)],
                }
                for path, column in zip(self.datasets, self.columns, strict=True)
            ],
        }


def cross_evaluate(
    models: Sequence[Path],
    datasets: Sequence[PreparedDataset],
    split: str,
    **options: Unpack[EvaluationOptions],
) -> CrossEvaluation:
    """Evaluate models on several data sets.

    On each data set, the models are evaluated on the classes that it has in common with all of
    them. Cross-data-set protocols do the same: both sides keep the common classes only, and the
    answer of a model is restricted to them, as ImageNet-R restricts 1,000 classes to 200
    (Hendrycks et al. 2021, "The Many Faces of Robustness"). `Evaluation.matching` has the metrics
    without the restriction too.

    Args:
        models: Models.
        datasets: Prepared data sets.
        split: "train", "validation" or "test".
        options: Those of an evaluation. Without a label map, labels are matched by their names.

    Raises are those of `emorec.evaluation.evaluate.evaluate_data_sets`.
    """
    options["label_map"] = options.get("label_map") or {}
    columns = evaluate_data_sets(models, datasets, split, **options)
    roots = tuple(data.root for data in datasets)
    return CrossEvaluation(roots, split, tuple(tuple(column) for column in columns))
