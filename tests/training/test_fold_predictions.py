from pathlib import Path

import keras
import numpy as np
import pytest
from helpers.everything import settings

from emorec.errors import DataError
from emorec.training.fold_predictions import FOLDER, RecordLogits, read_logits, write_logits
from emorec.training.run_model import build

LOGITS = np.arange(24, dtype=np.float32).reshape(2, 4, 3)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for epoch, logits in enumerate(LOGITS, 1):
        write_logits(tmp_path, epoch, logits)
    return tmp_path


def test_the_logits_of_every_epoch_are_read(folder: Path):
    np.testing.assert_array_equal(read_logits(folder, 2, 4, 3), LOGITS)
    assert read_logits(folder, 0, 4, 3).shape == (0, 4, 3)
    write_logits(folder, 2, LOGITS[0])
    np.testing.assert_array_equal(read_logits(folder, 2, 4, 3)[1], LOGITS[0])


def last(folder: Path) -> Path:
    return folder / FOLDER / "epoch-00002.npy"


def pickled(path: Path) -> None:
    np.save(path, np.array([{"a": 1}], object), allow_pickle=True)


@pytest.mark.parametrize(
    "damage",
    [
        Path.unlink,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-5]),
        lambda path: np.save(path, LOGITS[0].astype(np.float64)),
        lambda path: np.save(path, LOGITS[0][:2]),
        lambda path: np.save(path, np.full((4, 3), np.nan, np.float32)),
        pickled,
    ],
)
def test_damaged_logits_are_refused_in_one_line(folder: Path, damage):
    damage(last(folder))
    with pytest.raises(DataError, match=r"remove the folder.*, and resume") as caught:
        read_logits(folder, 2, 4, 3)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("quick_network")
def test_the_logits_are_those_of_the_saved_model(tmp_path: Path):
    """In float32, with the averaged weights, of both sides; the training computes otherwise."""
    config = settings(flip_average=True, precision="bfloat16", ema=0.9)
    model = build(config, 3, seed=0)
    images = np.random.default_rng(0).integers(0, 256, (5, 24, 24, 1)).astype(np.uint8)
    recorder = RecordLogits(tmp_path, config, model, images)
    optimizer = keras.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.5)
    model.compile(optimizer, keras.losses.CategoricalCrossentropy(from_logits=True))
    targets = np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1]]
    model.fit(images, targets, epochs=2, verbose=0, callbacks=[recorder])
    found = read_logits(tmp_path, 2, 5, 3)
    assert np.abs(found[1] - found[0]).max() > 1e-3

    same = build(config.model_copy(update={"precision": "float32"}), 3, seed=1)
    averages = {
        id(variable): average
        for variable, average in zip(
            model.trainable_variables, optimizer._model_variables_moving_average, strict=True
        )
    }
    # Keras has replaced the weights by their average at the end of the training.
    same.set_weights([np.asarray(averages.get(id(each), each)) for each in model.weights])
    both = [same.predict(views, verbose=0) for views in (images, images[:, :, ::-1])]
    expected = (both[0] + both[1]) / 2
    np.testing.assert_allclose(found[1], expected, atol=1e-5)
