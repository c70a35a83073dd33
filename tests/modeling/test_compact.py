import keras
import pytest

from emorec.modeling.build import build_classifier
from emorec.modeling.classifier_parts import backbone_of
from emorec.modeling.compact import compact_features


@pytest.mark.parametrize(("size", "width", "shape"), [(48, 1, (6, 6, 128)), (17, 2, (3, 3, 256))])
def test_the_shape_of_the_features(size: int, width: int, shape: tuple[int, ...]) -> None:
    features = compact_features(keras.Input((size, size, 1)), width)
    assert features.shape == (None, *shape)


def test_compact_wide_has_twice_the_filters() -> None:
    narrow, wide = build_classifier("compact", 8), build_classifier("compact-wide", 8)
    for layer in backbone_of(narrow).layers[1:]:
        twin = backbone_of(wide).get_layer(layer.name)
        assert twin.output.shape[-1] == 2 * layer.output.shape[-1]
