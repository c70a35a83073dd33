import json
from pathlib import Path

import pytest

from emorec.errors import DataError
from emorec.outputs.session.session_file import (
    Derivation,
    Session,
    SessionVideo,
    is_session,
    read_session,
)

SESSION = Session(
    status="complete",
    labels=("happy", "sad"),
    model={"name": "m", "version": "1", "file": "m.onnx", "sha256": "0"},
    created="2026-01-01T00:00:00+00:00",
    finished="2026-01-01T00:01:00+00:00",
    versions={"emorec": "1"},
    command=("emorec", "detect", "a\udcff.mp4"),
    settings={"every": 2, "roi": [0, 0, 1, 1]},
    videos=(
        SessionVideo("a.mp4", "x/a.mp4", "/x/a.mp4", 9, None, "0", 25.0, 0.08, 64, 48, 3),
        SessionVideo("camera-0", "0", gaps=((1.0, 2.5),), problem="lost"),
    ),
    derivation=Derivation(0.5, (0.0, 10.0), {("a.mp4", 2): "Anna", ("camera-0", 1): "=x"}),
    files=("frames.csv",),
)


def test_what_is_written_is_read_back(tmp_path: Path):
    SESSION.write(tmp_path)
    assert is_session(tmp_path)
    assert read_session(tmp_path) == SESSION


def test_with_video():
    other = SessionVideo("b.mp4", "b.mp4")
    assert SESSION.with_video(other).videos == (*SESSION.videos, other)
    changed = SessionVideo("a.mp4", "other")
    assert SESSION.with_video(changed).videos == (changed, SESSION.videos[1])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "not a session"),
        ("", "not a session"),
        ("[]", "not a session"),
        ('{"kind": "other"}', "not a session"),
        ('{"kind": "emorec session", "schema_version": 99}', "upgrade"),
        ('{"kind": "emorec session", "schema_version": 1}', "damaged"),
    ],
)
def test_other_files(tmp_path: Path, text: str | None, message: str):
    if text is not None:
        (tmp_path / "session.json").write_text(text)
    with pytest.raises(DataError, match=message):
        read_session(tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [("videos", [{}]), ("labels", [1]), ("derivation", {}), ("max_gap_s", "x"), ("files", None)],
)
def test_damaged_values(tmp_path: Path, key: str, value: object):
    SESSION.write(tmp_path)
    path = tmp_path / "session.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    with pytest.raises(DataError, match="damaged"):
        read_session(tmp_path)
