"""Several sources in one data set, and links instead of copies."""

from collections import Counter
from pathlib import Path

import pytest
from helpers.checkouts import ROWS, SAD, make_checkout, make_images, manifest_rows, picture, tree

from emorec.datasets.manifest import read_prepared
from emorec.datasets.prepare import prepare_data
from emorec.datasets.prepare_options import PrepareOptions
from emorec.datasets.readers.rows import ReadOptions
from emorec.errors import ConfigError, DataError


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    return tmp_path / "out"


def test_votes_and_labels_stand_side_by_side(tmp_path: Path, dest: Path) -> None:
    ferplus = make_checkout(tmp_path / "FERPlus", [*ROWS, ("Training", "007.png", SAD)])
    mine = make_images(tmp_path / "mine", {"happy": 10, "sadness": 10})
    more = make_images(tmp_path / "more", {"sad": 10, "anger": 10})
    summary = prepare_data([ferplus, mine, more], dest).summary
    assert summary["source"] == "ferplus, folders, folders-2"
    found = manifest_rows(dest)
    assert Counter(row["source"] for row in found) == {"ferplus": 8, "folders": 20, "folders-2": 20}
    assert len({row["path"] for row in found}) == len(found) == 48
    assert len([path for path in tree(dest) if path.endswith(".png")]) == 48
    by_source = {row["source"]: row for row in found if row["label"] == "happy"}
    assert by_source["folders"]["votes_happy"] == "10"
    data = read_prepared(dest)
    hard = data.examples("train", "majority")
    assert hard.targets.sum() == len(hard.paths)
    assert not prepare_data([ferplus, mine, more], dest).changed
    with pytest.raises(DataError, match="choose another --out"):
        prepare_data([ferplus, mine], dest)


def test_own_labels_cannot_stand_beside_votes(tmp_path: Path, dest: Path) -> None:
    ferplus = make_checkout(tmp_path / "FERPlus")
    mine = make_images(tmp_path / "mine", {"bored": 10, "happy": 10})
    with pytest.raises(ConfigError, match="'bored' is not an emotion and cannot be combined"):
        prepare_data([ferplus, mine], dest, read_options=ReadOptions(keep_labels=True))


@pytest.mark.parametrize("link", ["hard", "symlink"])
def test_linked_images_are_those_of_the_source(tmp_path: Path, dest: Path, link: str) -> None:
    root = make_checkout(tmp_path / "FERPlus")
    prepare_data(root, tmp_path / "copied")
    prepare_data(root, dest, PrepareOptions(link=link))
    ours, theirs = tree(dest), tree(tmp_path / "copied")
    del ours["summary.json"], theirs["summary.json"]
    assert ours == theirs
    original = root / "output/FER2013Train/fer0000000.png"
    image = dest / "train/happy/fer0000000.png"
    assert image.is_symlink() == (link == "symlink")
    assert image.samefile(original)
    assert not prepare_data(root, dest, PrepareOptions(link=link)).changed
    assert read_prepared(dest).examples("train").paths[0].read_bytes() == picture(0)
    # Replacing the tree takes the links away, not what they lead to.
    before = tree(root)
    prepare_data(root, dest, PrepareOptions(overwrite=True))
    assert not image.samefile(original)
    assert tree(root) == before


@pytest.mark.parametrize("link", ["hard", "symlink"])
def test_a_link_to_a_link_leads_to_the_image(
    tmp_path: Path, dest: Path, link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_images(tmp_path / "mine", {"happy": 2, "sad": 2})
    (root / "happy" / "link.png").symlink_to("../sad/001.png")
    monkeypatch.chdir(tmp_path)
    prepare_data(
        Path("mine"),
        dest,
        PrepareOptions(link=link),
        read_options=ReadOptions(validation=0, test=0),
    )
    image = dest / "train/happy/link.png"
    assert image.is_symlink() == (link == "symlink")
    assert image.samefile(root / "sad" / "001.png")
    (root / "happy" / "link.png").unlink()
    assert image.read_bytes() == picture(1)


def test_a_link_whose_image_is_gone_is_mended(tmp_path: Path, dest: Path) -> None:
    root = make_checkout(tmp_path / "FERPlus")
    prepare_data(root, dest, PrepareOptions(link="symlink"))
    (root / "output/FER2013Train/fer0000000.png").unlink()
    assert prepare_data(root, dest, PrepareOptions(link="symlink")).changed
    assert not (dest / "train/happy/fer0000000.png").is_symlink()


def test_an_unknown_link_is_refused(tmp_path: Path, dest: Path) -> None:
    with pytest.raises(ConfigError, match="unknown link 'soft'"):
        prepare_data(make_checkout(tmp_path / "x"), dest, PrepareOptions(link="soft"))
