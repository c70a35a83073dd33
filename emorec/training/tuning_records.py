"""What is known of the trials of a hyperparameter search; without heavy imports."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

TITLES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "loss": "loss",
}
"""How the figures are called in texts."""

OBJECTIVES = tuple(TITLES)
"""Figures on the validation split by which trials are compared; all but the loss are maximised."""

State = Literal["complete", "pruned", "failed"]


@dataclass(frozen=True)
class TrialFigures:
    """Figures of the weights that a trial keeps, on the validation split.

    Attributes:
        values: Value of each objective.
        intervals: 95 % bootstrap interval of each objective that has one.
        images: Number of validation images.
        best_epoch: Epoch of the weights, from 1.
    """

    values: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    images: int
    best_epoch: int

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as native types, for JSON."""
        return {
            "values": dict(self.values),
            "intervals": {name: list(pair) for name, pair in self.intervals.items()},
            "images": self.images,
            "best_epoch": self.best_epoch,
        }

    @classmethod
    def from_dict(cls, found: Any) -> "TrialFigures":
        """Read the figures from what `to_dict` returned.

        Raises:
            ValueError: They are damaged.
        """
        try:
            values = {name: float(found["values"][name]) for name in OBJECTIVES}
            intervals = {
                name: (float(found["intervals"][name][0]), float(found["intervals"][name][1]))
                for name in OBJECTIVES
                if name in found["intervals"]
            }
            return cls(values, intervals, int(found["images"]), int(found["best_epoch"]))
        except (TypeError, KeyError, IndexError, OverflowError) as error:
            raise ValueError(f"damaged figures of a trial: {error!r:.100}") from error


@dataclass(frozen=True)
class TrialOutcome:
    """How a trial ended.

    Attributes:
        state: Complete; pruned, as it was worse than others, diverged or ran out of time; failed.
        reason: Why it is not complete, in one line.
        figures: Its figures, if it is complete.
    """

    state: State
    reason: str = ""
    figures: TrialFigures | None = None


@dataclass(frozen=True)
class TrialRecord:
    """A trial that has ended.

    Attributes:
        number: Its number, from 1; the first one has the settings of the recipe.
        folder: Name of its run folder.
        settings: Values of the searched settings.
        outcome: How it ended.
        epochs: Number of epochs after which it was validated.
        seconds: What it took.
    """

    number: int
    folder: str
    settings: Mapping[str, Any]
    outcome: TrialOutcome
    epochs: int
    seconds: float

    def value(self, objective: str) -> float | None:
        """Return its figure; None if it is not complete."""
        figures = self.outcome.figures
        return None if figures is None else figures.values[objective]


def best_of(trials: tuple[TrialRecord, ...], objective: str) -> TrialRecord | None:
    """Return the complete trial with the best figure, the first one of equals; None without any."""
    sign = -1 if objective == "loss" else 1
    complete = [trial for trial in trials if trial.outcome.figures is not None]
    return max(complete, key=lambda trial: sign * (trial.value(objective) or 0.0), default=None)


def value_text(value: float | None) -> str:
    """Write a figure as text; "" if there is none."""
    return "" if value is None else f"{value:.4f}"


def setting_text(value: Any) -> str:
    """Write the value of a setting as text, numbers with four significant digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
