from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from helpers.foreign_models import (
    CLASSES,
    SIZE,
    expected_logits,
    foreign_model,
    weights,
    write_foreign_model,
)
from helpers.onnx_models import METADATA, write_tiny_model
from onnx import TensorProto, helper, numpy_helper

from emorec.errors import DataError, ModelError
from emorec.export.adopt import AdoptedModel, adopt
from emorec.export.adopted_graph import ForeignModel
from emorec.inference.classifier import EmotionClassifier
from emorec.labels import EMOTIONS_7
from emorec.metadata import ModelMetadata

METADATA_7 = METADATA.replaced(labels=EMOTIONS_7, name="foreign", temperature=1.0)


def adopted(
    folder: Path, options: dict[str, Any], described: dict[str, Any], **metadata: Any
) -> tuple[EmotionClassifier, AdoptedModel]:
    """Adopt a model of `foreign_model`, and open the result."""
    source = write_foreign_model(folder / "foreign.onnx", **options)
    before = source.read_bytes()
    target = folder / "adopted.onnx"
    found = adopt(source, ForeignModel(METADATA_7.replaced(**metadata), **described), target)
    assert source.read_bytes() == before
    return EmotionClassifier(target), found


def images(channels: int, count: int = 5) -> np.ndarray:
    random = np.random.default_rng(1)
    return random.integers(0, 256, (count, SIZE, SIZE, channels)).astype(np.float32)


@pytest.mark.parametrize("batch", ["N", 1])
@pytest.mark.parametrize("squeezed", [True, False])
@pytest.mark.parametrize("probabilities", [True, False])
@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_a_gray_model(tmp_path: Path, batch, squeezed, probabilities, layout) -> None:
    options = {
        "batch": batch,
        "squeezed": squeezed,
        "probabilities": probabilities,
        "layout": layout,
    }
    classifier, found = adopted(tmp_path, options, {"scale": 1 / 255})
    assert (found.layout, found.output) == (
        layout,
        "probabilities" if probabilities else "logits",
    )
    assert (classifier.metadata.color, classifier.metadata.input_size) == ("gray", SIZE)
    assert classifier.metadata.labels == EMOTIONS_7
    assert classifier.cost is not None
    assert classifier.cost.multiply_adds == SIZE * SIZE * CLASSES
    faces = images(1)
    logits = expected_logits(faces.transpose(0, 3, 1, 2) / 255)
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert classifier.probabilities(faces) == pytest.approx(expected, abs=1e-5)
    if not probabilities:
        assert classifier.logits(faces) == pytest.approx(logits, abs=1e-5)


def test_a_fixed_batch_with_an_open_length(tmp_path: Path) -> None:
    classifier, _ = adopted(tmp_path, {"batch": 1, "flat": -1}, {"scale": 1 / 255})
    logits = expected_logits(images(1).transpose(0, 3, 1, 2) / 255)
    assert classifier.logits(images(1)) == pytest.approx(logits, abs=1e-5)


MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.mark.parametrize(
    ("color", "order"), [("rgb", [0, 1, 2]), ("bgr", [2, 1, 0]), ("gray", [0, 0, 0])]
)
def test_colours_and_normalisation(tmp_path: Path, color: str, order: list[int]) -> None:
    described = {"color": color, "scale": 1 / 255, "mean": MEAN, "std": STD}
    classifier, _ = adopted(tmp_path, {"channels": 3}, described)
    assert classifier.metadata.color == ("gray" if color == "gray" else "rgb")
    faces = images(classifier.metadata.channels)
    foreign = (faces[..., order] / 255 - np.array(MEAN)) / np.array(STD)
    expected = expected_logits(foreign.transpose(0, 3, 1, 2))
    assert classifier.logits(faces) == pytest.approx(expected, abs=1e-4)


def test_the_temperature_divides_the_logits(tmp_path: Path) -> None:
    classifier, _ = adopted(tmp_path, {}, {"scale": 0.01}, temperature=2.0)
    logits = classifier.logits(images(1)) / 2
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert classifier.probabilities(images(1)) == pytest.approx(expected, abs=1e-6)


def test_options_state_what_the_file_leaves_open(tmp_path: Path) -> None:
    options = {"sides": ("H", "W"), "stated_channels": "C"}
    described = {"size": SIZE, "color": "gray", "layout": "nchw", "scale": 0.01}
    classifier, _ = adopted(tmp_path, options, described)
    assert (classifier.metadata.input_size, classifier.metadata.channels) == (SIZE, 1)


