from pathlib import Path

import pytest
from helpers.tensorboard_curves import curves

from emorec.errors import DataError
from emorec.training.tensorboard_log import WriteTensorBoard


def row(epoch: int) -> dict[str, float]:
    metrics = {"loss": 2 / epoch, "learning_rate": 0.25, "val_loss": 3 / epoch}
    return {"epoch": epoch, "stage": 1, **metrics}


def test_curves_of_a_resumed_run_are_complete(tmp_path: Path) -> None:
    folder = tmp_path / "tensorboard"
    for _ in range(2):  # the second is the resumed run
        history = [row(1)]
        callback = WriteTensorBoard(folder, history)
        for epoch in (2, 3):
            history.append(row(epoch))
            callback.on_epoch_end(epoch - 1)
        callback.on_train_end()
        trained = curves(folder / "train")
        assert trained.keys() == {"loss", "learning_rate"}
        assert trained["loss"] == [(1, 2.0), (2, 1.0), (3, pytest.approx(2 / 3))]
        assert curves(folder / "validation") == {"loss": [(1, 3.0), (2, 1.5), (3, 1.0)]}


def test_a_folder_that_cannot_be_created_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"tensorboard: cannot write"):
        WriteTensorBoard(tmp_path / "file" / "tensorboard", [])
