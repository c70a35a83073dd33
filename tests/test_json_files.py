"""Reading JSON files."""

from pathlib import Path

import pytest

from emorec.errors import DataError
from emorec.json_files import read_json


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read"),
        (b"", "not a JSON file"),
        (b"[1]", "not a JSON object"),
        (b"[" * 10**5, "not a JSON file"),
        (b" " * 101, "too large: a JSON file has at most 100 bytes"),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "a.json"
    if content is not None:
        path.write_bytes(content)
    most = 100 if len(content or b"") == 101 else None
    with pytest.raises(DataError, match=f"a.json: {message}"):
        read_json(path, most)


def test_an_object_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"a": 1}')
    assert read_json(tmp_path / "a.json") == {"a": 1}
