import keras
import numpy as np
import pytest
from keras import layers

from emorec.errors import ConfigError
from emorec.modeling.architectures import architecture
from emorec.modeling.build import build_classifier
from emorec.modeling.classifier_parts import backbone_of
from emorec.modeling.finetune import layer_groups, set_trainable_layers


@pytest.mark.parametrize(("count", "free"), [(0, []), (1, ["c"]), (2, ["b", "c"]), (-1, "abc")])
def test_the_last_layers_train(count: int, free: list[str]) -> None:
    backbone = keras.Sequential([keras.Input((4,))] + [layers.Dense(3, name=n) for n in "abc"])
    set_trainable_layers(backbone, count)
    assert [layer.name for layer in backbone.layers if layer.trainable] == list(free)
    assert len(backbone.trainable_weights) == 2 * len(free)


@pytest.mark.parametrize(
    ("weights", "count", "trains"), [("none", None, True), ("none", 0, False), ("none", -1, True)]
)
def test_defaults_and_the_head_that_always_trains(weights: str, count, trains: bool) -> None:
    model = build_classifier("compact", 7, 24, weights=weights, trainable_layers=count)
    assert bool(backbone_of(model).trainable_weights) is trains
    assert len(model.get_layer("logits").trainable_weights) == 2


def test_training_does_not_change_frozen_normalisation() -> None:
    model = build_classifier("compact", 3, 24, trainable_layers=0)
    before = [weight.copy() for weight in backbone_of(model).get_weights()]
    head = model.get_layer("logits").get_weights()[0].copy()
    model.compile("sgd", loss=keras.losses.CategoricalCrossentropy(from_logits=True))
    generator = np.random.default_rng(0)
    images = generator.uniform(0, 255, (16, 24, 24, 1)).astype(np.float32)
    model.fit(images, np.eye(3, dtype=np.float32)[np.arange(16) % 3], verbose=0)
    for expected, found in zip(before, backbone_of(model).get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert not np.array_equal(model.get_layer("logits").get_weights()[0], head)


def test_blocks_of_another_architecture_are_refused() -> None:
    backbone = backbone_of(build_classifier("compact", 7, 16))
    with pytest.raises(ConfigError, match="no layer name begins with"):
        layer_groups(architecture("vgg16"), backbone)
