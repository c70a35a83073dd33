"""Shows a cross-validation on standard error: estimate, progress and finished folds."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

from emorec.cli.durations import duration_text, left_text
from emorec.cli.training_display import TrainingDisplay

if TYPE_CHECKING:
    from emorec.training.fold_progress import CrossValidationProgress


class FoldsDisplay(TrainingDisplay):
    """The progress of a cross-validation on standard error: a bar, and a line for each fold."""

    def __init__(self, started: float) -> None:
        super().__init__(started)
        self.folder: Path | None = None

    def progress(self, progress: "CrossValidationProgress") -> None:
        """Show the progress, after each batch and between the parts."""
        plan = progress.plan
        if self.folder is None:
            self.folder = progress.folder
            self._print(
                f"cross-validation: {len(plan.paths):,} images, {plan.count} folds "
                f"({plan.method}); {progress.folder}"
            )
        self._title = f"{progress.title}, "
        if progress.accuracy is not None:
            left = left_text(self._seconds_left())
            self._print(
                f"{progress.title}: accuracy {progress.accuracy:.4f} after the last epoch"
                + (left and f"  {left}")
            )
        elif progress.step:
            self._show(progress.step)
            left_s = progress.step.seconds_left
            if self._first_estimate is None and left_s is not None:
                self._first_estimate = time.monotonic() - self._started + left_s
                self._print(
                    f"estimate: about {duration_text(self._first_estimate)} in all for the folds "
                    "and the final model"
                )