def test_one_of_several_outputs(tmp_path: Path) -> None:
    options = {"outputs": ("first", "second")}
    with pytest.raises(
        ModelError, match=r"the outputs first \(7\), second \(7\); write which with"
    ):
        adopted(tmp_path, options, {})
    assert not (tmp_path / "adopted.onnx").exists()
    classifier, _ = adopted(tmp_path, options, {"output_name": "second", "scale": 0.01})
    assert classifier.probabilities(images(1)).shape == (5, CLASSES)


def test_inner_names_of_emorec_do_not_clash(tmp_path: Path) -> None:
    """The foreign output is called logits, and its input image."""
    model = foreign_model(outputs=("logits",))
    text = model.SerializeToString().replace(b"pixels", b"images")
    (tmp_path / "foreign.onnx").write_bytes(text)
    adopt(tmp_path / "foreign.onnx", ForeignModel(METADATA_7, scale=0.1), tmp_path / "a.onnx")
    assert EmotionClassifier(tmp_path / "a.onnx").logits(images(1)).shape == (5, CLASSES)


@pytest.mark.parametrize(
    ("options", "described", "message"),
    [
        (
            {"classes": 5},
            {},
            r"7 labels need one output of 7 values .* output scores \(5\); correct",
        ),
        ({}, {"output_name": "none"}, r"no output 'none'; it has the output scores \(7\)"),
        (
            {},
            {"size": 64},
            r"shape \[\?, 1, 8, 8\], which is no square image with .* 64 x 64 pixels",
        ),
        ({"sides": (8, 9)}, {}, "which is no square image"),
        ({"channels": 3}, {}, "state with --color whether it is gray, rgb or bgr"),
        ({}, {"color": "rgb"}, "which is no square image with 3 channels; correct"),
        ({"channels": 3}, {"color": "rgb", "layout": "nhwc"}, "3 channels, nhwc; correct --size"),
        ({"sides": ("H", "W")}, {"layout": "nchw"}, "state it with --size"),
        ({"batch": 4}, {}, "the batch of the input 'pixels' is fixed at 4"),
        (
            {},
            {"mean": (1, 2, 3)},
            "--mean has 3 numbers, but the input has 1 channel; state 1 or 1",
        ),
        (
            {},
            {"output": "probabilities"},
            "was said to be probabilities, but its values on noise are l",
        ),
        (
            {"probabilities": True},
            {"output": "logits"},
            "said to be logits, but .* are probabilities",
        ),
        ({"opset": 7}, {}, "its opset is 7, and emorec needs 8 or later"),
    ],
)
def test_refused_descriptions(tmp_path: Path, options, described, message) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        adopted(tmp_path, options, described)
    assert str(caught.value).startswith(str(tmp_path / "foreign.onnx"))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "adopted.onnx").exists()


def test_a_second_input(tmp_path: Path) -> None:
    model = foreign_model()
    second = helper.make_tensor_value_info("age", TensorProto.FLOAT, [1])
    model.graph.input.append(second)
    assert_refused(tmp_path, model, r"must have one input, an image; it has 2: age, pixels")


def test_constants_among_the_inputs_are_no_inputs(tmp_path: Path) -> None:
    """Files of old versions list them there."""
    model = foreign_model()
    model.ir_version = 3
    for tensor in model.graph.initializer:
        model.graph.input.append(
            helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims))
        )
    onnx.save(model, tmp_path / "foreign.onnx")
    adopt(tmp_path / "foreign.onnx", ForeignModel(METADATA_7), tmp_path / "adopted.onnx")
    assert EmotionClassifier(tmp_path / "adopted.onnx").metadata == replace(
        METADATA_7, input_size=SIZE
    )


@pytest.mark.parametrize("data_type", [TensorProto.FLOAT16, TensorProto.DOUBLE])
def test_a_model_that_computes_with_another_type(tmp_path: Path, data_type: int) -> None:
    model = foreign_model()
    numpy_type = helper.tensor_dtype_to_np_dtype(data_type)
    halved = weights(1).astype(numpy_type)
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(halved, "weights"))
    for tensor in (*model.graph.input, *model.graph.output):
        tensor.type.tensor_type.elem_type = data_type
    onnx.save(model, tmp_path / "foreign.onnx")
    described = ForeignModel(METADATA_7, scale=1 / 255)
    adopt(tmp_path / "foreign.onnx", described, tmp_path / "adopted.onnx")
    found = EmotionClassifier(tmp_path / "adopted.onnx").logits(images(1))
    expected = expected_logits(images(1).transpose(0, 3, 1, 2) / 255)
    assert found == pytest.approx(expected, abs=0.01)


