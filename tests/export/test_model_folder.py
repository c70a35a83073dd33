import importlib
import importlib.util
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from helpers.metadata_example import METADATA

from emorec.errors import DataError, MissingDependencyError, ModelError
from emorec.export import model_folder
from emorec.export.graph import require_exporter
from emorec.export.model_folder import METADATA_FILE, export_folder
from emorec.export.runtimes import RUNTIME_FORMATS
from emorec.metadata import ModelMetadata
from emorec.modeling.build import build_classifier
from emorec.modeling.flip_ensemble import flip_averaged

FACES = np.random.default_rng(0).integers(0, 256, (8, 24, 24, 1), dtype=np.uint8)

FILES = {
    "openvino": {"model.xml", "model.bin"},
    "litert": {"model.tflite"},
    "tf_saved_model": {"saved_model.pb", "fingerprint.pb", "variables", "assets"},
}


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(0)
    return flip_averaged(build_classifier("compact", 7, 24))


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNTIME_FORMATS)
def test_each_format_runs_as_in_keras(model: keras.Model, tmp_path: Path, name: str) -> None:
    if name == "openvino" and importlib.util.find_spec("openvino") is None:
        pytest.skip("needs 180 MB more; see CONTRIBUTING.md")
    target = tmp_path / "exported"
    assert export_folder(model, METADATA, FACES, target, name) < 1e-4
    assert {path.name for path in target.iterdir()} == FILES[name] | {METADATA_FILE}
    text = (target / METADATA_FILE).read_text("utf-8")
    assert ModelMetadata.from_json(text, "x") == METADATA
    assert [path.name for path in tmp_path.iterdir()] == ["exported"]
    # One image as well as several.
    chosen = RUNTIME_FORMATS[name]
    logits, _ = chosen.open(target / chosen.file)(FACES[:1].astype(np.float32))
    np.testing.assert_allclose(logits, model(FACES[:1].astype(np.float32)), atol=1e-4)


def stub_writer(model: object, metadata: object, path: Path, export_format: str) -> None:
    path.write_bytes(b"no model")


def test_nothing_is_written_if_the_runtime_cannot_load_it(
    model: keras.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_folder, "write_graph", stub_writer)
    with pytest.raises(ModelError, match="LiteRT cannot load the exported model"):
        export_folder(model, METADATA, FACES, tmp_path / "exported", "litert")
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_stays(
    model: keras.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_folder, "write_graph", stub_writer)
    monkeypatch.setattr(model_folder, "compare_outputs", lambda *_: 0.0)
    monkeypatch.setattr(type(RUNTIME_FORMATS["litert"]), "open", lambda *_: None)
    target = tmp_path / "exported"
    target.mkdir()
    with pytest.raises(DataError, match="exported exists already; name another folder"):
        export_folder(model, METADATA, FACES, target, "litert")
    assert [path.name for path in tmp_path.rglob("*")] == ["exported"]
    with pytest.raises(DataError, match="cannot write: No such file"):
        export_folder(model, METADATA, FACES, tmp_path / "no" / "exported", "litert")


@pytest.mark.parametrize("name", RUNTIME_FORMATS)
def test_a_missing_package_is_named(
    model: keras.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingDependencyError, match=r"needs tensorflow.*; install with: .*train"):
        export_folder(model, METADATA, FACES, tmp_path / "exported", name)
    assert list(tmp_path.iterdir()) == []


def test_openvino_is_installed_by_its_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "openvino" else found(name)
    )
    with pytest.raises(MissingDependencyError, match="install with: pip install openvino, then"):
        require_exporter("openvino")


def test_the_telemetry_of_openvino_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    monkeypatch.delitem(sys.modules, "openvino_telemetry", raising=False)
    require_exporter("openvino")
    with pytest.raises(ImportError):
        importlib.import_module("openvino_telemetry")
