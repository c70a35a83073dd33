"""One folder of images for each class: splits and labels."""

from pathlib import Path

import pytest
from helpers.checkouts import counts, make_images

from emorec.datasets.manifest import read_prepared
from emorec.datasets.prepare import prepare_data
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


def test_unknown_names_are_an_error_unless_kept(tmp_path: Path, dest: Path) -> None:
    root = make_images(tmp_path / "mine", {"Anger": 10, "bored": 10})
    with pytest.raises(DataError, match=r"unknown emotion name 'bored'; known .*--keep-labels"):
        prepare_data(root, dest)
    summary = prepare_data(root, dest, read_options=ReadOptions(keep_labels=True)).summary
    assert counts(dest)["train"] == {"Anger": 8, "bored": 8}
    assert (summary["classes"], summary["policy"]) == (None, None)
    assert read_prepared(dest).examples("train").class_names == ("Anger", "bored")
