import json
from pathlib import Path

import pytest
from helpers.onnx_models import write_tiny_model

from emorec import resources
from emorec.errors import ModelError
from emorec.models.files import find_model, listed_models
from emorec.models.hub_address import HubAddress
from emorec.models.pulled import (
    PullRecord,
    find_pulled,
    hub_folder,
    model_file,
    pulled_models,
    read_record,
    stored_path,
    write_record,
)
from emorec.models.registry import EMOTIONS, TRAINABLE, hash_of


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(resources.CACHE_VARIABLE, str(tmp_path / "cache"))


def store(text: str) -> HubAddress:
    """Store a file as a pull from an address does."""
    address = HubAddress.parse(text)
    path = stored_path(address)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_tiny_model(path)
    write_record(address, PullRecord("c" * 40, hash_of(path), path.stat().st_size, "2026-01-01"))
    return address


def test_nothing_was_pulled() -> None:
    assert pulled_models() == []
    assert model_file(HubAddress("o", "r", file="m.onnx")) is None
    with pytest.raises(
        ModelError, match="not pulled yet; fetch it with: emorec models pull hf://o/r"
    ):
        find_model("hf://o/r")


def test_the_list_of_pulled_models() -> None:
    texts = ["hf://o/a/m.onnx", "hf://o/a/sub/m.keras", "hf://o/b@refs%2Fpr%2F1/m.onnx"]
    addresses = [store(text) for text in texts]
    found = pulled_models()
    assert [file.name for file in found] == texts
    assert [file.kind for file in found] == [EMOTIONS, TRAINABLE, EMOTIONS]
    assert [file.path for file in found] == [stored_path(address) for address in addresses]
    assert listed_models()[-3:] == found
    assert all(hub_folder() in file.path.parents for file in found)


@pytest.mark.parametrize(
    ("text", "formats", "name"),
    [
        ("hf://o/a", ("onnx", "keras"), "m.onnx"),
        ("hf://o/a", ("keras", "onnx"), "m.keras"),
        ("hf:/o/a", ("onnx",), "m.onnx"),
        ("hf://o/a/m.keras", ("onnx", "keras"), "m.keras"),
        ("hf://o/a@main/m.onnx", ("onnx",), "m.onnx"),
    ],
)
def test_an_address_names_a_file(text: str, formats: tuple[str, ...], name: str) -> None:
    store("hf://o/a/m.onnx")
    store("hf://o/a/m.keras")
    store("hf://o/a@v2/other.onnx")
    assert find_pulled(text, formats).name == name


@pytest.mark.parametrize(
    ("text", "formats", "message"),
    [
        ("hf://o", ("onnx",), "is not an address of the form"),
        ("hf://o/a@v3", ("onnx",), "hf://o/a@v3: not pulled yet"),
        ("hf://o/ab", ("onnx",), "hf://o/ab: not pulled yet"),
        ("hf://o/a/m.keras", ("onnx",), "not pulled yet"),
        ("hf://o/a", ("keras",), "hf://o/a/m.onnx: the model must be a .keras file"),
    ],
)
def test_refused_addresses(text: str, formats: tuple[str, ...], message: str) -> None:
    store("hf://o/a/m.onnx")
    with pytest.raises(ModelError, match=message):
        find_pulled(text, formats)


def test_a_file_that_is_gone_or_changed() -> None:
    path = stored_path(store("hf://o/a/m.onnx"))
    path.write_bytes(b"other")
    advice = "fetch it again with: emorec models pull hf://o/a/m.onnx"
    with pytest.raises(ModelError, match=f"damaged or changed; {advice}"):
        find_pulled("hf://o/a", ("onnx",))
    path.unlink()
    with pytest.raises(ModelError, match=f"missing; {advice}"):
        find_pulled("hf://o/a", ("onnx",))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "[" * 10_000,
        json.dumps({"commit": "c", "sha256": "x", "size": 1, "pulled": ""}),
        json.dumps({"commit": 1, "sha256": "a" * 64, "size": 1, "pulled": ""}),
        json.dumps({"commit": "c", "sha256": "a" * 64, "size": "1", "pulled": ""}),
    ],
)
def test_a_damaged_record_is_none(text: str) -> None:
    address = store("hf://o/a/m.onnx")
    path = stored_path(address)
    path.with_name("m.onnx.json").write_text(text)
    assert read_record(address) is None
    assert pulled_models() == []


def test_other_files_in_the_folder_are_ignored() -> None:
    store("hf://o/a/m.onnx")
    for name in ("o/a/main/x.json", "o/a/main/.hidden.onnx.json", "o/stray.json", "x/y/z/w.bin"):
        path = hub_folder() / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    assert [file.name for file in pulled_models()] == ["hf://o/a/m.onnx"]
