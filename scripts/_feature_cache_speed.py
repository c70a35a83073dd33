"""Epochs per second of a frozen network with and without the feature cache."""

import functools
from typing import Any

from _training_pipelines import Clock, compiled, timed

from emorec.datasets.manifest import Examples
from emorec.training.batches import BatchSettings
from emorec.training.config import load_config
from emorec.training.config_groups import NO_AUGMENTATION
from emorec.training.fitting import make_fitting
from emorec.training.run_data import RunData, load
from emorec.training.run_model import build

ARCH = "vgg16"
SIZE = 48
CACHE_EPOCHS = 20


def feature_cache_rates(examples: Examples, plain_epochs: int) -> dict[bool, float]:
    """Measure the epochs per second, and print them.

    Args:
        examples: Training examples.
        plain_epochs: Number of epochs without the cache.

    Returns:
        The rates with (True) and without (False) the cache.
    """
    overrides = {"arch": ARCH, "image_size": SIZE, "weights": "none", "trainable_layers": 0}
    data = load(examples, examples.limited(1), SIZE)
    print(
        f"frozen {ARCH} at {SIZE}, {len(examples.paths)} images, {CACHE_EPOCHS} epochs", flush=True
    )
    rates = {}
    for cached, epochs in ((True, CACHE_EPOCHS), (False, plain_epochs)):
        settings = {**overrides, "augmentation": NO_AUGMENTATION, "feature_cache": cached}
        config = load_config(None, settings)
        # One epoch before, so that compiling is not timed.
        small = load(examples.limited(config.batch_size), examples.limited(1), SIZE)
        model = build(config, examples.targets.shape[1], seed=0)

        def train(
            data: RunData, epochs: int, clock: Clock, config: Any = config, model: Any = model
        ) -> None:
            fitting = make_fitting(config, model, data, BatchSettings(config.batch_size))
            compiled(fitting.model, config, len(fitting.batches))
            fitting.model.fit(
                fitting.batches, epochs=epochs, shuffle=False, callbacks=[clock], verbose=0
            )

        timed(functools.partial(train, small, 1))
        rates[cached] = epochs / timed(functools.partial(train, data, epochs))[0]
        name = "with the cache" if cached else "without"
        print(f"  {name:15} {rates[cached]:.3f} epochs/s over {epochs} epochs", flush=True)
    return rates
