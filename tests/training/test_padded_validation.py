import numpy as np
import pytest
from helpers.numbered_images import numbered_images, targets_of

from emorec.training.distribution import ALONE, World
from emorec.training.padded_validation import PaddedBatches, validation_data


@pytest.mark.parametrize(("count", "devices"), [(1, 2), (512, 2), (513, 2), (600, 3), (5, 512)])
def test_padded_batches_have_the_means_of_the_real_rows(count: int, devices: int) -> None:
    source = PaddedBatches(numbered_images(count), targets_of(count), World(0, 1, devices))
    loss = np.random.default_rng(0).random(count)
    loss_sum = rows = weight_sum = weighted = 0.0
    position = 0
    for index in range(len(source)):
        batch_images, batch_targets, weights = source[index]
        assert len(batch_images) == len(batch_targets) == len(weights)
        assert len(weights) % devices == 0
        places = np.minimum(np.arange(position, position + len(weights)), count - 1)
        position += len(weights)
        loss_sum += float((loss[places] * weights).sum())
        rows += len(weights)
        weight_sum += float(weights.sum())
        weighted = loss_sum
    assert loss_sum / rows == pytest.approx(loss.mean(), rel=1e-5)
    assert weighted / weight_sum == pytest.approx(loss.mean(), rel=1e-5)


def test_one_device_validates_on_the_arrays_themselves() -> None:
    arrays = numbered_images(3), targets_of(3)
    assert validation_data(*arrays, ALONE) == arrays
