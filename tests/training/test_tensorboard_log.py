from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from emorec.errors import DataError
from emorec.training.tensorboard_log import WriteTensorBoard


def row(epoch: int) -> dict[str, float]:
    figures = {"loss": 2 / epoch, "learning_rate": 0.25, "val_loss": 3 / epoch}
    return {"epoch": epoch, "stage": 1, **figures}


def curves(folder: Path) -> dict[str, list[tuple[int, float]]]:
    (events,) = folder.iterdir()
    read = EventAccumulator(str(events)).Reload()
    return {
        tag: [(point.step, point.value) for point in read.Scalars(tag)]
        for tag in read.Tags()["scalars"]
    }


def test_curves_of_a_run_that_goes_on_are_whole(tmp_path: Path) -> None:
    folder = tmp_path / "tensorboard"
    for _ in range(2):  # the second is what goes on
        history = [row(1)]
        callback = WriteTensorBoard(folder, history)
        for epoch in (2, 3):
            history.append(row(epoch))
            callback.on_epoch_end(epoch - 1)
        trained = curves(folder / "train")
        assert trained.keys() == {"loss", "learning_rate"}
        assert trained["loss"] == [(1, 2.0), (2, 1.0), (3, pytest.approx(2 / 3))]
        assert curves(folder / "validation") == {"loss": [(1, 3.0), (2, 1.5), (3, 1.0)]}


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"tensorboard: cannot write"):
        WriteTensorBoard(tmp_path / "file" / "tensorboard", [])
