"""Progress on a standard error that is no terminal: nothing but plain lines."""

import pytest

from emorec.cli.progress import TrainingDisplay, byte_progress, image_progress
from emorec.training.callbacks import TrainingProgress

METRICS = {"loss": 1.5, "accuracy": 0.25, "val_loss": 1.25, "val_accuracy": 0.5}


@pytest.mark.parametrize("progress", [image_progress, byte_progress])
def test_a_bar_prints_nothing_without_a_terminal(capsys: pytest.CaptureFixture, progress):
    with progress("Reading images") as update:
        update(0, 10)
        update(10, 10)
    assert capsys.readouterr() == ("", "")


def test_images_of_unknown_number(capsys: pytest.CaptureFixture):
    with image_progress("Reading images") as update:
        update(3, None)
    assert capsys.readouterr() == ("", "")


def test_a_training_prints_a_line_for_each_epoch(capsys: pytest.CaptureFixture):
    with TrainingDisplay() as display:
        display.preparing("decoding images", 1, 2)
        for epoch in (1, 2):
            for epoch_done in (False, True):
                display.update(
                    TrainingProgress(
                        epoch=epoch,
                        epochs=2,
                        batch=3,
                        batches=3,
                        metrics=METRICS,
                        epoch_done=epoch_done,
                        best_epoch=1,
                    )
                )
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        f"epoch {epoch}/2  loss 1.5000  accuracy 0.2500  validation: loss 1.2500  accuracy 0.5000"
        for epoch in (1, 2)
    ]


def test_a_terminal_shows_a_table_and_a_bar(
    capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    with TrainingDisplay() as display:
        for epoch_done in (False, True):
            display.update(TrainingProgress(1, 2, 3, 3, METRICS, epoch_done, 1))
    printed = capsys.readouterr().err
    assert "val. accuracy" in printed
    assert "1.5000" in printed
    assert "best" in printed
    assert "epoch 1/2 loss 1.500" in printed
