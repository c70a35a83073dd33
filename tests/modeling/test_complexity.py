import pytest

from emorec.modeling.architectures import architecture
from emorec.modeling.build import build_classifier
from emorec.modeling.classifier_parts import backbone_of
from emorec.modeling.complexity import complexity, multiply_adds, trained_share
from emorec.modeling.finetune import set_trainable_layers


def test_the_size_and_cost_of_an_architecture() -> None:
    chosen = architecture("compact")
    found = complexity(chosen)
    model = build_classifier("compact", 8, chosen.default_size)
    assert found.name == "compact"
    assert found.parameters == model.count_params()
    assert found.multiply_adds == multiply_adds(model)
    assert (found.default_size, found.minimum_size) == (48, 16)
    assert found.blocks == len(chosen.groups) + 1
    assert not found.imagenet
    assert complexity(architecture("mobilenetv3small")).imagenet


@pytest.mark.parametrize(
    ("arch", "size", "published"),
    [
        # Without the 1000 logits: multiply-adds of the whole network minus features * 1000.
        ("vgg16", 224, 15.3e9),  # Simonyan and Zisserman 2015: 15.5e9 with 0.12e9 dense
        ("mobilenetv3small", 224, 54.5e6),  # Howard et al. 2019: 56e6 with 1.6e6 in the head
        ("mobilenetv3large", 224, 215.7e6),  # 219e6 with 2.5e6 in the head
        pytest.param("resnet50", 224, 3.86e9, marks=pytest.mark.slow),  # He et al. 2016: 3.8e9
        pytest.param("densenet121", 224, 2.85e9, marks=pytest.mark.slow),  # Huang 2017: 2.87e9
        pytest.param("efficientnetv2b0", 224, 0.72e9, marks=pytest.mark.slow),
        pytest.param("inceptionv3", 299, 5.7e9, marks=pytest.mark.slow),  # Szegedy et al. 2016
        pytest.param("xception", 299, 8.4e9, marks=pytest.mark.slow),
    ],
)
def test_multiply_adds_are_those_published(arch: str, size: int, published: float) -> None:
    backbone = architecture(arch).backbone((size, size, 3), None)
    assert multiply_adds(backbone) == pytest.approx(published, rel=0.03)


def test_the_share_that_is_trained() -> None:
    model = build_classifier("compact", 8, 48)
    assert trained_share(model) == 1
    shares = []
    for layers in (0, 12, -1):
        set_trainable_layers(backbone_of(model), layers)
        shares.append(trained_share(model))
    assert 0 < shares[0] < 0.01 < shares[1] < 0.9
    assert shares[2] == 1
    model.trainable = False
    assert trained_share(model) == 0
