"""FER-2013 as a folder tree: the validation split, given or held out."""

from pathlib import Path

import pytest
from helpers.checkouts import counts, make_images

from emorec.datasets.manifest import read_prepared
from emorec.datasets.prepare import prepare_data
from emorec.datasets.readers.rows import ReadOptions

FER_TREE = {"train/angry": 20, "train/happy": 30, "test/angry": 2, "test/happy": 3}


def test_fer2013_folders_hold_out_what_training_would(tmp_path: Path, dest: Path) -> None:
    root = make_images(tmp_path / "fer2013", FER_TREE)
    prepare_data(root, dest)
    assert counts(dest) == {
        "train": {"angry": 18, "happy": 27},
        "validation": {"angry": 2, "happy": 3},
        "test": {"angry": 2, "happy": 3},
    }
    raw, prepared = read_prepared(root), read_prepared(dest)
    for split in ("train", "validation", "test"):
        ours = [path.relative_to(dest) for path in prepared.examples(split).paths]
        assert ours == [path.relative_to(root) for path in raw.examples(split).paths]


def test_fer2013_folders_with_validation_keep_it(tmp_path: Path, dest: Path) -> None:
    root = make_images(tmp_path / "fer2013", {**FER_TREE, "Validation/Happy": 4})
    prepare_data(tmp_path / "fer2013", dest)
    assert counts(dest)["validation"] == {"happy": 4}
    assert counts(dest)["train"] == {"angry": 20, "happy": 30}
    assert (dest / "test/happy").is_dir()
    assert root.is_dir()


@pytest.mark.parametrize("name", ["val", "valid", "validation", "dev", "eval", "DEV"])
def test_an_own_validation_folder_is_read_alike_raw_and_prepared(
    tmp_path: Path, dest: Path, name: str
) -> None:
    folders = {
        "training/happy/batch2": 24,
        "training/sad": 24,
        f"{name}/happy": 5,
        f"{name}/Sad": 3,
    }
    root = make_images(tmp_path / "raw", {**folders, "Testing/happy": 2, "Testing/sad": 1})
    prepare_data(root, dest)
    assert counts(dest) == {
        "train": {"happy": 24, "sad": 24},
        "validation": {"happy": 5, "sad": 3},
        "test": {"happy": 2, "sad": 1},
    }
    raw, prepared = read_prepared(root), read_prepared(dest)
    for split in ("train", "validation", "test"):
        expected = prepared.examples(split).targets.sum(axis=0).tolist()
        assert raw.examples(split).targets.sum(axis=0).tolist() == expected


def test_without_a_test_folder_the_share_of_the_options_is_held_out(
    tmp_path: Path, dest: Path
) -> None:
    root = make_images(tmp_path / "a", {"train/happy": 20, "train/sad": 40})
    prepare_data(root, dest)
    assert counts(dest) == {
        "train": {"happy": 16, "sad": 32},
        "validation": {"happy": 2, "sad": 4},
        "test": {"happy": 2, "sad": 4},
    }
    held_out = [path.name for path in read_prepared(root).examples("validation").paths]
    assert [p.name for p in read_prepared(dest).examples("validation").paths] == held_out
    make_images(tmp_path / "b", {"train/happy": 20, "train/sad": 40, "val/happy": 3, "val/sad": 1})
    prepare_data(tmp_path / "b", dest.with_name("c"), read_options=ReadOptions(test=0))
    assert counts(dest.with_name("c")) == {
        "train": {"happy": 20, "sad": 40},
        "validation": {"happy": 3, "sad": 1},
    }
