import keras
import pytest

from emorec.modeling.build import build_classifier
from emorec.modeling.classifier_parts import backbone_of
from emorec.modeling.compact import compact_features


@pytest.mark.parametrize(
    ("size", "width", "shape"), [(48, 1, (6, 6, 128)), (17, 2, (3, 3, 256)), (16, 0.5, (2, 2, 64))]
)
def test_the_shape_of_the_features(size: int, width: float, shape: tuple[int, ...]) -> None:
    features = compact_features(keras.Input((size, size, 1)), width)
    assert features.shape == (None, *shape)


@pytest.mark.parametrize("pair", [("compact", "compact-wide"), ("nano", "compact")])
def test_each_network_has_twice_the_filters_of_the_one_below(pair: tuple[str, str]) -> None:
    narrow, wide = (build_classifier(name, 8) for name in pair)
    for layer in backbone_of(narrow).layers[1:]:
        twin = backbone_of(wide).get_layer(layer.name)
        assert twin.output.shape[-1] == 2 * layer.output.shape[-1]
