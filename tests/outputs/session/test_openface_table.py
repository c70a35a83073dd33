"""openface.csv, read as OpenFace's wiki describes its output (Output Format)."""

import csv
from pathlib import Path

from helpers.example_sessions import TWO_PEOPLE

BASIC = ["frame", "face_id", "timestamp", "confidence", "success"]
"""Columns that the wiki lists first, for sequences with several faces."""


def read_openface(path: Path) -> dict[tuple[int, int], dict[str, str]]:
    """Read the rows by frame and face; fails where a value is not as documented."""
    with path.open(newline="") as file:
        rows = csv.reader(file)
        names = next(rows)
        assert names[: len(BASIC)] == BASIC
        found = {}
        for cells in rows:
            row = dict(zip(names, cells, strict=True))
            frame, face = int(row["frame"]), int(row["face_id"])
            assert frame >= 1, "the number of the frame, from 1"
            assert float(row["timestamp"]) >= 0
            assert 0 <= float(row["confidence"]) <= 1
            assert row["success"] in ("0", "1")
            assert (frame, face) not in found
            found[frame, face] = row
    return found


def test_rows(one_video: Path):
    found = read_openface(one_video / "openface.csv")
    expected = {(n, id_) for n, faces in enumerate(TWO_PEOPLE, 1) for id_ in faces} | {(5, 0)}
    assert set(found) == expected
    face = found[2, 2]
    assert (face["timestamp"], face["confidence"], face["success"]) == ("0.1", "0.9", "1")
    assert (face["person"], face["emotion"], face["emotion_confidence"]) == (
        "a.avi-2",
        "sad",
        "0.75",
    )
    nobody = found[5, 0]
    assert (nobody["success"], nobody["confidence"], nobody["emotion"]) == ("0", "0", "")


def test_each_video_has_its_own(two_videos: Path):
    for name in ("a.avi.openface.csv", "camera-0.openface.csv"):
        assert len(read_openface(two_videos / name)) == 8
    assert not (two_videos / "openface.csv").exists()
