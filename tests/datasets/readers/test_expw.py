"""ExpW: several faces in a photo."""

from collections import defaultdict
from pathlib import Path

import pytest
from helpers.published_trees import make_expw, write_lines

from emorec.datasets.prepare import prepare_data
from emorec.datasets.readers.registry import read_source
from emorec.errors import DataError
from emorec.types import Box


@pytest.mark.parametrize("images", ["image", "image/origin"])
def test_every_face_has_a_box_and_a_label(tmp_path: Path, images: str) -> None:
    make_expw(tmp_path, images)
    rows = read_source(tmp_path)
    assert rows.names[:3] == [f"{images}/web_{number}.jpg" for number in (0, 0, 1)]
    assert None not in rows.images
    assert [box and box.box for box in rows.boxes or ()][:2] == [
        Box(6, 4, 34, 32),
        Box(7, 5, 34, 32),
    ]
    assert (rows.labels or [])[:6] == ["angry", "angry", "disgust", "disgust", "fear", "fear"]


def test_the_faces_of_a_photo_are_in_one_split(tmp_path: Path) -> None:
    make_expw(tmp_path / "ExpW")
    rows = read_source(tmp_path / "ExpW")
    splits = defaultdict(set)
    for name, usage in zip(rows.names, rows.usages, strict=True):
        splits[name].add(usage)
    assert len(splits) == 30
    assert all(len(found) == 1 for found in splits.values())


@pytest.mark.slow
def test_every_face_is_cut_out(tmp_path: Path, dest: Path) -> None:
    make_expw(tmp_path / "ExpW")
    assert prepare_data(tmp_path / "ExpW", dest).summary["faces"]["faces_cut"] == 33


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a.jpg 0 1 1 9 9 5.0 7", "row 1: unknown expression '7'; known: 0, 1"),
        ("a.jpg 0 9 1 9 9 5.0 6", "row 1: the box is empty"),
        ("a.jpg 0 x 1 9 9 5.0 6", "row 1: the box top,left,right,bottom must be 4 numbers"),
        ("../a.jpg 0 1 1 9 9 5.0 6", "unsafe path"),
        ("a.jpg 0 1 1 9 9 5.0 6\nb.jpg 0 1", "line 2 must have the 8 values path face_id"),
    ],
)
def test_a_broken_list_is_named(tmp_path: Path, line: str, message: str) -> None:
    write_lines(tmp_path / "label.lst", [line])
    with pytest.raises(DataError, match=message):
        read_source(tmp_path)


def test_another_label_list_is_not_expw(tmp_path: Path) -> None:
    write_lines(tmp_path / "label.lst", ["a.jpg 3"])
    with pytest.raises(DataError, match="holds no image and no CSV file"):
        read_source(tmp_path)
