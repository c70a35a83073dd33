import keras
import numpy as np
import pytest
from keras import layers

from emorec.errors import ModelError
from emorec.modeling.build import build_classifier
from emorec.modeling.classifier_parts import backbone_of, weighted_layers
from emorec.modeling.flip_ensemble import flip_averaged


def test_the_backbone_of_a_classifier_and_of_an_ensemble() -> None:
    model = build_classifier("compact", 7, 24)
    for whole in (model, flip_averaged(model)):
        assert backbone_of(whole) is model.get_layer("compact")


def test_a_model_without_a_backbone() -> None:
    image = keras.Input((4,))
    with pytest.raises(ModelError, match="no backbone"):
        backbone_of(keras.Model(image, layers.Dense(2)(image)))


def test_layers_with_weights() -> None:
    model = build_classifier("compact", 7, 24)
    found = weighted_layers(model)
    assert found[-1].name == "logits"
    assert sum(np.prod(w.shape) for layer in found for w in layer.weights) == model.count_params()
    assert [layer.name for layer in weighted_layers(model, inside=False)] == ["logits"]
