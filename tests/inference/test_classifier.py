import json
import os
import pickle
import threading
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from helpers.onnx_models import (
    METADATA,
    set_metadata,
    tiny_model,
    write_symmetric_model,
    write_tiny_model,
)
from onnx import TensorProto, helper, numpy_helper

from emorec.environment import DEVICE_VARIABLE
from emorec.errors import ConfigError, ModelError
from emorec.inference import classifier, onnx_runtime
from emorec.inference.classifier import BATCH_SIZE, EmotionClassifier
from emorec.inference.devices import DEVICES
from emorec.inference.onnx_runtime import open_session
from emorec.preprocessing import to_input


def by_hand(model: onnx.ModelProto, inputs, temperature: float):
    """Compute the output of the tiny model in NumPy."""
    weights = numpy_helper.to_array(model.graph.initializer[0])
    n, size, _, channels = inputs.shape
    half = size // 2
    quarters = inputs.reshape(n, 2, half, 2, half, channels).mean(axis=(2, 4))
    logits = quarters.transpose(0, 3, 1, 2).reshape(n, 4 * channels) @ weights
    exponentials = np.exp(logits / temperature - (logits / temperature).max(axis=1, keepdims=True))
    return logits, exponentials / exponentials.sum(axis=1, keepdims=True)


@pytest.fixture
def tiny(tmp_path: Path) -> EmotionClassifier:
    return EmotionClassifier(write_tiny_model(tmp_path / "tiny.onnx"))


@pytest.mark.parametrize("n", [0, 1, BATCH_SIZE, 2 * BATCH_SIZE + 3])
def test_batches_match_the_formula(tiny, n):
    inputs = np.random.default_rng(1).integers(0, 256, (n, 48, 48, 1)).astype(np.float32)
    logits, probabilities = by_hand(tiny_model(), inputs, METADATA.temperature)
    assert tiny.logits(inputs).shape == tiny.probabilities(inputs).shape == (n, 8)
    np.testing.assert_allclose(tiny.logits(inputs), logits, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(tiny.probabilities(inputs), probabilities, atol=1e-4)


def test_crops_of_any_size_and_colour(tiny):
    random = np.random.default_rng(2)
    color = random.integers(0, 256, (90, 70, 3)).astype(np.uint8)
    gray = cv2.cvtColor(color, cv2.COLOR_BGR2GRAY)
    assert tiny.classify([]) == []
    from_color, from_gray, single = tiny.classify([color, gray, gray[:1, :1]])
    assert from_color == from_gray
    assert tuple(from_gray.probabilities) == METADATA.labels
    assert sum(single.probabilities.values()) == pytest.approx(1, abs=1e-6)
    inputs = to_input(gray, 48, "gray", "area")[None].astype(np.float32)
    expected = by_hand(tiny_model(), inputs, METADATA.temperature)[1][0]
    assert list(from_gray.probabilities.values()) == pytest.approx(expected.tolist(), abs=1e-4)
    assert all(type(value) is float for value in from_gray.probabilities.values())


def test_a_colour_model_receives_rgb(tmp_path: Path):
    metadata = METADATA.replaced(color="rgb", input_size=32, temperature=1.0)
    classifier_rgb = EmotionClassifier(write_tiny_model(tmp_path / "rgb.onnx", metadata))
    bgr = np.zeros((32, 32, 3), np.uint8)
    bgr[:] = (10, 20, 30)
    inputs = np.full((1, 32, 32, 3), (30, 20, 10), np.float32)
    expected = by_hand(tiny_model(metadata), inputs, 1.0)[1][0]
    (prediction,) = classifier_rgb.classify([bgr])
    assert list(prediction.probabilities.values()) == pytest.approx(expected.tolist(), abs=1e-4)


def saved(path: Path, model: onnx.ModelProto) -> Path:
    path.write_bytes(model.SerializeToString())
    return path


def assert_refused(path: Path, message: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        EmotionClassifier(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"\0" * 100, tiny_model().SerializeToString()[:-700]]
)
def test_bytes_that_are_not_a_model(tmp_path: Path, data):
    path = tmp_path / "broken.onnx"
    path.write_bytes(data)
    assert_refused(path, "not an ONNX file, or a damaged one")


def test_a_missing_model(tmp_path: Path):
    assert_refused(tmp_path / "none.onnx", "no such model file")
    assert_refused(tmp_path, "no such model file")


def test_a_model_over_the_limit_is_not_read(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(classifier, "MAX_FILE_BYTES", 100)
    assert_refused(write_tiny_model(tmp_path / "tiny.onnx"), "models up to 1 GiB")


def test_a_model_without_metadata(tmp_path: Path):
    model = tiny_model()
    del model.metadata_props[:]
    assert_refused(saved(tmp_path / "bare.onnx", model), "has no emorec metadata")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("[]", "not a JSON object"),
        ("{}", "unknown metadata format"),
        (json.dumps({"format": 1, "name": "x"}), "lacks architecture"),
        (METADATA.replaced(labels=("happy", "happy")).to_json(), "labels must be"),
        (METADATA.replaced(temperature=float("nan")).to_json(), "temperature"),
    ],
)
def test_a_model_with_broken_metadata(tmp_path: Path, text, message):
    model = tiny_model()
    set_metadata(model, text)
    assert_refused(saved(tmp_path / "odd.onnx", model), message)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": METADATA.labels[:7]}, r"'logits' must be .*\['batch', 7\]"),
        ({"input_size": 64}, r"'image' must be .*\['batch', 64, 64, 1\]"),
        ({"color": "rgb"}, r"'image' must be .*\['batch', 48, 48, 3\]"),
    ],
)
def test_tensors_that_contradict_the_metadata(tmp_path: Path, changes, message):
    model = tiny_model()
    set_metadata(model, METADATA.replaced(**changes).to_json())
    assert_refused(saved(tmp_path / "odd.onnx", model), message)