def test_an_input_of_a_wrong_type(tmp_path: Path) -> None:
    model = foreign_model()
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.STRING
    assert_refused(tmp_path, model, "Cast to the type 8 is not allowed")
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.DOUBLE
    assert_refused(tmp_path, model, "with emorec's input and outputs, ONNX Runtime cannot load")


def test_a_flat_input(tmp_path: Path) -> None:
    model = foreign_model()
    del model.graph.input[0].type.tensor_type.shape.dim[1:]
    assert_refused(tmp_path, model, r"must have four dimensions, .* has the shape \[\?\]")


def test_a_model_that_ignores_the_image(tmp_path: Path) -> None:
    model = foreign_model()
    model.graph.initializer[0].CopyFrom(
        numpy_helper.from_array(np.zeros((SIZE * SIZE, CLASSES), np.float32), "weights")
    )
    assert_refused(tmp_path, model, "do not depend on the image; correct --scale")


def test_a_model_that_mixes_the_images_of_a_batch(tmp_path: Path) -> None:
    model = foreign_model()
    mean = helper.make_node("ReduceMean", ["product"], ["mean"], axes=[0], keepdims=1)
    shifted = helper.make_node("Sub", ["product", "mean"], ["shifted"])
    model.graph.node.insert(2, mean)
    model.graph.node.insert(3, shifted)
    model.graph.node[-1].input[0] = "shifted"
    assert_refused(tmp_path, model, "in a batch of 4 images the model returns other values")


def test_a_model_with_metadata(tmp_path: Path) -> None:
    source = write_tiny_model(tmp_path / "tiny.onnx")
    with pytest.raises(ModelError, match="has emorec metadata already; use it as it is"):
        adopt(source, ForeignModel(METADATA), tmp_path / "adopted.onnx")


def test_custom_operators_and_loops(tmp_path: Path) -> None:
    model = foreign_model()
    model.graph.node[-1].domain = "org.example"
    assert_refused(
        tmp_path, model, "the model is refused: it uses the operator Identity of the dom"
    )
    model = foreign_model()
    model.graph.node[-1].op_type = "NonZero"
    assert_refused(tmp_path, model, "it uses the operator NonZero, which is not allowed")


@pytest.mark.parametrize("content", [None, b"", b"no model"])
def test_files_that_are_no_models(tmp_path: Path, content: bytes | None) -> None:
    source = tmp_path / "foreign.onnx"
    if content is not None:
        source.write_bytes(content)
    message = "No such file" if content is None else "not an ONNX file, or a damaged one"
    with pytest.raises(ModelError, match=f"foreign.onnx: {message}"):
        adopt(source, ForeignModel(METADATA_7), tmp_path / "adopted.onnx")


def test_invalid_metadata(tmp_path: Path) -> None:
    metadata = METADATA_7.replaced(name="\ud800")
    source = write_foreign_model(tmp_path / "foreign.onnx")
    with pytest.raises(ModelError, match="name must be text without lone surrogates"):
        adopt(source, ForeignModel(metadata), tmp_path / "adopted.onnx")


def test_a_target_that_cannot_be_written(tmp_path: Path) -> None:
    source = write_foreign_model(tmp_path / "foreign.onnx")
    with pytest.raises(DataError, match="cannot write"):
        adopt(source, ForeignModel(METADATA_7), tmp_path / "none" / "adopted.onnx")


def assert_refused(folder: Path, model: onnx.ModelProto, message: str) -> None:
    source = folder / "foreign.onnx"
    onnx.save(model, source)
    with pytest.raises(ModelError, match=message):
        adopt(source, ForeignModel(METADATA_7), folder / "adopted.onnx")
    assert not (folder / "adopted.onnx").exists()


def test_metadata_are_written(tmp_path: Path) -> None:
    classifier, found = adopted(tmp_path, {}, {}, license="MIT", crop_margin=0.1, version="3")
    assert isinstance(found.metadata, ModelMetadata)
    assert classifier.metadata == found.metadata
    assert (found.metadata.license, found.metadata.version) == ("MIT", "3")
