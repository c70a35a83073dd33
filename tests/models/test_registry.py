import hashlib
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from emorec import resources
from emorec.detection.haar import CASCADES
from emorec.errors import ModelError
from emorec.models.files import read_metadata
from emorec.models.registry import (
    CASCADE,
    DETECTOR,
    EMOTIONS,
    SUMS,
    TRAINABLE,
    ModelFile,
    hash_of,
    shipped,
)

ROOT = Path(__file__).resolve().parents[2]


def test_every_shipped_file_is_listed_and_valid():
    """For a new model: (cd emorec/models && sha256sum *.keras *.onnx > SHA256SUMS)."""
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
    assert resources.shipped_model() in [file.path for file in files if file.kind == EMOTIONS]
    (detector,) = (file for file in files if file.kind == DETECTOR)
    assert (detector.name, detector.path) == ("yunet", resources.shipped_face_detector())
    assert len({file.name for file in files}) == len(files)


@pytest.mark.parametrize("file", shipped(), ids=lambda file: file.name)
def test_contract_of_an_entry(file: ModelFile):
    assert file.kind in (EMOTIONS, TRAINABLE, CASCADE, DETECTOR)
    assert file.path.suffix == {CASCADE: ".xml", TRAINABLE: ".keras"}.get(file.kind, ".onnx")
    assert len(bytes.fromhex(file.sha256)) == 32
    assert file.address == ""
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


def test_the_sources_name_every_model_file():
    text = (resources.shipped_model().parent / "SOURCES.md").read_text(encoding="utf-8")
    for file in shipped():
        assert file.kind == CASCADE or file.path.name in text


def test_yunet_is_the_file_of_its_authors_with_their_licence():
    (file,) = (file for file in shipped() if file.kind == DETECTOR)
    assert file.sha256 == "ebafce4e3c118d6554634be5c27ab333b4c047a9a8c3faf1d7cf93101c22f0f0"
    licence = file.path.with_name("yunet-LICENSE.txt").read_text(encoding="utf-8")
    assert licence.startswith("MIT License\n\nCopyright (c) 2020 Shiqi Yu")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "emorec/models/yunet-LICENSE.txt" in project["license-files"]
