"""Addresses of data sets for Hugging Face datasets."""

from pathlib import Path

import pytest

from emorec.datasets.dataset_address import is_address, local_path, parse_address
from emorec.errors import DataError


@pytest.mark.parametrize(
    ("text", "name", "revision"),
    [
        ("hf:owner/fer2013", "owner/fer2013", None),
        ("hf://owner/fer2013", "owner/fer2013", None),
        ("hf:fer2013", "fer2013", None),
        ("hf:owner/set@v1.0", "owner/set", "v1.0"),
        ("hf:owner/set@refs/pr/1", "owner/set", "refs/pr/1"),
    ],
)
def test_names_on_the_hub(text: str, name: str, revision: str | None) -> None:
    place = Path(text)
    assert is_address(place)
    assert parse_address(place) == (None, name, revision)


def test_what_exists_is_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "owner/set").mkdir(parents=True)
    assert parse_address(Path(f"hf:{tmp_path}")).folder == tmp_path
    monkeypatch.chdir(tmp_path)
    for text in ("hf:owner/set", "hf:./owner/set"):
        assert parse_address(Path(text)).folder == Path("owner/set")
    assert local_path(Path("hf:owner/set")) == Path("owner/set")


@pytest.mark.parametrize("text", ["hf:", "hf:a/b/c", "hf:../x", "hf:a b", "hf:-x/y"])
def test_what_is_neither(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="no such folder, and no name on the Hugging Face hub"):
        parse_address(Path(text))


def test_other_paths_are_no_addresses() -> None:
    for text in ("FERPlus", "a/hf:x", "hf"):
        assert not is_address(Path(text))
        assert local_path(Path(text)) == Path(text)
