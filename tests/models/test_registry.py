import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from emorec import resources
from emorec.detection.haar import CASCADES
from emorec.errors import ModelError
from emorec.models import registry
from emorec.models.files import read_metadata
from emorec.models.registry import (
    CASCADE,
    DETECTOR,
    EMOTIONS,
    SUMS,
    TRAINABLE,
    ModelFile,
    detector_model,
    fetchable,
    hash_of,
    shipped,
)

ROOT = Path(__file__).resolve().parents[2]


def test_every_shipped_file_is_listed_and_valid():
    """For a new model: (cd emorec/models && sha256sum emorec-compact.* > SHA256SUMS)."""
    files = {file.path: file for file in shipped()}
    there = {
        path
        for folder in (resources.folder("cascades"), resources.shipped_model().parent)
        for path in folder.iterdir()
        if path.suffix in (".xml", ".onnx", ".keras")
    }
    assert set(files) == there
    assert [file.problem() for file in files.values()] == [None] * len(files)


def test_names_are_those_of_the_options():
    files = shipped()
    assert {file.name for file in files if file.kind == CASCADE} >= set(CASCADES)
    (model,) = (file for file in files if file.kind == EMOTIONS)
    assert model.path == resources.shipped_model()
    assert len({file.name for file in (*files, *fetchable().values())}) == len(files) + 1


@pytest.mark.parametrize("file", [*shipped(), *fetchable().values()], ids=lambda file: file.name)
def test_contract_of_an_entry(file: ModelFile):
    assert file.kind in (EMOTIONS, TRAINABLE, CASCADE, DETECTOR)
    assert file.path.suffix == {CASCADE: ".xml", TRAINABLE: ".keras"}.get(file.kind, ".onnx")
    assert len(bytes.fromhex(file.sha256)) == 32
    assert bool(file.url) == bool(file.size) == (file.kind == DETECTOR)
    if file.kind in (EMOTIONS, TRAINABLE):
        assert read_metadata(file.path).license
    else:
        assert file.license
    assert file.fix


def test_the_sources_name_every_cascade_with_its_hash():
    text = (ROOT / "cascades" / "SOURCES.md").read_text(encoding="utf-8")
    for file in shipped():
        if file.kind == CASCADE:
            (row,) = (line for line in text.splitlines() if f"| {file.path.name} |" in line)
            assert row.endswith(f"| {file.sha256} |")


@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, "missing"), (b"", "damaged or changed"), (b"right", None), (b"wrong", "damaged")],
)
def test_problems(tmp_path: Path, content, problem):
    path = tmp_path / "model.onnx"
    if content is not None:
        path.write_bytes(content)
    file = replace(shipped()[0], path=path, sha256=hashlib.sha256(b"right").hexdigest())
    found = file.problem()
    assert found is None if problem is None else problem in found
    assert "reinstall emorec" in file.fix


@pytest.mark.parametrize("sums", [None, "nonsense", "\xff"])
def test_a_broken_list_of_hashes(tmp_path: Path, monkeypatch, sums):
    monkeypatch.setattr(resources, "folder", lambda name: tmp_path)
    if sums is not None:
        (tmp_path / SUMS).write_text(sums, encoding="latin-1")
    with pytest.raises(ModelError, match="reinstall emorec"):
        shipped()


def test_the_hash_of_a_folder_is_an_error(tmp_path: Path):
    with pytest.raises(ModelError, match=r"directory"):
        hash_of(tmp_path)


def test_the_model_of_a_detector(tmp_path: Path, monkeypatch):
    monkeypatch.setenv(resources.CACHE_FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(ModelError, match="not fetched; fetch it with: emorec models pull yunet"):
        detector_model("yunet")
    path = fetchable()["yunet"].path
    path.parent.mkdir()
    path.write_bytes(b"changed")
    with pytest.raises(ModelError, match="damaged or changed; fetch it with"):
        detector_model("yunet")
    right = replace(fetchable()["yunet"], sha256=hash_of(path))
    monkeypatch.setattr(registry, "fetchable", lambda: {"yunet": right})
    assert detector_model("yunet") == path


@pytest.mark.real
def test_the_pinned_hash_is_that_of_the_real_file(shared_data: Path):
    (path,) = (shared_data / "yunet").glob("*.onnx")
    model = fetchable()["yunet"]
    assert (path.name, path.stat().st_size) == (model.path.name, model.size)
    assert hash_of(path) == model.sha256
