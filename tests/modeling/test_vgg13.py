from emorec.modeling.architectures import architecture
from emorec.modeling.complexity import complexity


def test_the_network_is_that_of_the_paper() -> None:
    found = complexity(architecture("vgg13"))
    assert found.default_size == 64
    # 10 convolutions, two hidden layers of 1024 and eight logits.
    assert found.parameters == 8_757_704
