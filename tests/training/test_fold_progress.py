from pathlib import Path

import numpy as np
import pytest

from emorec.training.fold_folder import FoldPlan
from emorec.training.fold_progress import CrossValidationProgress, PartReporter
from emorec.training.training_progress import TrainingProgress

PLAN = FoldPlan(2, 0, ("a", "b"), np.array([0, 1]))


def step(left: float | None) -> TrainingProgress:
    return TrainingProgress(1, 2, 3, 4, {"loss": 1.0}, False, 0, left)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_nobody_listens():
    options = PartReporter(Path(), PLAN).begin(1)
    assert (options.progress, options.step_progress, options.tensorboard) == (None, None, False)


def test_the_time_left_is_that_of_all_parts():
    reports: list[CrossValidationProgress] = []
    steps: list[tuple[str, int, int]] = []
    clock = Clock()
    reporter = PartReporter(
        Path("runs/a"), PLAN, reports.append, lambda *each: steps.append(each), clock=clock
    )
    options = reporter.begin(1)
    assert options.progress
    assert options.step_progress
    options.step_progress("decoding", 1, 9)
    options.progress(step(None))
    clock.now = 10
    options.progress(step(30))  # the part takes 40 s, and two more follow
    clock.now = 50
    reporter.end(0.75, whole=True)
    options = reporter.begin(2)
    assert options.progress
    clock.now = 60
    options.progress(step(20))  # the first part took 50 s, so the last one does
    reporter.end(0.5, whole=False)
    options = reporter.begin(3)
    assert options.progress
    options.progress(step(7))
    assert steps == [("fold 1 of 2: decoding", 1, 9)]
    left = [report.step.seconds_left for report in reports if report.step]
    assert left == [None, pytest.approx(30 + 2 * 40), pytest.approx(20 + 50), 7]
    titles = [report.title for report in reports if report.step is None]
    assert titles == ["fold 1 of 2"] * 2 + ["fold 2 of 2"] * 2 + ["final model"]
    assert [report.accuracy for report in reports if report.accuracy] == [0.75, 0.5]
    assert {report.folder for report in reports} == {Path("runs/a")}
