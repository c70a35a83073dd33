"""Preparing a data set: the tree, its accounts, faults of the source."""

import os
import shutil
from pathlib import Path

import pytest
from helpers.checkouts import (
    HAPPY,
    ROWS,
    SAD,
    csv_text,
    make_checkout,
    noise_png,
    tree,
)

from emorec.datasets import image_writing
from emorec.datasets.prepare import prepare_data
from emorec.datasets.prepare_options import PrepareOptions
from emorec.errors import ConfigError, DataError


def test_no_source_is_a_clear_error(tmp_path: Path, dest: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        prepare_data(tmp_path / "none", dest)
    with pytest.raises(DataError, match="holds no image and no CSV file"):
        prepare_data(tmp_path, dest)
    assert list(tmp_path.iterdir()) == []


def test_images_are_sorted_by_split_and_emotion(checkout: Path, dest: Path) -> None:
    prepared = prepare_data(checkout, dest)
    assert prepared.changed
    images = {path for path in tree(dest) if path.endswith(".png")}
    assert images == {
        "train/happy/fer0000000.png",
        "train/sad/fer0000001.png",
        "unlabelled/fer0000003.png",
        "unlabelled/fer0000004.png",
        "test/happy/fer0000005.png",
        "unlabelled/fer0000006.png",
        "test/sad/fer0000007.png",
    }
    assert (dest / "train/happy/fer0000000.png").read_bytes() == noise_png(0)
    names = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]
    assert sorted(path.name for path in (dest / "test").iterdir()) == names
    assert (dest / "manifest.csv").read_text().splitlines() == [
        "path,split,usage,label,votes_neutral,votes_happy,votes_surprise,votes_sad,votes_angry,"
        "votes_disgust,votes_fear,votes_contempt,votes_unknown,votes_not_face,source",
        "train/happy/fer0000000.png,train,Training,happy,1,9,0,0,0,0,0,0,0,0,ferplus",
        "train/sad/fer0000001.png,train,Training,sad,0,0,0,10,0,0,0,0,0,0,ferplus",
        "unlabelled/fer0000003.png,train,Training,,2,0,0,0,0,0,0,8,0,0,ferplus",
        "unlabelled/fer0000004.png,validation,PublicTest,,1,0,0,0,0,0,0,0,9,0,ferplus",
        "test/happy/fer0000005.png,validation,PublicTest,happy,1,9,0,0,0,0,0,0,0,0,ferplus",
        "unlabelled/fer0000006.png,test,PrivateTest,,0,0,0,0,0,0,0,0,0,10,ferplus",
        "test/sad/fer0000007.png,test,PrivateTest,sad,0,0,0,10,0,0,0,0,0,0,ferplus",
    ]


def test_policy_and_classes_decide_the_labels(checkout: Path, dest: Path) -> None:
    prepare_data(checkout, dest, PrepareOptions(policy="majority", classes=8))
    assert "train/contempt/fer0000003.png" in tree(dest)
    with pytest.raises(ConfigError, match="unknown vote policy"):
        prepare_data(checkout, dest, PrepareOptions(policy="loudest"))
    with pytest.raises(ConfigError, match="7 or 8"):
        prepare_data(checkout, dest, PrepareOptions(classes=9))


def remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


FAULTS = {
    "folder": lambda root: remove(root / "output/FER2013Test"),
    "image": lambda root: remove(root / "output/FER2013Train/fer0000000.png"),
    "unreadable": lambda root: (root / "output/FER2013Train/fer0000000.png").write_bytes(b""),
    "equal": lambda root: make_checkout(root, [*ROWS, ROWS[0]]),
    "different": lambda root: make_checkout(root, [*ROWS, ("Training", ROWS[0][1], SAD)]),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("prepared_before", [False, True])
def test_strict_makes_each_fault_an_error(
    checkout: Path, dest: Path, fault: str, prepared_before: bool
) -> None:
    prepare_data(checkout, dest, PrepareOptions(strict=True))
    before = tree(dest)
    FAULTS[fault](checkout)
    if prepared_before:
        prepare_data(checkout, dest)
        before = tree(dest)
    with pytest.raises(DataError, match="strict: "):
        prepare_data(checkout, dest, PrepareOptions(strict=True))
    assert tree(dest) == before
    assert {path.name for path in dest.parent.iterdir()} == {"FERPlus", "FER-2013"}


def test_strict_leaves_no_files(checkout: Path, dest: Path) -> None:
    FAULTS["unreadable"](checkout)
    with pytest.raises(DataError, match="unreadable images: 1"):
        prepare_data(
            checkout, dest.parent / "new" / "folders" / "FER-2013", PrepareOptions(strict=True)
        )
    assert [path.name for path in dest.parent.iterdir()] == ["FERPlus"]


USELESS = {
    "no images": (lambda root: remove(root / "output"), "none of the images"),
    "no readable image": (
        lambda root: [path.write_bytes(b"x") for path in root.rglob("*.png")],
        "no image is readable",
    ),
    "hostile name": (
        lambda root: (root / "fer2013new.csv").write_text(
            csv_text([("Training", "../../x.png", HAPPY)])
        ),
        "not a plain file name",
    ),
    "empty CSV": (lambda root: (root / "fer2013new.csv").write_text(""), "the file is empty"),
}


@pytest.mark.parametrize("case", USELESS)
def test_a_useless_source_leaves_no_files(checkout: Path, dest: Path, case: str) -> None:
    spoil, message = USELESS[case]
    spoil(checkout)
    with pytest.raises(DataError, match=message) as caught:
        prepare_data(checkout, dest)
    assert "\n" not in str(caught.value)
    assert [path.name for path in dest.parent.iterdir()] == ["FERPlus"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_among_the_images_does_not_block(checkout: Path, dest: Path) -> None:
    image = checkout / "output/FER2013Train/fer0000000.png"
    image.unlink()
    os.mkfifo(image)
    summary = prepare_data(checkout, dest).summary
    assert summary["unreadable_images"] == [
        {"name": "fer0000000.png", "error": "not a regular file"}
    ]


def test_progress_is_reported(checkout: Path, dest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emorec.threads.BATCH", 3)
    calls: list[tuple[int, int]] = []
    prepare_data(checkout, dest, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(3, 7), (6, 7), (7, 7)]


def test_an_image_that_fails_the_check_is_unreadable(
    checkout: Path, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(label: str, *_: object) -> None:
        if label.endswith("fer0000001.png"):
            raise DataError(f"{label}: damaged")

    monkeypatch.setattr(image_writing, "check_readable", refuse)
    summary = prepare_data(checkout, dest).summary
    assert summary["unreadable_images"] == [{"name": "fer0000001.png", "error": "damaged"}]
