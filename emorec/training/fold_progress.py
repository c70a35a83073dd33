"""Reports the progress of a cross-validation, with the time left of all its parts."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from emorec.training.fold_folder import FoldPlan
from emorec.training.training_progress import (
    ProgressOptions,
    StepProgressCallback,
    TrainingProgress,
)


@dataclass(frozen=True)
class CrossValidationProgress:
    """Progress of a cross-validation.

    Attributes:
        folder: Its folder.
        plan: The assignment of the images to folds.
        part: Number of the current part from 1; the last one is the final model.
        step: Progress within the part, whose time left is that of all parts; None between parts.
        accuracy: Of a fold that has just ended, on its own images after its last epoch; None
            otherwise.
    """

    folder: Path
    plan: FoldPlan
    part: int
    step: TrainingProgress | None = None
    accuracy: float | None = None

    @property
    def title(self) -> str:
        """Name of the current part."""
        if self.part <= self.plan.count:
            return f"fold {self.part} of {self.plan.count}"
        return "final model"


CrossValidationCallback = Callable[[CrossValidationProgress], None]
"""Called at the beginning of a part, after every batch and epoch, and at the end of a fold."""


class PartReporter:
    """Reports the parts of a cross-validation one after the other."""

    def __init__(
        self,
        folder: Path,
        plan: FoldPlan,
        progress: CrossValidationCallback | None = None,
        step_progress: StepProgressCallback | None = None,
        *,
        tensorboard: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ):
        """Store the receivers.

        Args:
            folder: Folder of the cross-validation.
            plan: The assignment of the images to folds.
            progress: Called with the progress.
            step_progress: Called with the steps before and after the training of a part.
            tensorboard: Write the metrics of each part for TensorBoard.
            clock: Returns seconds.
        """
        self._now = CrossValidationProgress(folder, plan, 0)
        self._progress, self._step_progress = progress, step_progress
        self._tensorboard, self._clock = tensorboard, clock
        self._seconds: list[float] = []

    @property
    def title(self) -> str:
        """Name of the current part."""
        return self._now.title

    def begin(self, part: int) -> ProgressOptions:
        """Begin a part, counted from 1, and return the receivers of the progress of its run."""
        self._now, self._begun = replace(self._now, part=part), self._clock()
        self._report(self._now)
        return ProgressOptions(
            progress=self._receive if self._progress else None,
            step_progress=self._receive_step if self._step_progress else None,
            tensorboard=self._tensorboard,
        )

    def end(self, accuracy: float, whole: bool) -> None:
        """End a fold.

        Args:
            accuracy: On its own images.
            whole: It was trained from its start, so its duration is that of a part.
        """
        if whole:
            self._seconds.append(self._clock() - self._begun)
        self._report(replace(self._now, accuracy=accuracy))

    def _report(self, progress: CrossValidationProgress) -> None:
        if self._progress:
            self._progress(progress)

    def _receive(self, step: TrainingProgress) -> None:
        """Add the time of the later parts to the time left of the current one."""
        left = step.seconds_left
        if left is not None:
            this = self._clock() - self._begun + left
            part = statistics.fmean(self._seconds) if self._seconds else this
            left += (self._now.plan.count + 1 - self._now.part) * part
        self._report(replace(self._now, step=replace(step, seconds_left=left)))

    def _receive_step(self, description: str, done: int, total: int) -> None:
        if self._step_progress:
            self._step_progress(f"{self.title}: {description}", done, total)
