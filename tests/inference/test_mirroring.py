import numpy as np
import pytest
from helpers.onnx_models import METADATA

from emorec.inference.mirroring import averages_mirror_images, mirrored

RANDOM = np.random.default_rng(0)
WEIGHTS = RANDOM.normal(size=(48, 48, 1, 8))


def plain(images):
    """Linear logits of images."""
    return np.einsum("nhwc,hwcl->nl", images.astype(float), WEIGHTS).astype(np.float32)


def averaging(images):
    return (plain(images) + plain(mirrored(images))) / 2


def test_mirrored():
    images = RANDOM.integers(0, 256, (2, 3, 4, 1))
    np.testing.assert_array_equal(mirrored(images)[:, :, 0], images[:, :, 3])
    np.testing.assert_array_equal(mirrored(mirrored(images)), images)


@pytest.mark.parametrize(
    ("logits", "expected"),
    [
        (plain, False),
        (lambda images: plain(images) * 1e-3, False),
        (averaging, True),
        (lambda images: averaging(images) * (1 + 1e-6 * np.arange(len(images))[:, None]), True),
        (lambda images: (plain(images) + 2 * plain(mirrored(images))) / 3, False),
    ],
)
def test_models_that_average(logits, expected):
    assert averages_mirror_images(logits, METADATA) is expected
