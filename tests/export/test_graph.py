from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from helpers.metadata_example import METADATA

from emorec.errors import EmorecError, MissingDependencyError
from emorec.export.graph import NEEDED, write_graph
from emorec.modeling.build import build_classifier

pytestmark = pytest.mark.usefixtures("quick_network")

FACES = np.random.default_rng(0).integers(0, 256, (8, 24, 24, 1)).astype(np.float32)


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(0)
    return build_classifier("compact", 7, 24)


def assert_exported(model: keras.Model, path: Path) -> None:
    logits, probabilities = onnxruntime.InferenceSession(path).run(
        ["logits", "probabilities"], {"image": FACES}
    )
    np.testing.assert_allclose(logits, model(FACES), atol=1e-3)
    exponentials = np.exp(logits / METADATA.temperature)
    expected = exponentials / exponentials.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)
    assert not onnx.load(path).metadata_props


def test_logits_and_probabilities(model: keras.Model, tmp_path: Path) -> None:
    write_graph(model, METADATA, tmp_path / "model.onnx")
    assert_exported(model, tmp_path / "model.onnx")


@pytest.mark.slow
def test_other_backends_export_in_a_process_with_tensorflow(
    model: keras.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    write_graph(model, METADATA, tmp_path / "model.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
    monkeypatch.undo()
    assert_exported(model, tmp_path / "model.onnx")


def test_a_failure_of_that_process_is_reported(
    model: keras.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    monkeypatch.setattr("sys.executable", "false")
    with pytest.raises(EmorecError, match="exports to onnx failed: exit code 1"):
        write_graph(model, METADATA, tmp_path / "model.onnx")


def test_a_missing_exporter_is_named(
    model: keras.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(NEEDED, "onnx", ("onnx", "no_such_exporter"))
    with pytest.raises(MissingDependencyError, match=r"needs no_such_exporter; install .* emorec"):
        write_graph(model, METADATA, tmp_path / "model.onnx")
