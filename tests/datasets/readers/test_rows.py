"""The rows of raw data: options of reading, and merging several data sets."""

from collections import Counter
from pathlib import Path

import pytest
from helpers.checkouts import (
    ROWS,
    SAD,
    make_checkout,
    make_images,
    manifest_rows,
    tree,
)

from emorec.datasets.manifest import read_prepared
from emorec.datasets.prepare import prepare_data
from emorec.datasets.readers.registry import read_source
from emorec.datasets.readers.rows import ReadOptions, merge
from emorec.errors import ConfigError, DataError


@pytest.mark.parametrize("shares", [(-0.1, 0.1), (0.1, 1.0), (0.5, 0.5), (float("nan"), 0.1)])
def test_shares_must_leave_something_to_train(shares: tuple[float, float]) -> None:
    with pytest.raises(ConfigError, match="sum to less than 1"):
        ReadOptions(validation=shares[0], test=shares[1])


def test_unknown_vote_files_are_refused() -> None:
    with pytest.raises(ConfigError, match="unknown vote files 'csv'; did you mean 'label-csv'"):
        ReadOptions(votes="csv")


def test_one_data_set_is_merged_as_it_is(tmp_path: Path) -> None:
    rows = read_source(make_images(tmp_path / "mine", {"happy": 2, "sad": 2}))
    assert merge([rows]) is rows


def test_gaps_keep_their_rows(tmp_path: Path) -> None:
    mine = read_source(make_images(tmp_path / "mine", {"happy": 2, "sad": 2}))
    ferplus = make_checkout(tmp_path / "FERPlus")
    for image in (ferplus / "output/FER2013Test").iterdir():
        image.unlink()
    merged = merge([mine, read_source(ferplus)])
    assert [gap.rows for gap in merged.gaps] == [[9, 10]]
    assert [merged.names[row] for row in merged.gaps[0].rows] == [
        "fer0000006.png",
        "fer0000007.png",
    ]
    assert merged.nameless == {"Training": 1}


def test_votes_and_labels_are_combined(tmp_path: Path, dest: Path) -> None:
    ferplus = make_checkout(tmp_path / "FERPlus", [*ROWS, ("Training", "007.png", SAD)])
    mine = make_images(tmp_path / "mine", {"happy": 10, "sadness": 10})
    more = make_images(tmp_path / "more", {"sad": 10, "anger": 10})
    summary = prepare_data([ferplus, mine, more], dest).summary
    assert summary["source"] == "ferplus, folders, folders-2"
    rows = manifest_rows(dest)
    assert Counter(row["source"] for row in rows) == {"ferplus": 8, "folders": 20, "folders-2": 20}
    assert len({row["path"] for row in rows}) == len(rows) == 48
    assert len([path for path in tree(dest) if path.endswith(".png")]) == 48
    by_source = {row["source"]: row for row in rows if row["label"] == "happy"}
    assert by_source["folders"]["votes_happy"] == "10"
    data = read_prepared(dest)
    hard = data.examples("train", "majority")
    assert hard.targets.sum() == len(hard.paths)
    assert not prepare_data([ferplus, mine, more], dest).changed
    with pytest.raises(DataError, match="choose another --out"):
        prepare_data([ferplus, mine], dest)


def test_own_labels_cannot_be_combined_with_votes(tmp_path: Path, dest: Path) -> None:
    ferplus = make_checkout(tmp_path / "FERPlus")
    mine = make_images(tmp_path / "mine", {"bored": 10, "happy": 10})
    with pytest.raises(ConfigError, match="'bored' is not an emotion and cannot be combined"):
        prepare_data([ferplus, mine], dest, read_options=ReadOptions(keep_labels=True))
