from pathlib import Path

import pytest
from helpers.onnx_models import METADATA, write_tiny_model

from emorec import resources
from emorec.cli.model_table import model_entries, table_lines
from emorec.models import files
from emorec.models.files import find_model
from emorec.models.registry import CASCADE, EMOTIONS, ModelFile, hash_of

KEYS = (
    *("name", "kind", "version", "size", "multiply_adds", "accuracy", "balanced_accuracy"),
    *("milliseconds_per_face", "license", "state", "fix", "path", "sha256"),
)


def entry(**values: object) -> dict[str, object]:
    return dict.fromkeys(KEYS) | {"kind": EMOTIONS, "state": "ok", "size": 1_000_000} | values


def test_no_files() -> None:
    assert table_lines([])[0].split()[:2] == ["name", "version"]


def test_two_tables() -> None:
    figures = {"multiply_adds": 65_000_000, "accuracy": 0.8826, "balanced_accuracy": 0.775}
    lines = table_lines(
        [
            entry(name="nano", version="1", license="MIT", **figures),
            entry(
                name="alt", kind=CASCADE, license="BSD", state="missing", fix="reinstall", size=None
            ),
        ]
    )
    assert lines[:2] == [
        "name  version  size     multiply-adds  accuracy  balanced  state  license",
        "nano  1        1.00 MB  65 M           88.3%     77.5%     ok     MIT",
    ]
    assert lines[3:5] == [
        "name  kind          size  state    license",
        "alt   Haar cascade  -     missing  BSD",
    ]
    assert lines[-1] == "alt: missing; reinstall"


def test_measured_times() -> None:
    lines = table_lines([entry(name="nano", milliseconds_per_face=1.234)], measured=True)
    assert lines[0].split()[-3:] == ["ms/face", "state", "license"]
    assert lines[1].split()[-3:] == ["1.23", "ok", "-"]
    assert lines[-1].startswith("ms/face: ")


def test_untrusted_texts_are_made_safe() -> None:
    lines = table_lines([entry(name="a\nb", license="\x1b[2J", version="1\t2")])
    assert lines[1].startswith("a b ")
    assert lines[1].endswith("?[2J")


@pytest.fixture
def family(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with two emotion models."""
    folder = tmp_path / "models"
    folder.mkdir()
    sums = []
    for name in ("emorec-compact", "emorec-nano"):
        path = write_tiny_model(folder / f"{name}.onnx", METADATA.replaced(name=name))
        sums.append(f"{hash_of(path)}  {path.name}\n")
    (folder / "SHA256SUMS").write_text("".join(sums))
    (folder / "accuracy.json").write_text('{"models": {}}')
    monkeypatch.setattr(resources, "shipped_model", lambda: folder / "emorec-compact.onnx")
    monkeypatch.setenv(resources.CACHE_VARIABLE, str(tmp_path / "cache"))
    return folder


def test_a_family_of_models(family: Path) -> None:
    entries = model_entries()[:2]
    assert [each["name"] for each in entries] == ["emorec-compact", "emorec-nano"]
    assert [each["accuracy"] for each in entries] == [None, None]
    assert find_model("emorec-nano") == family / "emorec-nano.onnx"


def test_a_pulled_model_that_cannot_be_read(
    family: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"no model")
    name = "hf://o/r/model.onnx"
    pulled = ModelFile(name, EMOTIONS, path, hash_of(path), address=name)
    monkeypatch.setattr(files, "pulled_models", lambda: [pulled])
    *others, found = model_entries()
    assert {each["state"] for each in others} == {"ok"}
    assert (found["name"], found["size"]) == (name, 8)
    assert "not an ONNX file, or a damaged one" in found["state"]
