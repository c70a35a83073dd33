"""Owns the progress reports of a training run."""

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

from emorec.training.estimate import Estimate
from emorec.training.shortening import Shortening


@dataclass(frozen=True)
class TrainingProgress:
    """Progress of a run after a batch or an epoch.

    Attributes:
        epoch: Number of the epoch, from 1.
        epochs: Number of epochs of the run unless it stops early.
        batch: Number of batches done in this epoch.
        batches: Number of batches of an epoch.
        metrics: Running metrics of the epoch; at its end, with the validation metrics.
        epoch_done: The epoch has ended.
        best_epoch: The epoch with the best validation accuracy so far; 0 before the first ends.
        seconds_left: Estimated time to the end of the run; None if it is not known yet.
    """

    epoch: int
    epochs: int
    batch: int
    batches: int
    metrics: dict[str, float]
    epoch_done: bool
    best_epoch: int
    seconds_left: float | None = None


TrainingProgressCallback = Callable[[TrainingProgress], None]
"""Called after every batch and every epoch."""

StepProgressCallback = Callable[[str, int, int], None]
"""Called during work before and after the training: name of the step, units done, all units."""

EstimateCallback = Callable[[Estimate, tuple[Shortening, ...]], None]
"""Called with the first estimate of a run, and with each that differs much from the one before;
and with what would shorten the run."""


@dataclass(frozen=True)
class ProgressOptions:
    """The receivers of the progress of a run.

    Attributes:
        progress: Called with the progress of the training.
        step_progress: Called with the progress of the steps before and after the training.
        tensorboard: Write the metrics for TensorBoard into the run folder.
        estimate: Called with the estimates of the duration.
        track: Names of the experiment trackers of the run, see `emorec.training.tracked_run`.
    """

    progress: TrainingProgressCallback | None = None
    step_progress: StepProgressCallback | None = None
    tensorboard: bool = False
    estimate: EstimateCallback | None = None
    track: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.tensorboard:
            # A missing package is reported before hours of training.
            importlib.import_module("tensorboard")
        for name in self.track:
            if importlib.util.find_spec(name) is None:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)
