from pathlib import Path

import pytest
from helpers.example_records import LABELS
from helpers.example_sessions import HAPPY, SAD, session_frame

from emorec.errors import DataError
from emorec.outputs.session.frame_table import csv_line, frame_lines, read_frames
from emorec.outputs.session.session_columns import FRAMES, header

FRAMES_OF_ALL_KINDS = [
    session_frame("a.mp4", 0, 0.0, 0.04, {}),
    session_frame("a.mp4", 1, 0.04, 0.04, {"=1+1": HAPPY, "a,b": SAD}),
    session_frame("b.mp4", 1, 0.1, 1.0, {"Anna": SAD}),
]


def write(path: Path, text: str = "") -> Path:
    lines = "".join(frame_lines(frame, LABELS) for frame in FRAMES_OF_ALL_KINDS)
    path.write_text(csv_line(header(FRAMES, LABELS)) + lines + text)
    return path


def test_what_is_written_is_read_back(tmp_path: Path):
    path = write(tmp_path / FRAMES)
    assert list(read_frames(path, LABELS)) == FRAMES_OF_ALL_KINDS
    rows = path.read_text().splitlines()
    assert len(rows) == 1 + 1 + 2 + 1
    assert rows[1] == "a.mp4,,,0,0.0,0.04,,,,,,,true,,,,,,,"
    assert "'=1+1" in rows[2]


def test_a_torn_last_line_is_passed_over(tmp_path: Path):
    path = write(tmp_path / FRAMES, "b.mp4,Anna,1,2,0.2")
    assert list(read_frames(path, LABELS)) == FRAMES_OF_ALL_KINDS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "columns"),
        ("a,b\n", "columns"),
        (csv_line(header(FRAMES, ("happy",))), "columns"),
        (csv_line(header(FRAMES, LABELS)) + "a,b,c\n", "line 2"),
        (csv_line(header(FRAMES, LABELS)) + "a,p,1,x,0,0\n", "line 2"),
        (csv_line(header(FRAMES, LABELS)) + "\x00\n", "line"),
    ],
)
def test_files_that_are_none(tmp_path: Path, text: str, message: str):
    path = tmp_path / FRAMES
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        list(read_frames(path, LABELS))


def test_a_missing_file(tmp_path: Path):
    with pytest.raises(DataError, match="cannot be read"):
        list(read_frames(tmp_path / FRAMES, LABELS))
