"""A small run with every setting that has a state or draws random numbers."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
from conftest import TINY_SETTINGS
from keras import layers

from emorec.modeling.architectures import ARCHITECTURES
from emorec.training.config import TrainConfig, validated

EVERYTHING = {
    **TINY_SETTINGS,
    "epochs": 4,
    "patience": 4,
    "dropout": 0.3,
    "weight_decay": 0.001,
    "clip_norm": 1.0,
    "warmup_epochs": 1,
    "ema": 0.9,
    "label_smoothing": 0.1,
    "mixup": 0.2,
    "cutmix": 0.5,
    "mix_off_epochs": 1,
    "augmentation": {"zoom": 0.1, "brightness": 0.1, "contrast": 0.1, "blur": 0.2, "erasing": 0.5},
}


def settings(**changes: object) -> TrainConfig:
    return validated({**EVERYTHING, **changes}, "the test")


def _few_layers(input_shape: tuple[int, int, int], weights: str | None) -> keras.Model:
    image = keras.Input(input_shape)
    x: Any = image
    for filters in (16, 64, 128):
        x = layers.Conv2D(filters, 3, strides=2, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    return keras.Model(image, x, name="compact")


@contextmanager
def quick_compact() -> Iterator[None]:
    """Reduce the architecture `compact` to few layers: a short run mostly builds the network."""
    before = ARCHITECTURES["compact"]
    ARCHITECTURES["compact"] = dataclasses.replace(before, backbone=_few_layers)
    try:
        yield
    finally:
        ARCHITECTURES["compact"] = before
