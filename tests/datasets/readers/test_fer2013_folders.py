"""FER-2013 as a folder tree: the validation split, given or held out."""

from pathlib import Path

from helpers.checkouts import counts, make_images

from emorec.datasets.manifest import read_prepared
from emorec.datasets.prepare import prepare_data

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
