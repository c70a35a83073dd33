"""What several readers share: split names, labels from folders, held-out images, known values."""

from collections import Counter
from pathlib import Path

import pytest
from helpers.checkouts import make_images

from emorec.datasets.readers.rows import HELD_OUT, ReadOptions
from emorec.datasets.readers.shared import (
    draw_missing_splits,
    folder_labels,
    hold_out_validation,
    pixel_csv_files,
    require_known,
    rows_of_files,
)
from emorec.datasets.readers.tree import Tree, read_tree
from emorec.errors import DataError


def empty_tree() -> Tree:
    return Tree(Path("data"), {})


def test_folder_names_become_canonical_emotions() -> None:
    tree = empty_tree()
    assert folder_labels(tree, [], ReadOptions()) == []
    assert folder_labels(tree, ["Joy", "anger", "Joy"], ReadOptions()) == [
        "happy",
        "angry",
        "happy",
    ]
    assert folder_labels(tree, ["Joy"], ReadOptions(keep_labels=True)) == ["Joy"]
    with pytest.raises(DataError, match=r"^data: unknown emotion name 'zen'.*--keep-labels"):
        folder_labels(tree, ["zen"], ReadOptions())


def test_the_share_of_validation_is_held_out_of_train_only() -> None:
    assert hold_out_validation([], [], ReadOptions()) == []
    usages = ["train"] * 20 + ["Training"] * 20 + ["test"] * 10
    labels = (["happy"] * 10 + ["sad"] * 10) * 2 + ["happy"] * 10
    found = hold_out_validation(usages, labels, ReadOptions(validation=0.2))
    held = [row for row, usage in enumerate(found) if usage == HELD_OUT]
    assert Counter(labels[row] for row in held) == {"happy": 4, "sad": 4}
    assert found[40:] == ["test"] * 10
    assert hold_out_validation(usages, labels, ReadOptions(validation=0)) == usages


def test_an_unknown_value_is_named_with_its_row() -> None:
    require_known("usage", [], ("a",), "x.csv", [])
    require_known("usage", ["a", "a"], ("a",), "x.csv", [2, 3])
    with pytest.raises(DataError, match=r"^x\.csv: row 7: unknown usage 'b'; known: a, c$"):
        require_known("usage", ["a", "b", "d"], ("a", "c"), "x.csv", [2, 7, 8])


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], []),
        (["list.csv"], []),
        (["train.csv", "test.csv"], ["train.csv", "test.csv"]),
        (["train.csv", "fer2013.csv.gz", "test.csv"], ["fer2013.csv.gz"]),
        (["icml_face_data.csv", "fer2013.csv"], ["fer2013.csv"]),
    ],
)
def test_the_whole_pixel_file_is_preferred_to_its_parts(
    tmp_path: Path, names: list[str], expected: list[str]
) -> None:
    for name in names:
        (tmp_path / name).write_text("pixels\n")
    assert pixel_csv_files(read_tree(tmp_path)) == expected


def test_rows_of_files_have_the_notes_of_the_tree_last(tmp_path: Path) -> None:
    tree = read_tree(make_images(tmp_path / "data", {"happy": 2}))
    tree.skipped["x"] = "a link"
    names = ["happy/000.png", "happy/001.png"]
    rows = rows_of_files(
        tree, "mine", names, usages=["train"] * 2, labels=["happy"] * 2, notes=["first"]
    )
    assert rows.sources == ["mine", "mine"]
    assert rows.lines == [0, 0]
    assert [image and image.path for image in rows.images] == [f"{tree.place}/{n}" for n in names]
    assert rows.notes == ["first", "a link is not used: 1 (such as 'x')"]


@pytest.mark.parametrize(
    ("usages", "counts", "drawn"),
    [
        ([], {}, {"held-out": 0.1, "test": 0.2}),
        (["train"] * 20, {"train": 14, "held-out": 2, "test": 4}, {"held-out": 0.1, "test": 0.2}),
        (
            ["train"] * 20 + ["test"],
            {"train": 18, "held-out": 2, "test": 1},
            {"held-out": 0.1},
        ),
        (
            ["train"] * 20 + ["validation"],
            {"train": 16, "validation": 1, "test": 4},
            {"test": 0.2},
        ),
        (["validation", "test"], {"validation": 1, "test": 1}, {}),
    ],
)
def test_missing_splits_are_drawn_from_train(
    usages: list[str], counts: dict[str, int], drawn: dict[str, float]
) -> None:
    labels = ["happy", "sad"] * 10 + ["sad"]
    found = draw_missing_splits(usages, labels[: len(usages)], ReadOptions(test=0.2))
    assert (Counter(found[0]), found[1]) == (counts, drawn)
