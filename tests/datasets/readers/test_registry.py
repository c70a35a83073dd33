"""Recognising what users download: each layout, nested and forced, and its labels."""

from pathlib import Path

import pytest
from helpers.checkouts import FOLDERS, HAPPY, ROWS, counts, csv_text, make_checkout, make_images

from emorec.datasets.manifest import read_prepared
from emorec.datasets.prepare import prepare_data
from emorec.datasets.readers.registry import LAYOUTS, read_source
from emorec.datasets.readers.rows import ReadOptions
from emorec.errors import ConfigError, DataError


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    return tmp_path / "out"


def test_nothing_is_no_layout(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no known layout \(ferplus: fer2013new"):
        read_source(tmp_path)
    with pytest.raises(ConfigError, match="unknown layout 'mine'; choose one of ferplus"):
        read_source(tmp_path, ReadOptions(layout="mine"))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_forced_layout_says_what_it_misses(tmp_path: Path, layout: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "notes.txt").write_text("no data")
    with pytest.raises(DataError):
        read_source(tmp_path, ReadOptions(layout=layout))


@pytest.mark.parametrize("shares", [(-0.1, 0.1), (0.1, 1.0), (0.5, 0.5), (float("nan"), 0.1)])
def test_shares_must_leave_something_to_train(shares: tuple[float, float]) -> None:
    with pytest.raises(ConfigError, match="sum to less than 1"):
        ReadOptions(validation=shares[0], test=shares[1])


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


def label_csv(rows: list[tuple[str, tuple[int, ...]]]) -> str:
    return "".join(f'{name},"(0, 0, 48, 48)",{",".join(map(str, votes))}\n' for name, votes in rows)


def test_votes_of_label_csv_are_read_when_asked_for(tmp_path: Path, dest: Path) -> None:
    root = make_checkout(tmp_path / "FERPlus", parent="data")
    for usage, folder in FOLDERS.items():
        # Other votes than fer2013new.csv: everybody is happy here.
        names = [name for row_usage, name, _ in ROWS if row_usage == usage and name]
        (root / "data" / folder / "label.csv").write_text(label_csv([(n, HAPPY) for n in names]))
    summary = prepare_data(root, dest, read_options=ReadOptions(votes="label-csv")).summary
    assert summary["source"] == "ferplus-label-csv"
    assert counts(dest) == {"train": {"happy": 3}, "validation": {"happy": 2}, "test": {"happy": 2}}
    prepare_data(root, tmp_path / "new")
    assert counts(tmp_path / "new")["train"] == {"happy": 1, "sad": 1, "": 1}
    (root / "data" / FOLDERS["Training"] / "label.csv").unlink()
    summary = prepare_data(root, dest, read_options=ReadOptions(votes="label-csv")).summary
    assert summary["notes"] == ["FER2013Train/label.csv is missing: no Training image is read"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        ("a.png,box,1,2\n", "row 1 has 4 values; the header names 12"),
        (label_csv([("../a.png", HAPPY)]), "row 1: '../a.png' is not a plain file name"),
        (label_csv([("a.png", ("x",) * 10)]), "a vote must be a whole number"),
    ],
)
def test_broken_label_csv_files_are_refused(
    tmp_path: Path, dest: Path, content: str, message: str
) -> None:
    root = make_checkout(tmp_path / "FERPlus")
    (root / "output" / "FER2013Train" / "label.csv").write_text(content)
    with pytest.raises(DataError, match=message):
        prepare_data(root, dest, read_options=ReadOptions(votes="label-csv"))


def test_no_label_csv_at_all_is_an_error(tmp_path: Path, dest: Path) -> None:
    with pytest.raises(DataError, match=r"no FER2013Train/label\.csv"):
        prepare_data(
            make_checkout(tmp_path / "x"), dest, read_options=ReadOptions(votes="label-csv")
        )


def test_votes_that_no_source_could_use_are_an_error(tmp_path: Path, dest: Path) -> None:
    root = make_images(tmp_path / "mine", {"happy": 2, "sad": 2})
    with pytest.raises(ConfigError, match=r"name fer2013\.csv as SOURCE"):
        prepare_data(root, dest, read_options=ReadOptions(ferplus_csv=tmp_path / "fer2013new.csv"))
    with pytest.raises(ConfigError, match="applies to a FERPlus checkout only"):
        prepare_data(root, dest, read_options=ReadOptions(votes="label-csv"))


def test_csv_text_is_what_ferplus_writes(tmp_path: Path) -> None:
    # With a byte order mark and CRLF, as spreadsheets save it.
    root = make_checkout(tmp_path / "FERPlus")
    text = csv_text(ROWS).replace("\n", "\r\n")
    (root / "fer2013new.csv").write_text("\ufeff" + text, encoding="utf-8", newline="")
    source = read_source(root)
    assert source.names == [name for _, name, _ in ROWS if name]