def rename(model: onnx.ModelProto, old: str, new: str) -> None:
    for names in (*(n.input for n in model.graph.node), *(n.output for n in model.graph.node)):
        names[:] = [new if name == old else name for name in names]
    for value in (*model.graph.input, *model.graph.output):
        value.name = new if value.name == old else value.name


def test_tensors_with_other_names(tmp_path: Path):
    for old, message in (("image", "one input 'image'"), ("logits", "no output 'logits'")):
        model = tiny_model()
        rename(model, old, "other")
        assert_refused(saved(tmp_path / f"{old}.onnx", model), message)


def test_a_second_input(tmp_path: Path):
    model = tiny_model()
    model.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, [1]))
    assert_refused(saved(tmp_path / "two.onnx", model), r"it has \['image', 'more'\]")


def test_a_batch_of_fixed_size(tmp_path: Path):
    model = tiny_model()
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 1
    assert_refused(saved(tmp_path / "one.onnx", model), r"'image' must be tensor\(float\)")


def test_an_input_of_bytes(tmp_path: Path):
    model = tiny_model()
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8
    model.graph.node[0].input[0] = "floats"
    model.graph.node.insert(
        0, helper.make_node("Cast", ["image"], ["floats"], to=TensorProto.FLOAT)
    )
    assert_refused(saved(tmp_path / "bytes.onnx", model), r"it is tensor\(uint8\)")


@pytest.mark.parametrize("place", ["weights.bin", "../weights.bin", "sub/../weights.bin"])
def test_weights_in_another_file_are_not_loaded(tmp_path: Path, monkeypatch, place):
    """ONNX Runtime would load them from the current folder, whatever that holds."""
    model = tiny_model()
    (tmp_path / "sub").mkdir()
    for at in (tmp_path, tmp_path.parent):
        (at / "weights.bin").write_bytes(bytes(4 * 4 * 8))
    (weights, _) = model.graph.initializer
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    entry = weights.external_data.add()
    entry.key, entry.value = "location", place
    monkeypatch.chdir(tmp_path)
    assert_refused(saved(tmp_path / "outside.onnx", model), "stored in another file")


@pytest.mark.skipif(os.name != "posix", reason="file names are bytes on POSIX only")
def test_a_model_whose_name_is_not_utf_8(tmp_path: Path):
    path = write_tiny_model(tmp_path / "tiny.onnx").rename(
        tmp_path / os.fsdecode(b"latin\xe9.onnx")
    )
    EmotionClassifier(path).classify([np.zeros((48, 48), np.uint8)])


def test_values_that_are_not_finite(tmp_path: Path):
    model = tiny_model()
    weights = model.graph.initializer[0]
    weights.CopyFrom(numpy_helper.from_array(np.full((4, 8), np.nan, np.float32), "weights"))
    broken = EmotionClassifier(saved(tmp_path / "nan.onnx", model))
    with pytest.raises(ModelError, match="finite numbers"):
        broken.classify([np.zeros((48, 48), np.uint8)])


def test_inputs_of_another_shape(tiny):
    with pytest.raises(ModelError, match="failed on its input") as caught:
        tiny.probabilities(np.zeros((1, 40, 48, 1), np.float32))
    assert "\n" not in str(caught.value)


