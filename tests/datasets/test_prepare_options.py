"""Options of preparing: links instead of copies, and unknown values."""

from pathlib import Path

import pytest
from helpers.checkouts import make_checkout, make_images, noise_png, tree

from emorec.datasets.manifest import read_prepared
from emorec.datasets.prepare import prepare_data
from emorec.datasets.prepare_options import PrepareOptions
from emorec.datasets.readers.rows import ReadOptions
from emorec.errors import ConfigError


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
    assert read_prepared(dest).examples("train").paths[0].read_bytes() == noise_png(0)
    # Replacing the tree deletes the links, not their targets.
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
    assert image.read_bytes() == noise_png(1)


def test_a_link_whose_image_is_gone_is_replaced(tmp_path: Path, dest: Path) -> None:
    root = make_checkout(tmp_path / "FERPlus")
    prepare_data(root, dest, PrepareOptions(link="symlink"))
    (root / "output/FER2013Train/fer0000000.png").unlink()
    assert prepare_data(root, dest, PrepareOptions(link="symlink")).changed
    assert not (dest / "train/happy/fer0000000.png").is_symlink()


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"link": "soft"}, "unknown link 'soft'; choose one of copy, hard, symlink"),
        ({"leaks": "find"}, "unknown value of leaks 'find'; choose one of ignore, list, drop"),
        ({"policy": "loudest"}, "unknown vote policy 'loudest'; choose one of majority, dominant"),
        ({"classes": 9}, "7 or 8; received 9"),
    ],
)
def test_an_unknown_value_is_refused(option: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        PrepareOptions(**option)
