import numpy as np
import pytest

from emorec.training.batches import AugmentedBatches, BatchSettings
from emorec.training.config_groups import NO_AUGMENTATION, AugmentationConfig
from emorec.training.mixing import mix

SIZE = 12


def batch(count: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Images of one flat value each, 10 apart, whose targets are one-hot by that value."""
    values = np.arange(count, dtype=np.float32)
    images = np.broadcast_to(values[:, None, None, None], (count, SIZE, SIZE, 1)).copy()
    return images, np.eye(count, dtype=np.float32)


def mixed(mixup: float, cutmix: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    return mix(*batch(), mixup, cutmix, np.random.default_rng(seed))


def test_without_alpha_nothing_changes() -> None:
    images, targets = mixed(0, 0)
    np.testing.assert_array_equal(images, batch()[0])
    np.testing.assert_array_equal(targets, batch()[1])


@pytest.mark.parametrize(("mixup", "cutmix"), [(0.2, 0), (1, 0), (0, 1), (0, 0.3), (1, 1)])
def test_pixels_and_targets_are_mixed_by_the_same_shares(mixup: float, cutmix: float) -> None:
    images, targets = mixed(mixup, cutmix)
    assert images.dtype == targets.dtype == np.float32
    np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-6)
    assert ((targets > 0).sum(axis=1) <= 2).all()
    # The mean pixel is the mean of the values weighted by the targets.
    values = np.arange(len(images))
    np.testing.assert_allclose(images.mean(axis=(1, 2, 3)), targets @ values, atol=1e-3)


def test_mixup_keeps_the_larger_share_of_each_image_and_draws_for_each() -> None:
    images, targets = mixed(1.0, 0)
    own = np.diag(targets)
    assert (own >= 0.5).all()
    assert len(np.unique(own.round(4))) > 20
    assert (np.ptp(images, axis=(1, 2, 3)) == 0).all()


def test_cutmix_pastes_one_square() -> None:
    images, targets = mixed(0, 1.0)
    for index, image in enumerate(images):
        rows, columns, _ = np.nonzero(image != index)
        if len(rows):
            side = rows.max() - rows.min() + 1
            assert columns.max() - columns.min() + 1 == side
            assert len(rows) == side * side
            assert targets[index, index] == pytest.approx(1 - side**2 / SIZE**2)


def test_with_both_each_batch_draws_one() -> None:
    flat = [(np.ptp(mixed(1, 1, seed)[0], axis=(1, 2, 3)) == 0).all() for seed in range(30)]
    assert 5 < sum(flat) < 25


def batches(erasing: float = 0.0, **settings: float) -> AugmentedBatches:
    images = np.random.default_rng(0).integers(0, 256, (20, SIZE, SIZE, 1), np.uint8)
    augmentation = AugmentationConfig.model_validate({**NO_AUGMENTATION, "erasing": erasing})
    targets = np.eye(4, dtype=np.float32)[np.arange(20) % 4]
    return AugmentedBatches(images, targets, BatchSettings(20, 3, augmentation, **settings))


def test_the_last_epochs_are_neither_mixed_nor_erased() -> None:
    mixed, plain = batches(erasing=1.0, mixup=1.0, mix_off_from=1), batches()
    assert not np.array_equal(mixed[0][0], plain[0][0])
    assert (mixed[0][1].max(axis=1) < 1).any()
    mixed.begin(1)
    plain.begin(1)
    np.testing.assert_array_equal(mixed[0][0], plain[0][0])
    np.testing.assert_array_equal(mixed[0][1], plain[0][1])


def test_label_smoothing_adds_the_uniform_distribution() -> None:
    targets = batches(label_smoothing=0.2)[0][1]
    np.testing.assert_allclose(np.unique(targets), [0.05, 0.85], atol=1e-7)
    np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-6)
