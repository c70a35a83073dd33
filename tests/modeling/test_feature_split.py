import keras
import numpy as np
import pytest

from emorec.modeling.build import build_classifier
from emorec.modeling.classifier_parts import backbone_of
from emorec.modeling.feature_split import split_after_feature_map, split_after_frozen


def built(arch: str, trainable_layers: int, size: int = 32, **options) -> keras.Model:
    keras.utils.set_random_seed(0)
    return build_classifier(arch, 5, size, trainable_layers=trainable_layers, **options)


def faces(count: int, size: int = 32) -> np.ndarray:
    values = np.random.default_rng(0).integers(0, 256, (count, size, size, 1))
    return values.astype(np.float32)


@pytest.mark.parametrize(
    ("arch", "trainable_layers", "shape"),
    [
        ("compact", 0, (128,)),
        ("compact", 4, (4, 4, 128)),  # within the last block: from its beginning
        ("compact", 19, (8, 8, 64)),
        ("vgg16", 0, (512,)),
        ("vgg16", 1, (512,)),  # a pooling layer has nothing to train
        ("vgg16", 2, (2, 2, 512)),
        ("vgg16", 5, (2, 2, 512)),
        ("mobilenetv3small", 3, (1, 1, 96)),
        ("vgg13", 0, (1024,)),
        ("vgg13", 3, (1024,)),
    ],
)
def test_both_parts_in_sequence_compute_the_whole(
    arch: str, trainable_layers: int, shape: tuple[int, ...]
) -> None:
    model = built(arch, trainable_layers)
    split = split_after_frozen(model)
    assert split is not None
    assert split.frozen.output_shape == (None, *shape)
    assert split.feature_bytes == 4 * np.prod(shape)
    images = faces(3)
    expected = np.asarray(model(images))
    np.testing.assert_allclose(split.trained(split.frozen(images)), expected, atol=1e-5)
    assert not split.frozen.trainable_weights
    assert {id(weight) for weight in split.trained.trainable_weights} == {
        id(weight) for weight in model.trainable_weights
    }
    assert split.has_dropout == (arch == "vgg13")


@pytest.mark.parametrize("trainable_layers", [-1, 54])
def test_a_classifier_whose_first_layers_train_cannot_be_split(trainable_layers: int) -> None:
    assert split_after_frozen(built("compact", trainable_layers)) is None


def test_training_a_part_trains_the_whole_and_nothing_frozen() -> None:
    model = built("vgg16", 2)
    backbone = backbone_of(model)
    frozen = backbone.get_layer("block5_conv2").get_weights()
    before = backbone.get_layer("block5_conv3").get_weights()[0].copy()
    split = split_after_frozen(model)
    assert split is not None
    images = faces(8)
    split.trained.compile("sgd", loss=keras.losses.CategoricalCrossentropy(from_logits=True))
    features = split.frozen.predict(images, verbose=0)
    split.trained.fit(features, np.eye(5, dtype=np.float32)[np.arange(8) % 5], verbose=0)
    np.testing.assert_array_equal(backbone.get_layer("block5_conv2").get_weights()[0], frozen[0])
    assert not np.array_equal(backbone.get_layer("block5_conv3").get_weights()[0], before)
    np.testing.assert_allclose(model(images), split.trained(features), atol=1e-5)


@pytest.mark.parametrize(
    ("arch", "size", "shape"),
    [
        ("compact", 32, (4, 4, 128)),
        ("vgg13", 32, (4, 4, 256)),  # before the smaller map that it flattens
        ("mobilenetv3small", 64, (4, 4, 288)),  # before the smaller maps, and before their padding
    ],
)
def test_after_the_last_feature_map(arch: str, size: int, shape: tuple[int, ...]) -> None:
    model = built(arch, -1, size)
    features, head = split_after_feature_map(model)
    assert features.output_shape == (None, *shape)
    images = faces(2, size)
    expected = np.asarray(model(images))
    np.testing.assert_allclose(head(features(images)), expected, atol=1e-5)
