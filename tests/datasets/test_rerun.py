"""Preparing a second time: trees left untouched, trees replaced, and options that must match."""

import shutil
from pathlib import Path

import pytest
from helpers.checkouts import CONTEMPT, ROWS, make_checkout, noise_png, tree

from emorec.datasets.prepare import prepare_data
from emorec.datasets.prepare_options import PrepareOptions
from emorec.errors import DataError


def times(root: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in (root, *root.rglob("*"))}


@pytest.mark.parametrize("overwrite", [False, True])
def test_an_up_to_date_tree_is_left_alone(checkout: Path, dest: Path, overwrite: bool) -> None:
    (checkout / "output/FER2013Train/fer0000000.png").write_bytes(b"x")
    first = prepare_data(checkout, dest)
    before = times(dest.parent)
    second = prepare_data(checkout, dest, PrepareOptions(overwrite=overwrite))
    assert (first.changed, second.changed) == (True, False)
    assert second.summary == first.summary
    assert times(dest.parent) == before


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def grow(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n")


DAMAGES = {
    "image gone": lambda dest: (dest / "train/sad/fer0000001.png").unlink(),
    "unlabelled image gone": lambda dest: (dest / "unlabelled/fer0000003.png").unlink(),
    "image cut": lambda dest: truncate(dest / "train/sad/fer0000001.png"),
    "manifest gone": lambda dest: (dest / "manifest.csv").unlink(),
    "manifest changed": lambda dest: grow(dest / "manifest.csv"),
    "summary changed": lambda dest: (dest / "summary.json").write_text(
        (dest / "summary.json").read_text().replace('"happy": 1', '"happy": 2')
    ),
    "unreadable images forged": lambda dest: (dest / "summary.json").write_text(
        (dest / "summary.json")
        .read_text()
        .replace('"unreadable_images": []', '"unreadable_images": [{"name": []}]')
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_tree_is_replaced(checkout: Path, dest: Path, damage: str) -> None:
    prepare_data(checkout, dest)
    whole = tree(dest)
    DAMAGES[damage](dest)
    assert tree(dest) != whole
    if damage == "manifest gone":
        # Without the manifest, emorec does not know its own files.
        with pytest.raises(DataError, match="files that emorec did not write"):
            prepare_data(checkout, dest)
    assert prepare_data(checkout, dest, PrepareOptions(overwrite=damage == "manifest gone")).changed
    assert tree(dest) == whole


CHANGES = {
    "another image": lambda root: (root / "output/FER2013Train/fer0000000.png").write_bytes(
        noise_png(99)
    ),
    "image lost": lambda root: (root / "output/FER2013Train/fer0000000.png").unlink(),
    "folder lost": lambda root: shutil.rmtree(root / "output/FER2013Test"),
    "votes": lambda root: make_checkout(root, [("Training", ROWS[0][1], CONTEMPT), *ROWS[1:]]),
    "rows": lambda root: make_checkout(root, ROWS[1:]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_source_is_prepared_again(checkout: Path, dest: Path, change: str) -> None:
    prepare_data(checkout, dest)
    CHANGES[change](checkout)
    assert prepare_data(checkout, dest).changed
    afresh = dest.with_name("afresh")
    prepare_data(checkout, afresh)
    assert tree(dest) == tree(afresh)


def test_files_of_the_user_are_not_lost_without_overwrite(checkout: Path, dest: Path) -> None:
    prepare_data(checkout, dest)
    (dest / "train" / "notes.txt").write_text("mine")
    assert not prepare_data(checkout, dest).changed
    CHANGES["another image"](checkout)
    before = tree(dest)
    with pytest.raises(DataError, match=r"1 files that emorec did not write.*notes\.txt"):
        prepare_data(checkout, dest)
    assert tree(dest) == before
    prepare_data(checkout, dest, PrepareOptions(overwrite=True))
    assert "train/notes.txt" not in tree(dest)


def test_other_options_need_overwrite(checkout: Path, dest: Path) -> None:
    prepare_data(checkout, dest)
    before = tree(dest)
    with pytest.raises(DataError, match=r"--classes 7, but this run requests .* --classes 8"):
        prepare_data(checkout, dest, PrepareOptions(classes=8))
    assert tree(dest) == before
    assert (
        prepare_data(checkout, dest, PrepareOptions(classes=8, overwrite=True)).summary["classes"]
        == 8
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("thesis.txt", "years of work"),
        ("summary.json", "{}"),
        ("summary.json", "[1]"),
        ("summary.json", "not JSON"),
        ("summary.json", "[" * 100_000),
    ],
)
def test_a_folder_that_is_not_a_data_set_needs_overwrite(
    checkout: Path, dest: Path, name: str, content: str
) -> None:
    dest.mkdir()
    (dest / name).write_text(content)
    with pytest.raises(DataError, match="is not a prepared data set"):
        prepare_data(checkout, dest)
    assert (dest / name).read_text() == content
    prepare_data(checkout, dest, PrepareOptions(overwrite=True))
    assert (dest / "manifest.csv").exists()


def test_an_empty_folder_is_filled_and_parents_are_created(checkout: Path, dest: Path) -> None:
    dest.mkdir()
    prepare_data(checkout, dest)
    nested = dest.parent / "deep" / "er" / "FER-2013"
    prepare_data(checkout, nested)
    assert tree(dest) == tree(nested)


def test_a_link_to_a_folder_remains_a_link(checkout: Path, dest: Path) -> None:
    real = dest.with_name("real")
    real.mkdir()
    dest.symlink_to(real)
    prepare_data(checkout, dest)
    assert dest.is_symlink()
    assert (real / "manifest.csv").exists()


def test_images_through_a_link_out_of_the_source_are_not_read(checkout: Path, dest: Path) -> None:
    images = dest.with_name("elsewhere")
    (checkout / "output").replace(images)
    (checkout / "output").symlink_to(images)
    with pytest.raises(DataError, match=r"none of the images .* out of the data set is not used"):
        prepare_data(checkout, dest)
    assert not dest.exists()
