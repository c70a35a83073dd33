from pathlib import Path

import numpy as np
import onnx
import pytest
from helpers.onnx_models import write_tiny_model
from onnx import TensorProto

from emorec.datasets.loading import load_images
from emorec.datasets.manifest import read_prepared
from emorec.errors import ModelError
from emorec.export.int8 import quantize
from emorec.export.onnx import _halve
from emorec.images import Image
from emorec.inference.classifier import EmotionClassifier
from emorec.metadata import COST_KEY


@pytest.fixture(scope="module")
def images(tiny_data: Path) -> Image:
    """Training images of the input size of `tiny_run`."""
    return load_images(read_prepared(tiny_data).examples("train").paths, 24, "gray", "area")


@pytest.fixture(scope="module")
def int8_file(tiny_run: Path, images: Image, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("int8") / "model.onnx"
    path.write_bytes(quantize(tiny_run / "model.onnx", images))
    return path


def types_of_weights(path: Path) -> set[int]:
    """Types of the constants with more than two dimensions: the kernels of convolutions."""
    return {t.data_type for t in onnx.load(path).graph.initializer if len(t.dims) > 2}


def test_a_quarter_of_the_size_with_nearly_the_same_probabilities(
    tiny_run: Path, int8_file: Path, images: Image
) -> None:
    source = tiny_run / "model.onnx"
    assert int8_file.stat().st_size < 0.3 * source.stat().st_size
    assert types_of_weights(source) == {TensorProto.FLOAT}
    assert types_of_weights(int8_file) == {TensorProto.INT8}
    before, after = (EmotionClassifier(path).probabilities(images) for path in (source, int8_file))
    np.testing.assert_allclose(after, before, atol=0.1)
    assert not np.array_equal(after, before)


def test_the_metadata_stay_and_the_version_names_int8(tiny_run: Path, int8_file: Path) -> None:
    before, after = (EmotionClassifier(path) for path in (tiny_run / "model.onnx", int8_file))
    expected = before.metadata.replaced(
        version=f"{before.metadata.version}+int8", created_with=after.metadata.created_with
    )
    assert after.metadata == expected
    assert after.cost == before.cost


def test_the_file_declares_only_operators_that_it_uses(int8_file: Path) -> None:
    model = onnx.load(int8_file)
    assert {entry.domain for entry in model.opset_import} == {""}
    assert {node.domain for node in model.graph.node} == {""}
    assert model.producer_name == "emorec"


def test_weights_stored_as_float16(tiny_run: Path, images: Image, tmp_path: Path) -> None:
    model = onnx.load(tiny_run / "model.onnx")
    _halve(model.graph)
    half = tmp_path / "half.onnx"
    onnx.save(model, half)
    assert TensorProto.FLOAT16 in types_of_weights(half)
    (tmp_path / "int8.onnx").write_bytes(quantize(half, images))
    assert types_of_weights(tmp_path / "int8.onnx") == {TensorProto.INT8}


def test_only_layers_between_the_first_and_the_last_are_quantised(
    tiny_run: Path, int8_file: Path, tmp_path: Path
) -> None:
    def kinds(path: Path) -> list[str]:
        return [node.op_type for node in onnx.load(path).graph.node]

    before, after = kinds(tiny_run / "model.onnx"), kinds(int8_file)
    assert after.count("Conv") == before.count("Conv")
    # The input is scaled and the head computed in float32: the graph ends without quantisation.
    assert "QuantizeLinear" not in after[: after.index("QuantizeLinear")]
    last = max(number for number, kind in enumerate(after) if kind == "DequantizeLinear")
    assert {"Conv", "QuantizeLinear"}.isdisjoint(after[last + 1 :])
    assert after[-1] == "Softmax"
    linear = write_tiny_model(tmp_path / "tiny.onnx")
    images = np.zeros((8, 48, 48, 1), np.uint8)
    with pytest.raises(ModelError, match="no layer before its last one to quantise"):
        quantize(linear, images)


def test_a_file_without_cost_gets_it(tiny_run: Path, images: Image, tmp_path: Path) -> None:
    model = onnx.load(tiny_run / "model.onnx")
    kept = {entry.key: entry.value for entry in model.metadata_props if entry.key != COST_KEY}
    onnx.helper.set_model_props(model, kept)
    onnx.save(model, tmp_path / "model.onnx")
    (tmp_path / "int8.onnx").write_bytes(quantize(tmp_path / "model.onnx", images))
    expected = EmotionClassifier(tiny_run / "model.onnx").cost
    assert EmotionClassifier(tmp_path / "int8.onnx").cost == expected is not None


def test_refused_models(int8_file: Path, images: Image, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model\.onnx: the model is quantised already"):
        quantize(int8_file, images)
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(b"no model")
    with pytest.raises(ModelError, match=r"damaged\.onnx: not an ONNX file"):
        quantize(damaged, images)


def test_images_of_another_size(tiny_run: Path) -> None:
    with pytest.raises(ModelError, match="ONNX Runtime cannot quantise it") as raised:
        quantize(tiny_run / "model.onnx", np.zeros((4, 20, 20, 1), np.uint8))
    assert "\n" not in str(raised.value)
