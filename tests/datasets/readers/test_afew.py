"""AFEW as frames of clips, the aligned faces of SFEW, and the plain folders of SFEW."""

from collections import defaultdict
from pathlib import Path

import pytest
from helpers.checkouts import counts, make_images
from helpers.published_trees import make_afew

from emorec.datasets.prepare import prepare_data
from emorec.datasets.readers.registry import read_source, recognize
from emorec.datasets.readers.rows import ReadOptions
from emorec.datasets.readers.tree import read_tree
from emorec.errors import DataError


@pytest.mark.slow
def test_a_clip_is_in_one_split_and_validation_is_kept(tmp_path: Path, dest: Path) -> None:
    make_afew(tmp_path / "AFEW")
    prepare_data(tmp_path / "AFEW", dest, read_options=ReadOptions(test=0.2))
    assert counts(dest) == {
        "train": {"angry": 16, "happy": 16},
        "validation": {"angry": 2, "happy": 2},
        "test": {"angry": 4, "happy": 4},
    }
    rows = read_source(tmp_path / "AFEW")
    clips = defaultdict(set)
    for clip, usage in zip(rows.groups or (), rows.usages, strict=True):
        clips[clip].add(usage)
    assert len(clips) == 22
    assert all(len(usages) == 1 for usages in clips.values())


def test_videos_beside_frames(tmp_path: Path) -> None:
    make_afew(tmp_path)
    (tmp_path / "Train_AFEW/Angry/A0000.avi").write_bytes(b"RIFF")
    (tmp_path / "Train_AFEW/Angry/new.avi").write_bytes(b"RIFF")
    rows = read_source(tmp_path)
    assert rows.notes == ["videos without a folder of frames: 1 (Train_AFEW/Angry/new.avi)"]
    assert rows.left_out == ["Train_AFEW/Angry/new.avi"]


def test_videos_alone_are_answered_with_how_to_extract_frames(tmp_path: Path) -> None:
    clip = tmp_path / "Val_AFEW/Sad/000046280.avi"
    clip.parent.mkdir(parents=True)
    clip.write_bytes(b"RIFF")
    message = (
        "1 videos and no frames; .*: mkdir Val_AFEW/Sad/000046280; "
        "ffmpeg -i Val_AFEW/Sad/000046280.avi"
    )
    with pytest.raises(DataError, match=message):
        read_source(tmp_path)


def test_test_images_without_a_class_have_no_label(tmp_path: Path) -> None:
    make_afew(tmp_path)
    make_images(tmp_path, {"Test_AFEW/000000001": 3})
    rows = read_source(tmp_path)
    assert [
        label for label, u in zip(rows.labels or (), rows.usages, strict=True) if u == "test"
    ] == ["", "", ""]


def test_the_aligned_faces_of_sfew(tmp_path: Path) -> None:
    make_images(tmp_path, {"Train_Aligned_Faces/Angry": 9, "Val_Aligned_Faces_new/Angry": 2})
    make_images(tmp_path, {"Train_Aligned_Faces/Fear": 9, "Val_Aligned_Faces_new/Fear": 1})
    rows = read_source(tmp_path)
    assert rows.sources[0] == "afew"
    assert rows.groups is None
    assert rows.usages.count("validation") == 3


def test_the_plain_folders_of_sfew_are_split_folders(tmp_path: Path) -> None:
    make_images(tmp_path, {"Train/Angry": 9, "Train/Happy": 9, "Val/Angry": 2, "Val/Happy": 1})
    recognized = recognize(read_tree(tmp_path))
    assert recognized
    assert recognized[0] == "fer2013-folders"
    rows = read_source(tmp_path)
    assert rows.usages.count("validation") == 3
    forced = read_source(tmp_path, ReadOptions(layout="afew"))
    assert (forced.usages, forced.labels) == (rows.usages, rows.labels)
