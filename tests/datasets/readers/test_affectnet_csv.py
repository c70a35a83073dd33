"""AffectNet as lists: boxes, landmarks and expressions."""

from pathlib import Path

import pytest
from helpers.checkouts import counts
from helpers.published_trees import (
    AFFECTNET_HEADER,
    affectnet_row,
    make_affectnet_csv,
    write_images,
    write_lines,
)

from emorec.datasets.prepare import prepare_data
from emorec.datasets.prepare_options import PrepareOptions
from emorec.datasets.readers.registry import read_source
from emorec.datasets.readers.rows import ReadOptions
from emorec.errors import DataError
from emorec.types import Box


@pytest.mark.slow
def test_faces_are_cut_out_by_the_boxes(tmp_path: Path, dest: Path) -> None:
    make_affectnet_csv(tmp_path / "AffectNet")
    options = PrepareOptions(faces="boxes", crop_margin=0, align="off")
    summary = prepare_data(
        tmp_path / "AffectNet", dest, options, read_options=ReadOptions(test=0)
    ).summary
    assert summary["faces"]["faces_cut"] == 33
    assert counts(dest)["validation"] == {
        **dict.fromkeys(("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"), 1),
        "": 4,
    }
    assert summary["unlabelled"]["validation"] == {
        "contempt": 1,
        "no face": 1,
        "none": 1,
        "uncertain": 1,
    }


def test_the_points_of_the_face_are_means_of_the_landmarks(tmp_path: Path) -> None:
    make_affectnet_csv(tmp_path)
    (first, *_) = read_source(tmp_path).boxes or ()
    assert first is not None
    assert first.box == Box(4, 5, 30, 32)
    assert first.landmarks is not None
    # Point n of the list is at (n, 2n); the right eye has the points 36 to 41.
    assert first.landmarks.points == {
        "right_eye": (38.5, 77),
        "left_eye": (44.5, 89),
        "nose": (30, 60),
        "right_mouth": (48, 96),
        "left_mouth": (54, 108),
    }


@pytest.mark.parametrize("box", ["NULL,NULL,NULL,NULL", "0,0,0,0", ",,,", "1e9,1,5,5"])
def test_rows_without_a_usable_box_have_none(tmp_path: Path, box: str) -> None:
    rows = [affectnet_row("a/1.jpg", 1, box), affectnet_row("a/2.jpg", 10, box)]
    write_lines(tmp_path / "lists/training.csv", [AFFECTNET_HEADER, *rows])
    write_images(tmp_path / "Manually_Annotated/Manually_Annotated_Images", ["a/1.jpg", "a/2.jpg"])
    found = read_source(tmp_path, ReadOptions(validation=0, test=0))
    assert found.boxes == [None, None]
    assert None not in found.images
    assert found.notes == ["rows without a usable box of the face: 1"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "the file has a header and no rows"),
        ([affectnet_row("a.jpg", 11)], "row 2: unknown expression '11'; known: 0 to 10"),
        ([affectnet_row("a.jpg", 1), ",,"], "row 3 has 3 values; the header names 9 columns"),
        ([affectnet_row("/etc/a.jpg", 1)], "row 2: unsafe path '/etc/a.jpg'"),
        ([affectnet_row("a/../../a.jpg", 1)], "unsafe path"),
        ([affectnet_row("a\\\\a.jpg", 1)], "unsafe path"),
        (['"a.jpg'], "row 2: not CSV"),
        (["x" * 70_000], "row 2|line 2: a list has at most 64 KiB in a line"),
    ],
)
def test_a_broken_list_is_named(tmp_path: Path, rows: list[str], message: str) -> None:
    write_lines(tmp_path / "validation.csv", [AFFECTNET_HEADER, *rows])
    with pytest.raises(DataError, match=message):
        read_source(tmp_path)


def test_a_list_alone_is_refused(tmp_path: Path) -> None:
    make_affectnet_csv(tmp_path)
    with pytest.raises(DataError, match="name the folder that holds this list"):
        read_source(tmp_path / "training.csv")
