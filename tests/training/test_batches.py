import numpy as np
import pytest
from helpers.numbered_images import numbered_images, targets_of

from emorec.training.batches import AugmentedBatches, BatchSettings


def batches(count: int, batch_size: int) -> AugmentedBatches:
    settings = BatchSettings(batch_size, seed=1)
    return AugmentedBatches(numbered_images(count), targets_of(count), settings)


def numbers(source: AugmentedBatches) -> list[int]:
    return [int(v) for i in range(len(source)) for v in source[i][0][:, 0, 0, 0]]


@pytest.mark.parametrize(("count", "size", "expected"), [(1, 4, 1), (8, 4, 2), (9, 4, 3)])
def test_an_epoch_holds_every_image_once(count: int, size: int, expected: int) -> None:
    source = batches(count, size)
    assert len(source) == expected
    assert sorted(numbers(source)) == list(range(count))


def test_images_keep_their_targets() -> None:
    source = batches(10, 4)
    for index in range(len(source)):
        images, targets = source[index]
        np.testing.assert_array_equal(targets.argmax(axis=1), images[:, 0, 0, 0] % 3)


def test_each_epoch_has_its_own_order_and_the_seed_decides_it() -> None:
    source, again = batches(50, 8), batches(50, 8)
    first = numbers(source)
    assert numbers(again) == first
    source.begin(1)
    assert numbers(source) != first


def test_drawn_labels_follow_the_distribution() -> None:
    images = np.zeros((3000, 4, 4, 1), np.uint8)
    targets = np.tile(np.array([0.5, 0.0, 0.3, 0.2], np.float32), (3000, 1))
    source = AugmentedBatches(images, targets, BatchSettings(3000, draw_labels=True))
    drawn = source[0][1]
    assert set(np.unique(drawn)) == {0.0, 1.0}
    assert (drawn.sum(axis=1) == 1).all()
    np.testing.assert_allclose(drawn.mean(axis=0), targets[0], atol=0.03)
