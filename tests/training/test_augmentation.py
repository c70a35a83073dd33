import numpy as np
import pytest

from emorec.training.augmentation import augment
from emorec.training.config_groups import NO_AUGMENTATION, AugmentationConfig


def config(**changes) -> AugmentationConfig:
    return AugmentationConfig.model_validate({**NO_AUGMENTATION, **changes})


def images(count: int = 40, size: int = 24, channels: int = 1) -> np.ndarray:
    """Smooth images, so that interpolation hardly changes their values."""
    y, x = np.mgrid[:size, :size]
    generator = np.random.default_rng(0)
    slopes = generator.uniform(-3, 3, (count, 2, 1, 1))
    planes = 128 + slopes[:, 0] * (x - size / 2) + slopes[:, 1] * (y - size / 2)
    return np.repeat(planes[..., None], channels, axis=3).astype(np.uint8)


@pytest.mark.parametrize("count", [0, 1, 5])
@pytest.mark.parametrize("channels", [1, 3])
def test_no_augmentation_leaves_the_images_unchanged(count: int, channels: int) -> None:
    originals = images(count, channels=channels)
    out = augment(originals, config(), np.random.default_rng(0))
    assert out.dtype == np.float32
    np.testing.assert_array_equal(out, originals)


def test_flipping_mirrors_about_half_of_the_images() -> None:
    originals = images()
    out = augment(originals, config(horizontal_flip=True), np.random.default_rng(0))
    mirrored = np.array(
        [np.array_equal(o, g[:, ::-1]) for o, g in zip(out, originals, strict=True)]
    )
    kept = np.array([np.array_equal(o, g) for o, g in zip(out, originals, strict=True)])
    assert (mirrored | kept).all()
    assert 10 < mirrored.sum() < 30


def test_rotation_is_about_the_centre_and_within_its_limit() -> None:
    size = 49
    originals = np.zeros((60, size, size, 1), np.uint8)
    originals[:, size // 2, size // 2] = 255
    originals[:, 4:7, size // 2 - 1 : size // 2 + 2] = 255
    out = augment(originals, config(rotation=20), np.random.default_rng(0))
    assert (out[:, size // 2, size // 2] > 200).all()
    y, x = np.mgrid[:size, :size]
    upper = out[..., 0] * (y < size // 2 - 5)
    angle = np.degrees(
        np.arctan2((upper * (x - size // 2)).sum((1, 2)), (upper * (size // 2 - y)).sum((1, 2)))
    )
    assert np.abs(angle).max() <= 20.5
    assert np.abs(angle).max() > 15
    assert angle.min() < 0 < angle.max()


def test_shift_stays_within_its_limit_and_repeats_the_border() -> None:
    originals = np.zeros((50, 20, 20, 1), np.uint8)
    originals[:, :, 10:] = 200
    out = augment(originals, config(shift=0.1), np.random.default_rng(0))
    edges = (out[:, 10, :, 0] < 100).sum(axis=1)
    assert edges.min() >= 8
    assert edges.max() <= 12
    assert len(set(edges.tolist())) > 2
    assert (out[:, :, -1] == 200).all()
    assert (out[:, :, 0] == 0).all()


def test_light_stays_in_range_and_changes_every_image() -> None:
    originals = images()
    out = augment(originals, config(brightness=0.5, contrast=0.5), np.random.default_rng(0))
    assert out.min() >= 0
    assert out.max() <= 255
    assert (np.abs(out - originals).mean(axis=(1, 2, 3)) > 0.5).mean() > 0.9


def test_erasing_fills_a_box_in_the_set_share_of_images() -> None:
    originals = np.full((200, 24, 24, 1), 128, np.uint8)
    out = augment(originals, config(erasing=0.3), np.random.default_rng(0))
    touched = (out != 128).any(axis=(1, 2, 3))
    assert 35 < touched.sum() < 85
    areas = (out[touched] != 128).mean(axis=(1, 2, 3))
    assert areas.max() < 0.3


def test_blur_removes_detail() -> None:
    originals = np.random.default_rng(1).integers(0, 256, (30, 24, 24, 1), np.uint8)
    out = augment(originals, config(blur=1.0), np.random.default_rng(0))
    assert out.std() < 0.9 * originals.std()


def test_the_seed_decides_the_augmentation() -> None:
    whole = AugmentationConfig(
        zoom=0.2, shift=0.1, brightness=0.2, contrast=0.2, blur=0.5, erasing=0.5
    )
    first = augment(images(), whole, np.random.default_rng(3))
    np.testing.assert_array_equal(augment(images(), whole, np.random.default_rng(3)), first)
    assert not np.array_equal(augment(images(), whole, np.random.default_rng(4)), first)
