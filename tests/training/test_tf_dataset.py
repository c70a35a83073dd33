import keras
import numpy as np
import pytest

from emorec.training.batches import AugmentedBatches, BatchSettings
from emorec.training.config_groups import AugmentationConfig
from emorec.training.tf_dataset import training_dataset, validation_dataset


def make_batches(**settings: object) -> AugmentedBatches:
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (22, 8, 8, 1), np.uint8)
    targets = np.eye(7, dtype=np.float32)[generator.integers(0, 7, 22)]
    return AugmentedBatches(images, targets, BatchSettings(5, **settings))


@pytest.mark.parametrize("weights", [None, np.arange(7, dtype=np.float32)])
def test_each_epoch_has_its_own_batches(weights):
    pytest.importorskip("tensorflow")
    batches = make_batches(augmentation=AugmentationConfig(rotation=20), loss_weights=weights)
    dataset = training_dataset(batches)
    assert int(dataset.cardinality()) == len(batches) == 5
    assert dataset.options().autotune.enabled is False
    orders = []
    for epoch in range(3):
        batches.begin(epoch)
        found = [tuple(array.numpy() for array in batch) for batch in dataset]
        assert [len(batch[0]) for batch in found] == [5, 5, 5, 5, 2]
        for index, batch in enumerate(found):
            for array, expected in zip(batch, batches[index], strict=True):
                np.testing.assert_array_equal(array, expected)
                assert array.dtype == expected.dtype
        orders.append(found[0][0])
    assert not np.array_equal(orders[0], orders[1])


@pytest.mark.parametrize("count", [1, 4, 9])
def test_the_validation_data_is_in_batches(count):
    pytest.importorskip("tensorflow")
    images = np.arange(count * 4, dtype=np.uint8).reshape(count, 2, 2, 1)
    targets = np.random.default_rng(0).random((count, 7), np.float32)
    dataset = validation_dataset((images, targets), 4)
    assert dataset.options().autotune.enabled is False
    for _ in range(2):
        parts = [tuple(array.numpy() for array in batch) for batch in dataset]
        assert int(dataset.cardinality()) == len(parts) == -(-count // 4)
        for array, expected in zip(zip(*parts, strict=True), (images, targets), strict=True):
            np.testing.assert_array_equal(np.concatenate(array), expected)
            assert array[0].dtype == expected.dtype


def test_batches_made_elsewhere_are_kept():
    batches = make_batches()
    assert validation_dataset(batches, 4) is batches


def test_other_backends_take_the_batches(monkeypatch: pytest.MonkeyPatch):
    batches, validation = make_batches(), (np.zeros((5, 2)), np.zeros((5, 7)))
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    assert training_dataset(batches) is batches
    assert validation_dataset(validation, 2) is validation
