from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from helpers.metadata_example import METADATA
from keras import layers

from emorec.errors import ModelError
from emorec.export import onnx as exporter
from emorec.export.onnx import export_onnx
from emorec.metadata import COST_KEY, METADATA_KEY, ModelMetadata
from emorec.modeling.build import build_classifier

pytestmark = pytest.mark.usefixtures("quick_network")

FACES = np.random.default_rng(0).integers(0, 256, (8, 24, 24, 1), dtype=np.uint8)


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(0)
    return build_classifier("compact", 7, 24)


@pytest.fixture(scope="module")
def exported(model: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "model.onnx"
    assert export_onnx(model, METADATA, FACES, path) < 1e-4
    return path


def test_the_contract_of_the_file(exported: Path) -> None:
    session = onnxruntime.InferenceSession(exported)
    (image,) = session.get_inputs()
    assert (image.name, image.type, image.shape) == ("image", "tensor(float)", ["batch", 24, 24, 1])
    outputs = [(output.name, output.shape) for output in session.get_outputs()]
    assert outputs == [("logits", ["batch", 7]), ("probabilities", ["batch", 7])]
    text = session.get_modelmeta().custom_metadata_map[METADATA_KEY]
    assert ModelMetadata.from_json(text, "x") == METADATA
    assert [path.name for path in exported.parent.iterdir()] == ["model.onnx"]


def test_probabilities_are_tempered(exported: Path) -> None:
    session = onnxruntime.InferenceSession(exported)
    logits, probabilities = session.run(None, {"image": FACES.astype(np.float32)})
    tempered = np.exp(logits / METADATA.temperature)
    expected = tempered / tempered.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(probabilities, expected, atol=1e-6)


def test_half_weights_take_half_the_space(
    model: keras.Model, exported: Path, tmp_path: Path
) -> None:
    path = tmp_path / "half.onnx"
    export_onnx(model, METADATA, FACES, path, half_weights=True)
    assert path.stat().st_size < 0.55 * exported.stat().st_size
    images = {"image": FACES.astype(np.float32)}
    whole, half = (
        onnxruntime.InferenceSession(file).run(None, images) for file in (exported, path)
    )
    assert half[0].dtype == np.float32
    np.testing.assert_allclose(half[1], whole[1], atol=1e-2)
    assert not np.array_equal(half[1], whole[1])
    costs = [
        {entry.key: entry.value for entry in onnx.load(file).metadata_props}[COST_KEY]
        for file in (exported, path)
    ]
    assert costs[0] == costs[1]


def test_weights_that_float16_cannot_hold_are_not_made_infinite(tmp_path: Path) -> None:
    image = keras.Input((24, 24, 1), name="image")
    flat = layers.Flatten()(layers.Rescaling(1e-7)(image))
    dense = layers.Dense(7, name="logits")
    model = keras.Model(image, dense(flat))
    kernel = np.random.default_rng(0).normal(0, 1e5, dense.kernel.shape)
    dense.set_weights([kernel, np.zeros(7)])
    with pytest.raises(ModelError, match="differ by"):
        export_onnx(model, METADATA, FACES, tmp_path / "half.onnx", half_weights=True)
    assert not list(tmp_path.iterdir())


def test_no_file_is_written_if_the_outputs_differ(
    exported: Path, model: keras.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = onnx.load(exported)
    for tensor in graph.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.shape == (128, 7):
            tensor.CopyFrom(
                onnx.numpy_helper.from_array(values + 0.3 * np.eye(128, 7), tensor.name)
            )
    for node in graph.graph.initializer:
        if node.data_type == onnx.TensorProto.DOUBLE:
            values = onnx.numpy_helper.to_array(node).astype(np.float32)
            node.CopyFrom(onnx.numpy_helper.from_array(values, node.name))
    changed = graph.SerializeToString()
    monkeypatch.setattr(exporter, "_with_metadata", lambda graph, metadata: changed)
    with pytest.raises(ModelError, match="differ by"):
        export_onnx(model, METADATA, FACES, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())
