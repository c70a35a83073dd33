"""Which folder is a split, and which a class."""

from pathlib import Path

import pytest
from helpers.checkouts import make_images, zipped

from emorec.datasets.readers.split_folders import (
    SplitImages,
    find_split_images,
    split_folders_below,
    split_of,
)
from emorec.datasets.readers.tree import Tree, read_tree
from emorec.errors import DataError


def found_in(root: Path, counts: dict[str, int]) -> SplitImages | None:
    return find_split_images(read_tree(make_images(root, counts)))


def places(found: SplitImages | None) -> dict[str, tuple[str, str]]:
    assert found is not None
    rows = zip(found.names, found.splits, found.classes, strict=True)
    return {name: (split, label) for name, split, label in rows}


@pytest.mark.parametrize(
    ("split", "names"),
    [
        ("train", ["train", "training", "Train", "TRAINING"]),
        ("validation", ["val", "valid", "validation", "dev", "eval", "Val", "DEV", "PublicTest"]),
        ("test", ["test", "testing", "Test", "PrivateTest"]),
        (None, ["", "tests", "happy", "train ", "trainval", "archive"]),
    ],
)
def test_splits_by_name_in_any_case(split: str | None, names: list[str]) -> None:
    assert [split_of(name) for name in names] == [split] * len(names)


def test_no_images_are_no_split_folders(tmp_path: Path) -> None:
    assert find_split_images(Tree(tmp_path, {})) is None
    assert found_in(tmp_path / "a", {"happy": 1, "sad": 1}) is None
    assert found_in(tmp_path / "b", {"train": 1, "test": 1}) is None


@pytest.mark.parametrize("name", ["val", "valid", "validation", "dev", "eval", "Dev", "VALID"])
def test_every_name_of_validation_is_its_own_split(tmp_path: Path, name: str) -> None:
    found = found_in(tmp_path / "data", {"train/happy": 2, f"{name}/happy": 1, "test/happy": 1})
    assert places(found)[f"{name}/happy/000.png"] == ("validation", "happy")
    assert sorted(found.splits if found else ()) == ["test", "train", "train", "validation"]


def test_folders_inside_a_class_folder_belong_to_the_class(tmp_path: Path) -> None:
    found = found_in(
        tmp_path / "data", {"train/happy": 1, "train/happy/batch2": 1, "train/happy/b/c/d": 1}
    )
    assert set(places(found).values()) == {("train", "happy")}
    assert len(places(found)) == 3


def test_the_split_at_the_top_decides(tmp_path: Path) -> None:
    found = found_in(tmp_path / "data", {"train/happy/test": 2, "train/sad": 1})
    assert places(found)["train/happy/test/000.png"] == ("train", "happy")
    assert found is not None
    assert found.notes == [
        "folders named like a split inside a class folder count as part of the class: 1 (such as "
        "train/happy/test)"
    ]


def test_classes_that_differ_in_case_only_are_one(tmp_path: Path) -> None:
    found = found_in(tmp_path / "data", {"Test/HAPPY": 1, "train/Happy": 1, "val/happy": 1})
    assert found is not None
    assert found.classes == ["Happy"] * 3


def test_a_folder_between_splits_and_emotions_is_passed_over(tmp_path: Path) -> None:
    found = found_in(
        tmp_path / "data",
        {"train/images/happy": 1, "train/images/sad/x": 1, "test/images/happy": 1, "val/sad": 1},
    )
    assert sorted(places(found).values()) == [
        ("test", "happy"),
        ("train", "happy"),
        ("train", "sad"),
        ("validation", "sad"),
    ]


def test_hidden_files_and_loose_images_are_not_taken(tmp_path: Path) -> None:
    root = make_images(tmp_path / "data", {"train/happy": 1, "train": 1, "train/.cache/x": 1})
    (root / "train/happy/._000.png").write_bytes(b"x")
    assert list(places(find_split_images(read_tree(root)))) == ["train/happy/000.png"]


def test_a_zip_archive_is_read_alike(tmp_path: Path) -> None:
    root = make_images(tmp_path / "data", {"train/happy": 2, "val/happy": 1})
    (root / "train/fear").mkdir()
    archive = read_tree(zipped(root, tmp_path / "data.zip")).subtree("data")
    assert find_split_images(archive) == find_split_images(read_tree(root))


def test_empty_class_folders_are_found(tmp_path: Path) -> None:
    root = make_images(tmp_path / "data", {"train/happy": 1, "test/happy": 1, "train/docs": 0})
    for folder in ("train/fear", "test/fear", "train/notes", "test/Happy/x", "val"):
        (root / folder).mkdir(parents=True)
    (root / "train/notes/a.txt").write_text("no class")
    found = find_split_images(read_tree(root))
    assert found is not None
    assert found.empty_classes == ["test/fear", "train/docs"]
    assert found.notes == ["the folder val holds no image in a class folder"]


def test_splits_in_a_split_folder_name_the_right_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"the folder train holds split folders itself \(test, va"):
        found_in(
            tmp_path / "a", {"train/happy": 1, "train/val/happy": 1, "train/test/x": 1, "test/x": 1}
        )
    # A folder around the data set may be named like a split.
    assert found_in(tmp_path / "b", {"test/train/happy": 1, "test/test/happy": 1}) is None


def test_class_folders_beside_split_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"class folders \(sad\) lie beside split folders \(train"):
        found_in(tmp_path / "data", {"train/happy": 1, "sad": 1})


def test_split_folders_one_level_deeper_are_found(tmp_path: Path) -> None:
    root = make_images(tmp_path / "data", {"b/train/happy": 1, "a/Dev/x": 1, "c/happy": 1})
    assert split_folders_below(read_tree(root)) == ["a", "b"]
    assert split_folders_below(Tree(tmp_path, {})) == []
