from pathlib import Path

import keras
import numpy as np
import pytest

from emorec.training.callbacks import LossError, ReportProgress, RunCheckpoint, StopOnNaN
from emorec.training.checkpoint import read_state
from emorec.training.run_folder import CHECKPOINT, clean
from emorec.training.run_timer import RunTimer
from emorec.training.stages import Stage
from emorec.training.training_progress import TrainingProgress

STAGE = Stage(1, 0, 3, 0.1, None, 1)


def compiled() -> keras.Model:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    return model


def started(folder: Path | None) -> RunCheckpoint:
    checkpoint = RunCheckpoint(folder, compiled())
    checkpoint.set_model(checkpoint._classifier)
    checkpoint.begin(STAGE)
    return checkpoint


def end_epoch(checkpoint: RunCheckpoint, accuracy: float) -> None:
    checkpoint.model.layers[0].bias.assign([accuracy, 0])
    checkpoint.on_epoch_end(len(checkpoint.history), {"val_accuracy": accuracy, "loss": 1.0})


def test_the_checkpoint_holds_the_weights_of_the_best_epoch(tmp_path: Path) -> None:
    clean(tmp_path)
    checkpoint = started(tmp_path)
    for accuracy in (0.5, 0.75, 0.25):
        end_epoch(checkpoint, accuracy)
    assert checkpoint.best_epoch == 2
    state = read_state(tmp_path / CHECKPOINT)
    assert state.best[1].tolist() == [0.75, 0]
    assert state.variables[1].tolist() == [0.25, 0]
    assert [row["val_accuracy"] for row in state.history] == [0.5, 0.75, 0.25]
    assert (tmp_path / "history.csv").read_text().count("\n") == 4


def test_an_exhausted_patience_stops_the_training() -> None:
    checkpoint = started(None)
    end_epoch(checkpoint, 0.5)
    assert not checkpoint.model.stop_training
    end_epoch(checkpoint, 0.5)
    assert checkpoint.model.stop_training


def test_without_a_folder_nothing_is_written(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    end_epoch(started(None), 0.5)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("loss", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_is_an_error(loss: float) -> None:
    callback = StopOnNaN()
    callback.on_epoch_begin(1)
    callback.on_train_batch_end(0, {"loss": 1.0})
    with pytest.raises(LossError, match="in epoch 2, batch 4; lower --learning-rate"):
        callback.on_train_batch_end(3, {"loss": loss})
    with pytest.raises(LossError, match="after the last batch of epoch 2"):
        callback.on_epoch_end(1, {"val_loss": loss})


def test_progress_is_reported_after_batches_and_epochs() -> None:
    steps: list[TrainingProgress] = []
    callback = ReportProgress(steps.append, 5, 7, RunCheckpoint(None, compiled()), RunTimer())
    callback.on_epoch_begin(2)
    callback.on_train_batch_end(3, {"loss": 0.5})
    callback.on_epoch_end(2, {"loss": 0.25})
    assert steps == [
        TrainingProgress(3, 5, 4, 7, {"loss": 0.5}, False, 0),
        TrainingProgress(3, 5, 7, 7, {"loss": 0.25}, True, 0),
    ]
