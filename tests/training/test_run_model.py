import numpy as np

from emorec.training.config_groups import ModelConfig
from emorec.training.run_model import build


def test_the_seed_decides_the_initial_weights() -> None:
    config = ModelConfig(image_size=16)
    first, again, other = (build(config, 7, seed).get_weights() for seed in (1, 1, 2))
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert any(not np.array_equal(one, two) for one, two in zip(first, other, strict=True))
