from pathlib import Path

import numpy as np
import pytest

from emorec.cli.folds_display import FoldsDisplay
from emorec.training.fold_folder import FoldPlan
from emorec.training.fold_progress import CrossValidationProgress
from emorec.training.training_progress import TrainingProgress

PLAN = FoldPlan(2, 3, ("a", "b", "c"), np.array([0, 1, 0]), ("x", "y", "x"))
BEGUN = CrossValidationProgress(Path("runs/a"), PLAN, 1)


def test_a_line_for_the_estimate_and_each_fold(capsys: pytest.CaptureFixture[str]):
    with FoldsDisplay(0) as display:
        assert display.folder is None
        display._started = display._before_seconds = 0.0
        display.progress(BEGUN)
        for left in (None, 90.0, 80.0):
            step = TrainingProgress(1, 2, 3, 4, {"loss": 1.0}, False, 0, left)
            display.progress(CrossValidationProgress(Path("runs/a"), PLAN, 1, step))
        assert display._status().startswith("training: fold 1 of 2, epoch 1/2, batch 3/4, loss 1.0")
        display.progress(CrossValidationProgress(Path("runs/a"), PLAN, 1, None, 0.75))
        display.progress(CrossValidationProgress(Path("runs/a"), PLAN, 3))
    assert display.folder == Path("runs/a")
    first, estimate, fold = capsys.readouterr().err.splitlines()
    assert first == ("cross-validation: 3 images, 2 folds (stratified, 2 groups, seed 3); runs/a")
    assert estimate.startswith("estimate: about ")
    assert estimate.endswith(" in all for the folds and the final model")
    assert fold.startswith("fold 1 of 2: accuracy 0.7500 after the last epoch  1:")
    assert fold.endswith(" left")
