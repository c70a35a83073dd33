"""One folder of images for each class: splits and labels."""

from pathlib import Path

import pytest
from helpers.checkouts import counts, make_images

from emorec.datasets.manifest import read_prepared
from emorec.datasets.prepare import prepare_data
from emorec.datasets.prepare_options import PrepareOptions
from emorec.datasets.readers.rows import ReadOptions
from emorec.errors import DataError


def test_folders_are_split_by_class(tmp_path: Path, dest: Path) -> None:
    root = make_images(tmp_path / "mine", {"Anger": 20, "joy": 40, "Neutrality/deep/er": 10})
    prepare_data(root, dest)
    assert counts(dest) == {
        "train": {"angry": 16, "happy": 32, "neutral": 8},
        "validation": {"angry": 2, "happy": 4, "neutral": 1},
        "test": {"angry": 2, "happy": 4, "neutral": 1},
    }


def refused(root: Path, dest: Path, keep_labels: bool = False) -> str:
    with pytest.raises(DataError) as caught:
        prepare_data(root, dest, read_options=ReadOptions(keep_labels=keep_labels))
    assert not dest.exists()
    return str(caught.value)


@pytest.mark.parametrize("keep_labels", [False, True])
def test_split_names_are_never_classes(tmp_path: Path, dest: Path, keep_labels: bool) -> None:
    root = make_images(tmp_path / "loose", {"training": 10, "Dev": 10})
    assert "Dev, training is the name of a split" in refused(root, dest, keep_labels)
    root = make_images(tmp_path / "deep", {"a/train/happy": 9, "a/eval/happy": 9, "b/train/sad": 9})
    message = refused(root, dest, keep_labels)
    assert f"one level deeper, in a, b; name that instead: emorec prepare-data {root}/a" in message
    root = make_images(tmp_path / "between", {"train/faces/happy": 9, "train/faces/sad": 9})
    prepare_data(root, dest, read_options=ReadOptions(keep_labels=keep_labels))
    assert set(counts(dest)["train"]) == {"happy", "sad"}


def test_the_folder_to_name_is_right_inside_a_download(tmp_path: Path, dest: Path) -> None:
    make_images(tmp_path / "x", {"archive/a/train/happy": 9, "archive/b/test/happy": 9})
    assert f"emorec prepare-data {tmp_path}/x/archive/a" in refused(tmp_path / "x", dest)


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        ({}, "holds no image and no CSV file"),
        ({"happy": 0, "sad": 0}, "holds no image and no CSV file"),
        ({"happy": 20}, "all images have the label 'happy'; two or more classes are needed"),
        ({"joy": 20, "happiness": 20}, "all images have the label 'happy'"),
        ({"happy": 20, "sad": 20, "fear": 0}, "the class folder fear holds no image"),
        ({"happy": 20, "sad": 3}, "the class 'sad' has 3 images, too few for a share of 0.1 for v"),
        ({"stuff": 20}, "all images are in one folder ("),
        ({".": 20}, "all images are in one folder ("),
        ({"train/happy": 20, "train/sad": 20, "train/fear": 0}, "class folder train/fear holds no"),
        ({"train/happy": 20, "train/sad": 4}, "the class 'sad' has 4 images, too few for a share"),
        ({"train/happy": 20, "test/happy": 20}, "all images have the label 'happy'"),
        (
            {"train/happy": 20, "train/sad": 20, "test/fear": 2, "test/happy": 2},
            "the class 'fear' has 2 images, none of them in train",
        ),
    ],
)
def test_classes_that_cannot_be_used_are_named(
    tmp_path: Path, dest: Path, folders: dict[str, int], message: str
) -> None:
    (tmp_path / "mine").mkdir()
    assert message in refused(make_images(tmp_path / "mine", folders), dest)


def test_loose_images_are_left_out(tmp_path: Path, dest: Path) -> None:
    root = make_images(tmp_path / "mine", {"happy": 10, "sad": 10, ".": 2})
    (root / "sad/notes.txt").write_text("no image")
    summary = prepare_data(root, dest).summary
    assert summary["notes"] == ["left out: 2 .png (such as 000.png), 1 .txt"]
    assert summary["left_out"] == {".png": 2, ".txt": 1}
    with pytest.raises(DataError, match=r"strict: left out: 2 \.png"):
        prepare_data(root, dest.with_name("strict"), PrepareOptions(strict=True))
    # A further file is named although the images are the same.
    (root / "more.md").write_text("no image")
    assert prepare_data(root, dest).summary["left_out"] == {".png": 2, ".txt": 1, ".md": 1}


def test_unknown_names_are_an_error_unless_kept(tmp_path: Path, dest: Path) -> None:
    root = make_images(tmp_path / "mine", {"Anger": 10, "bored": 10})
    with pytest.raises(DataError, match=r"unknown emotion name 'bored'; known .*--keep-labels"):
        prepare_data(root, dest)
    summary = prepare_data(root, dest, read_options=ReadOptions(keep_labels=True)).summary
    assert counts(dest)["train"] == {"Anger": 8, "bored": 8}
    assert (summary["classes"], summary["policy"]) == (None, None)
    assert read_prepared(dest).examples("train").class_names == ("Anger", "bored")
