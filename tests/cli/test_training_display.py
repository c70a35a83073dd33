"""The display of a training run, on a terminal and without one."""

import re
import time

import pytest

from emorec.cli.training_display import TrainingDisplay
from emorec.training.estimate import Estimate, StageEstimate
from emorec.training.training_progress import TrainingProgress

METRICS = {"loss": 1.5, "accuracy": 0.25, "val_loss": 1.25, "val_accuracy": 0.5}
ESTIMATE = Estimate(20.0, (StageEstimate(48, 2, 0.0, 50.0, 5.0),), 10.0)


def progress(
    epoch: int, batch: int, epoch_done: bool, left: float | None = 148.4
) -> TrainingProgress:
    return TrainingProgress(epoch, 2, batch, 3, METRICS, epoch_done, 1, left)


def test_a_line_for_the_estimate_and_each_epoch(capsys: pytest.CaptureFixture):
    with TrainingDisplay() as display:
        display.preparing("decoding", 1, 2)
        display.estimate(ESTIMATE, ())
        for epoch in (1, 2):
            for epoch_done in (False, True):
                display.update(progress(epoch, 3, epoch_done, 148.4 if epoch == 1 else 0.0))
        display.finished()
    out, err = capsys.readouterr()
    assert out == ""
    first, *epochs, last = err.splitlines()
    assert first.startswith("estimate: 55 s per epoch; about 2 min 20 s in all for 2 epochs, ")
    assert epochs == [
        f"epoch {epoch}/2  loss 1.5000  accuracy 0.2500  validation: loss 1.2500  accuracy 0.5000"
        f"  {left} left"
        for epoch, left in ((1, "2:28"), (2, "0:00"))
    ]
    assert last.startswith("took 0.")
    assert last.endswith(" s; estimated 2 min 20 s")


def test_what_precedes_the_run_counts(capsys: pytest.CaptureFixture):
    with TrainingDisplay(time.monotonic() - 60) as display:
        display.estimate(ESTIMATE, ())
        display.finished()
    first, last = capsys.readouterr().err.splitlines()
    assert "about 3 min 20 s in all" in first
    assert last == "took 1 min; estimated 3 min 20 s"


def test_a_run_without_an_estimate_takes_no_line(capsys: pytest.CaptureFixture):
    with TrainingDisplay() as display:
        display.finished()
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("reports", "line"),
    [
        ([], "loading"),
        ([("decoding", 10, 2000)], "decoding"),
        ([("drawing (step 3 of 6)", 2, 6)], "drawing (step 3 of 6)"),
        ([progress(2, 1, False)], "training: epoch 2/2, batch 1/3, loss 1.5000, 2:28 left"),
        ([progress(2, 1, False, None)], "training: epoch 2/2, batch 1/3, loss 1.5000"),
        ([progress(2, 3, False)], "training: epoch 2/2, validating, loss 1.5000, 2:28 left"),
        ([progress(2, 3, False), ("drawing", 2, 6)], "drawing"),
    ],
)
def test_silence_is_broken_by_the_state(
    capsys: pytest.CaptureFixture, reports: list[TrainingProgress | tuple], line: str
):
    with TrainingDisplay(seconds=0.05) as display:
        for report in reports:
            if isinstance(report, tuple):
                display.preparing(*report)
            else:
                display.update(report)
        printed, deadline = "", time.monotonic() + 10
        while not printed and time.monotonic() < deadline:
            time.sleep(0.01)
            printed = capsys.readouterr().err
    assert printed.splitlines()[0] == line


def test_work_before_the_training_is_counted(capsys: pytest.CaptureFixture):
    with TrainingDisplay(seconds=0.05) as display:
        display.preparing("decoding", 10, 2000)
        display.preparing("decoding", 500, 2000)
        time.sleep(0.3)
    assert re.match(r"decoding: 500 of 2,000, 0:0\d left\n", capsys.readouterr().err)


def test_a_terminal_shows_a_table_and_a_bar(
    capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "140")
    with TrainingDisplay() as display:
        display.estimate(ESTIMATE, ())
        for epoch_done in (False, True):
            display.update(progress(1, 3, epoch_done))
    printed = capsys.readouterr().err
    assert "estimate: 55 s per epoch" in printed
    assert "val. accuracy" in printed
    assert "1.5000" in printed
    assert "best" in printed
    assert "epoch 1/2 loss 1.500" in printed
    assert "2:28 left" in printed
    assert "elapsed left" not in printed
