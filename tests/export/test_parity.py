from pathlib import Path

import keras
import numpy as np
import onnx
import pytest
from helpers.metadata_example import METADATA
from keras import layers

from emorec.errors import ModelError
from emorec.export.graph import write_graph
from emorec.export.parity import check_parity
from emorec.modeling.build import build_classifier

pytestmark = pytest.mark.usefixtures("quick_network")

FACES = np.random.default_rng(0).integers(0, 256, (8, 24, 24, 1), dtype=np.uint8)


def exported(model: keras.Model, folder: Path) -> onnx.ModelProto:
    write_graph(model, METADATA, folder / "model.onnx")
    return onnx.load(folder / "model.onnx")


@pytest.mark.parametrize(("change", "passes"), [(0.0, True), (0.3, False)])
def test_changed_weights(tmp_path: Path, change: float, passes: bool) -> None:
    keras.utils.set_random_seed(0)
    model = build_classifier("compact", 7, 24)
    graph = exported(model, tmp_path)
    (head,) = (t for t in graph.graph.initializer if tuple(t.dims) == (128, 7))
    values = onnx.numpy_helper.to_array(head) + np.float32(change) * np.eye(128, 7, dtype="float32")
    head.CopyFrom(onnx.numpy_helper.from_array(values, head.name))
    data = graph.SerializeToString()
    if passes:
        assert check_parity(model, METADATA, data, FACES) < 1e-4
        return
    with pytest.raises(ModelError, match="differ by"):
        check_parity(model, METADATA, data, FACES)
    assert 1e-4 < check_parity(model, METADATA, data, FACES, tolerance=0.5) < 0.5


def test_constant_logits_are_refused(tmp_path: Path) -> None:
    image = keras.Input((24, 24, 1), name="image")
    x = layers.GlobalAveragePooling2D()(image)
    model = keras.Model(image, layers.Dense(7, kernel_initializer="zeros", name="logits")(x))
    data = exported(model, tmp_path).SerializeToString()
    with pytest.raises(ModelError, match="constant or not finite"):
        check_parity(model, METADATA, data, FACES)