def test_a_path_that_is_no_text(tmp_path: Path):
    path = write_tiny_model(tmp_path / os.fsdecode(b"caf\xe9.onnx"))
    assert EmotionClassifier(path).metadata == METADATA


def test_large_images_get_smaller_batches(tmp_path: Path, monkeypatch):
    path = write_tiny_model(tmp_path / "tiny.onnx")
    images = np.random.default_rng(0).integers(0, 256, (5, 48, 48, 1)).astype(np.float32)
    expected = EmotionClassifier(path).probabilities(images)
    monkeypatch.setattr(classifier, "_MAX_BATCH_VALUES", 2 * 48 * 48)
    smaller = EmotionClassifier(path)
    assert smaller._batch_size == 2
    np.testing.assert_allclose(smaller.probabilities(images), expected, rtol=1e-5)


# Mirror images


@pytest.mark.parametrize("prior", [None, 0.7])
def test_flip_averages_the_logits_of_both_images(tmp_path: Path, prior):
    shares = np.arange(1, 9) / 36
    metadata = METADATA.replaced(prior=tuple(shares.tolist()))
    path = write_tiny_model(tmp_path / "tiny.onnx", metadata)
    images = np.random.default_rng(3).integers(0, 256, (5, 48, 48, 1)).astype(np.float32)
    mean = (
        by_hand(tiny_model(), images, 1.0)[0] + by_hand(tiny_model(), images[:, :, ::-1], 1.0)[0]
    ) / 2
    exponentials = np.exp(mean / METADATA.temperature - (prior or 0) * np.log(shares))
    expected = exponentials / exponentials.sum(axis=1, keepdims=True)
    model = EmotionClassifier(path, prior=prior, flip=True)
    assert model.flip
    np.testing.assert_allclose(model.logits(images), mean, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(model.probabilities(images), expected, atol=1e-4)
    assert model.probabilities(images).dtype == np.float32
    gray = images[0, :, :, 0].astype(np.uint8)
    both = model.classify([gray, np.ascontiguousarray(gray[:, ::-1])])
    one, other = (list(prediction.probabilities.values()) for prediction in both)
    assert one == pytest.approx(other, abs=1e-6)
    plain = EmotionClassifier(path, prior=prior)
    assert not plain.flip
    assert np.abs(plain.logits(images) - mean).max() > 0.01


def test_flip_is_off_for_a_model_that_averages_itself(tmp_path: Path):
    assert not EmotionClassifier(write_symmetric_model(tmp_path / "even.onnx"), flip=True).flip


# Devices


def test_unknown_devices(tmp_path: Path, monkeypatch):
    path = write_tiny_model(tmp_path / "tiny.onnx")
    with pytest.raises(ConfigError, match="unknown device 'gpu'"):
        EmotionClassifier(path, device="gpu")
    monkeypatch.setenv(DEVICE_VARIABLE, "gpu")
    with pytest.raises(ConfigError, match="EMOREC_DEVICE: unknown device 'gpu'"):
        EmotionClassifier(path)


def test_device_and_flip_are_pickled(tmp_path: Path, monkeypatch):
    monkeypatch.setenv(DEVICE_VARIABLE, "cpu")
    model = EmotionClassifier(write_tiny_model(tmp_path / "tiny.onnx"), flip=True)
    assert model.device == "cpu"
    data = pickle.dumps(model)
    requests = []
    monkeypatch.delenv(DEVICE_VARIABLE)
    monkeypatch.setattr(
        onnx_runtime, "open_session", lambda *a: requests.append(a[2]) or open_session(*a)
    )
    assert pickle.loads(data).flip
    EmotionClassifier(tmp_path / "tiny.onnx")
    assert requests == ["cpu", "auto"]


def test_a_device_that_is_not_thread_safe_runs_one_call_at_a_time(tmp_path: Path, monkeypatch):
    running, most = 0, 0

    class Session:
        def __init__(self, session):
            self.get_inputs, self.get_outputs = session.get_inputs, session.get_outputs
            self.session = session

        def run(self, *arguments):
            nonlocal running, most
            running += 1
            most = max(most, running)
            started.wait(0.05)
            running -= 1
            return self.session.run(*arguments)

    started = threading.Event()  # never set: a short pause
    monkeypatch.setattr(
        onnx_runtime,
        "open_session",
        lambda data, options, _: (
            Session(open_session(data, options, "cpu")[0]),
            DEVICES["directml"],
        ),
    )
    model = EmotionClassifier(write_tiny_model(tmp_path / "tiny.onnx"))
    images = np.zeros((1, 48, 48, 1), np.float32)
    threads = [threading.Thread(target=model.logits, args=(images,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
