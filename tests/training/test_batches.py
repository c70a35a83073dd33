import numpy as np
import pytest

from emorec.training.batches import AugmentedBatches, BatchSettings
from emorec.training.config import NO_AUGMENTATION, AugmentationConfig

PLAIN = AugmentationConfig.model_validate(NO_AUGMENTATION)


def batches(count: int, batch_size: int, **options) -> AugmentedBatches:
    images = np.zeros((count, 4, 4, 1), np.uint8)
    images[:, 0, 0, 0] = np.arange(count)
    targets = np.eye(3, dtype=np.float32)[np.arange(count) % 3]
    return AugmentedBatches(images, targets, batch_size, PLAIN, seed=1, **options)


def seen(source: AugmentedBatches) -> list[int]:
    return [int(v) for i in range(len(source)) for v in source[i][0][:, 0, 0, 0]]


@pytest.mark.parametrize(("count", "size", "expected"), [(1, 4, 1), (8, 4, 2), (9, 4, 3)])
def test_an_epoch_holds_every_image_once(count: int, size: int, expected: int) -> None:
    source = batches(count, size)
    assert len(source) == expected
    assert sorted(seen(source)) == list(range(count))


def test_images_keep_their_targets() -> None:
    source = batches(10, 4)
    for index in range(len(source)):
        images, targets = source[index]
        np.testing.assert_array_equal(targets.argmax(axis=1), images[:, 0, 0, 0] % 3)


def test_each_epoch_has_its_own_order_and_the_seed_decides_it() -> None:
    source, again = batches(50, 8), batches(50, 8)
    first = seen(source)
    assert seen(again) == first
    source.begin(1)
    assert seen(source) != first


def test_drawn_labels_follow_the_distribution() -> None:
    images = np.zeros((3000, 4, 4, 1), np.uint8)
    targets = np.tile(np.array([0.5, 0.0, 0.3, 0.2], np.float32), (3000, 1))
    source = AugmentedBatches(images, targets, 3000, PLAIN, 0, BatchSettings(draw_labels=True))
    drawn = source[0][1]
    assert set(np.unique(drawn)) == {0.0, 1.0}
    assert (drawn.sum(axis=1) == 1).all()
    np.testing.assert_allclose(drawn.mean(axis=0), targets[0], atol=0.03)
