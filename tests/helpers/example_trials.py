"""Trials of a hyperparameter search, without a training."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emorec.training.config import TrainConfig
from emorec.training.search_space import parse_space
from emorec.training.trial_process import TrialReceivers
from emorec.training.tuning_folder import TuningPlan
from emorec.training.tuning_records import TrialFigures, TrialOutcome, TrialRecord

CONFIG = TrainConfig(epochs=4, learning_rate=0.1, weight_decay=0.001, batch_size=64)

FORMS: dict[str, Any] = {
    "learning_rate": {"factor": 8},
    "dropout": {"low": 0, "high": 0.5},
    "batch_size": {"choices": [32, 128]},
}

SPACE = parse_space(FORMS, "the example", CONFIG)


def plan(**changes: Any) -> TuningPlan:
    options = {"trials": 5, **changes}
    return TuningPlan(CONFIG, SPACE, Path("/data/FER<b>"), "0" * 64, "tensorflow", **options)


def figures(value: float) -> TrialFigures:
    values = {"accuracy": value, "balanced_accuracy": value / 2, "macro_f1": value, "loss": 1.0}
    return TrialFigures(values, {"accuracy": (value - 0.05, value + 0.05)}, 200, 3)


def record(number: int, value: float | None, **settings: Any) -> TrialRecord:
    outcome = TrialOutcome("complete", "", figures(value)) if value is not None else None
    own = {"learning_rate": 0.1 * number, "dropout": 0.0, "batch_size": 64}
    return TrialRecord(
        number,
        f"trial-{number:03}",
        {**own, **settings},
        outcome or TrialOutcome("pruned", "worse <i>than</i> others"),
        4 if outcome else 1,
        60.0 * number,
    )


class FakeTrainer:
    """Stands for the training of trials: the figure is best at a learning rate of 0.2.

    Attributes:
        jobs: What it was asked to train.
        end_in: What it raises in a trial, by its place in the order of calls, from 1.
        seconds: What a trial takes by the clock below.
        now: A clock.
    """

    def __init__(self, seconds: float = 0.0) -> None:
        self.jobs: list[Mapping[str, Any]] = []
        self.limits: list[float | None] = []
        self.end_in: dict[int, BaseException | TrialOutcome] = {}
        self.seconds, self.now = seconds, 1000.0

    def __call__(
        self, job: Mapping[str, Any], receivers: TrialReceivers, seconds: float | None
    ) -> TrialOutcome:
        self.jobs.append(job)
        self.limits.append(seconds)
        receivers.step("decoding")
        receivers.estimate(self.seconds)
        checkpoint = Path(job["folder"]) / "checkpoints" / "last.npz"
        checkpoint.parent.mkdir(exist_ok=True)
        checkpoint.touch()
        value = 0.8 - abs(job["config"]["learning_rate"] - 0.2)
        for epoch in range(1, 5):
            self.now += self.seconds / 4
            receivers.progress(epoch, 4, 1, 2)
            if reason := receivers.epoch(epoch, value * epoch / 4, self.seconds * (1 - epoch / 4)):
                return TrialOutcome("pruned", reason)
            end = self.end_in.get(len(self.jobs))
            if isinstance(end, BaseException):
                raise end
            if end is not None:
                return end
        return TrialOutcome("complete", "", figures(value))

    def monotonic(self) -> float:
        return self.now
