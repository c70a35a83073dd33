"""A prepared data set as a source: nothing of its manifest is lost."""

from pathlib import Path

import pytest
from helpers.checkouts import counts, make_checkout, make_images, manifest_rows, zipped

from emorec.datasets.manifest import read_prepared
from emorec.datasets.prepare import prepare_data
from emorec.datasets.prepare_options import PrepareOptions
from emorec.datasets.readers.registry import read_source
from emorec.errors import DataError


def test_votes_usages_and_sources_are_kept(tmp_path: Path, dest: Path) -> None:
    first = tmp_path / "first"
    mine = make_images(tmp_path / "mine", {"happy": 10, "sad": 10})
    prepare_data([make_checkout(tmp_path / "FERPlus"), mine], first)
    summary = prepare_data(first, dest).summary
    assert (dest / "manifest.csv").read_bytes() == (first / "manifest.csv").read_bytes()
    assert {row["source"] for row in manifest_rows(dest)} == {"ferplus", "folders"}
    assert read_prepared(dest).votes is not None
    assert (summary["notes"], summary["left_out"]) == ([], {})
    assert not prepare_data(first, dest).changed


def test_groups_stay(tmp_path: Path, dest: Path) -> None:
    mine = make_images(tmp_path / "mine", {"x": 4})
    people = ["ann", "ann", "", "bob"]
    lines = [f"x/{i:03}.png,happy,train,{person}" for i, person in enumerate(people)]
    (mine / "list.csv").write_text("\n".join(["path,label,split,group", *lines]))
    prepare_data(mine, tmp_path / "first")
    prepare_data(tmp_path / "first", dest)
    for folder in (tmp_path / "first", dest):
        groups = read_prepared(folder).groups
        assert groups is not None
        assert groups.tolist() == people
    # A name in two data sets is two people.
    other = make_images(tmp_path / "other", {"happy": 10, "sad": 10})
    prepare_data([tmp_path / "first", mine, other], tmp_path / "both")
    rows = manifest_rows(tmp_path / "both")
    assert [row["group"] for row in rows[:8]] == [
        *("1/ann", "1/ann", "", "1/bob"),
        *("2/ann", "2/ann", "", "2/bob"),
    ]
    # Happy and sad have the same images.
    assert {row["group"] for row in rows[8:]} == {f"3/burst-{number}" for number in range(1, 11)}


def test_another_policy_uses_the_votes(tmp_path: Path, dest: Path) -> None:
    prepare_data(make_checkout(tmp_path / "FERPlus"), tmp_path / "first")
    prepare_data(tmp_path / "first", dest, PrepareOptions(policy="majority", classes=8))
    prepare_data(tmp_path / "FERPlus", tmp_path / "direct", PrepareOptions("majority", 8))
    assert counts(dest) == counts(tmp_path / "direct")


def test_labels_and_held_out_images_are_kept(tmp_path: Path, dest: Path) -> None:
    make_images(tmp_path / "raw", {"train/happy": 20, "train/sad": 20, "test/sad": 3})
    prepare_data(tmp_path / "raw", tmp_path / "first")
    prepare_data(zipped(tmp_path / "first", tmp_path / "first.zip"), dest)
    assert (dest / "manifest.csv").read_bytes() == (tmp_path / "first/manifest.csv").read_bytes()
    assert "held-out" in read_source(tmp_path / "first").usages


def test_files_that_the_manifest_does_not_list_are_left_out(tmp_path: Path, dest: Path) -> None:
    prepare_data(make_checkout(tmp_path / "FERPlus"), tmp_path / "first")
    (tmp_path / "first/train/happy/new.png").write_bytes(b"x")
    (tmp_path / "first/report.html").write_text("ours")
    summary = prepare_data(tmp_path / "first", dest).summary
    assert summary["notes"] == ["left out: 1 .png (such as train/happy/new.png)"]
    assert summary["left_out"] == {".png": 1}


def test_columns_of_the_user_are_named(tmp_path: Path, dest: Path) -> None:
    prepare_data(make_checkout(tmp_path / "FERPlus"), tmp_path / "first")
    manifest = tmp_path / "first/manifest.csv"
    lines = manifest.read_text().splitlines()
    manifest.write_text("\n".join([f"{lines[0]},age", *(f"{line},30" for line in lines[1:])]))
    notes = prepare_data(tmp_path / "first", dest).summary["notes"]
    assert notes == ["columns of manifest.csv that are not kept: age"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "the manifest lists no image"),
        (["/x.png,train,train,happy,a"], "row 2: unsafe path '/x.png'"),
        (["x.png,train,later,happy,a"], "row 2: unknown usage 'later'; known: Training"),
        (["x.png,train,train,glee,a"], "unknown emotion name 'glee'"),
    ],
)
def test_a_broken_manifest_is_refused(tmp_path: Path, rows: list[str], message: str) -> None:
    text = "\n".join(["path,split,usage,label,source", *rows])
    (tmp_path / "manifest.csv").write_text(text + "\n")
    with pytest.raises(DataError, match=message):
        read_source(tmp_path)
