"""summary.json as it is read: what it may hold, and the framing of the crops."""

import json
from pathlib import Path

import pytest

from emorec.datasets.summary_file import Framing, framing_of, parse_summary, read_summary
from emorec.errors import DataError


def test_a_folder_without_a_summary(tmp_path: Path):
    assert read_summary(tmp_path) == {}
    assert framing_of({}) is None


@pytest.mark.parametrize(
    ("faces", "framing"),
    [
        (None, None),
        ({"mode": "none"}, None),
        ({"margin": None, "align": None}, None),
        ({"margin": 0, "align": True, "detector": "yunet"}, Framing(0.0, True)),
        ({"margin": -0.25, "align": False, "detector": "haar", "a": 1}, Framing(-0.25, False)),
    ],
)
def test_the_framing_of_the_crops(tmp_path: Path, faces, framing):
    (tmp_path / "summary.json").write_text(json.dumps({"faces": faces}))
    assert framing_of(read_summary(tmp_path)) == framing


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot read the summary"),
        ("\ud800", "cannot read the summary"),
        ("[" * 100_000, "cannot read the summary"),
        ("[]", "the summary is not a JSON object"),
        ('{"faces": [1]}', "invalid settings of faces"),
        ('{"faces": {"margin": true, "align": true}}', "invalid settings of faces"),
        ('{"faces": {"margin": 2.5, "align": true}}', "invalid settings of faces"),
        ('{"faces": {"margin": NaN, "align": true}}', "invalid settings of faces"),
        ('{"faces": {"margin": 0, "align": "on"}}', "invalid settings of faces"),
        ('{"faces": {"margin": 0, "align": true}}', "invalid settings of faces"),
        ('{"faces": {"margin": 0}}', "invalid settings of faces"),
        ('{"faces": {"mode": 1}}', "invalid settings of faces"),
        ('{"faces": {"median_share": "8 %"}}', "invalid settings of faces"),
        ('{"faces": {"photos": 1}}', "invalid settings of faces"),
    ],
)
def test_a_broken_summary_is_a_clear_error(text: str, message: str):
    with pytest.raises(DataError, match=f"summary.json: {message}") as caught:
        parse_summary("summary.json", text.encode("utf-8", "surrogatepass"))
    assert "\n" not in str(caught.value)
