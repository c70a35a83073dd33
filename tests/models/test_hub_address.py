from pathlib import Path

import pytest

from emorec.models.hub_address import HubAddress, is_hub_address, is_model_file


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("hf://owner/repo", HubAddress("owner", "repo")),
        ("hf:/owner/repo", HubAddress("owner", "repo")),
        ("hf://o-1/r_2.onnx", HubAddress("o-1", "r_2.onnx")),
        ("hf://owner/repo@main", HubAddress("owner", "repo")),
        ("hf://owner/repo@v1.0", HubAddress("owner", "repo", "v1.0")),
        ("hf://owner/repo@refs%2Fpr%2F1", HubAddress("owner", "repo", "refs/pr/1")),
        ("hf://owner/repo/model.onnx", HubAddress("owner", "repo", "main", "model.onnx")),
        ("hf://owner/repo@v1/a b/c.keras", HubAddress("owner", "repo", "v1", "a b/c.keras")),
    ],
)
def test_addresses(text: str, address: HubAddress) -> None:
    assert HubAddress.parse(text) == address
    assert HubAddress.parse(str(address)) == address
    assert HubAddress.parse(str(Path(str(address)))) == address  # as an option of a path has it
    assert is_hub_address(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "model.onnx",
        "hf://",
        "hf://owner",
        "hf://owner/",
        "hf:///repo",
        "hf://owner/repo@",
        "hf://owner/../x",
        "hf://../repo",
        "hf://owner/repo@../../x",
        "hf://owner/repo@a%2F%2Fb",
        "hf://owner/repo@%2e%2e",
        "hf://owner/repo@-x",
        "hf://ow ner/repo",
        "hf://owner/repo\n",
        "https://huggingface.co/owner/repo",
    ],
)
def test_other_texts_are_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="is not an address of the form hf://OWNER/REPO") as caught:
        HubAddress.parse(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "file",
    [
        "/",
        "README.md",
        "model.bin",
        "weights.pkl",
        ".onnx",
        "a/.hidden.onnx",
        "../model.onnx",
        "a/../../model.onnx",
        "a//model.onnx",
        "a\\model.onnx",
        "C:/model.onnx",
        "model.onnx/",
        "model.ONNX",
        "x" * 200 + ".onnx",
    ],
)
def test_other_files_are_refused(file: str) -> None:
    assert not is_model_file(file)
    with pytest.raises(ValueError, match=r"must be an \.onnx or \.keras file"):
        HubAddress.parse(f"hf://owner/repo/{file}")
