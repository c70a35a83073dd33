"""Preparing a data set: the tree, its accounts, faults of the source."""

import json
import os
import shutil
from pathlib import Path

import pytest
from helpers.checkouts import (
    CONTEMPT,
    HAPPY,
    ROWS,
    SAD,
    UNKNOWN,
    csv_text,
    ferplus_source,
    make_checkout,
    picture,
    tree,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emorec.datasets import prepare
from emorec.datasets.dataset_summary import manifest_csv, notices, summarise
from emorec.datasets.prepare import prepare_data
from emorec.datasets.prepare_options import PrepareOptions
from emorec.datasets.selection import select
from emorec.errors import ConfigError, DataError


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return make_checkout(tmp_path / "FERPlus")


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    return tmp_path / "FER-2013"


def counted(summary: dict[str, dict[str, dict[str, int]]], part: str) -> dict[str, dict[str, int]]:
    """The counts of a part of the summary that are not zero."""
    found = {
        split: {name: count for name, count in counts.items() if count}
        for split, counts in summary[part].items()
    }
    return {split: counts for split, counts in found.items() if counts}


def test_no_source_is_a_clear_error(tmp_path: Path, dest: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        prepare_data(tmp_path / "none", dest)
    with pytest.raises(DataError, match="no known layout"):
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
    assert (dest / "train/happy/fer0000000.png").read_bytes() == picture(0)
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


def test_the_summary_accounts_for_every_row(checkout: Path, dest: Path) -> None:
    summary = prepare_data(checkout, dest).summary
    assert json.loads((dest / "summary.json").read_text()) == summary
    assert counted(summary, "kept") == {
        "train": {"happy": 1, "sad": 1},
        "validation": {"happy": 1},
        "test": {"sad": 1},
    }
    assert counted(summary, "unlabelled") == {
        "train": {"contempt": 1},
        "validation": {"unknown": 1},
        "test": {"not a face": 1},
    }
    assert counted(summary, "dropped") == {"train": {"no image name": 1}}
    assert (summary["policy"], summary["classes"]) == ("dominant", 7)
    assert notices(summary) == []


def test_policy_and_classes_decide_the_labels(checkout: Path, dest: Path) -> None:
    prepare_data(checkout, dest, PrepareOptions(policy="majority", classes=8))
    assert "train/contempt/fer0000003.png" in tree(dest)
    with pytest.raises(ConfigError, match="unknown vote policy"):
        prepare_data(checkout, dest, PrepareOptions(policy="loudest"))
    with pytest.raises(ConfigError, match="7 or 8"):
        prepare_data(checkout, dest, PrepareOptions(classes=9))


def faulty(checkout: Path) -> Path:
    """Give a checkout one fault of each kind that is no error without --strict."""
    rows = [
        *ROWS,
        ("Training", "twice.png", HAPPY),
        ("Training", "twice.png", HAPPY),
        ("Training", "differs.png", HAPPY),
        ("Training", "differs.png", SAD),
        ("Training", "moved.png", SAD),
        ("PublicTest", "moved.png", SAD),
        ("Training", "gone.png", SAD),
        ("Training", "empty.png", SAD),
        ("Training", "cut.png", SAD),
        ("PublicTest", "text.png", SAD),
    ]
    make_checkout(checkout, rows)
    train, valid = checkout / "output/FER2013Train", checkout / "output/FER2013Valid"
    (train / "gone.png").unlink()
    (train / "empty.png").write_bytes(b"")
    (train / "cut.png").write_bytes(picture(0)[:1000])
    (valid / "text.png").write_text("no picture")
    shutil.rmtree(checkout / "output/FER2013Test")
    return checkout


def test_faults_of_the_source_are_counted_and_named(checkout: Path, dest: Path) -> None:
    summary = prepare_data(faulty(checkout), dest).summary
    assert counted(summary, "kept") == {"train": {"happy": 2, "sad": 1}, "validation": {"happy": 1}}
    assert counted(summary, "dropped") == {
        "train": {
            "no image name": 1,
            "name twice, equal votes": 1,
            "name twice, different votes": 3,
            "image missing": 1,
            "image unreadable": 2,
        },
        "validation": {"name twice, different votes": 1, "image unreadable": 1},
        "test": {"image folder missing": 2},
    }
    assert [(gap["reason"], gap["images"]) for gap in summary["gaps"]] == [
        ("image folder missing", 2)
    ]
    assert summary["missing_images"] == ["gone.png"]
    unreadable = {image["name"]: image["error"] for image in summary["unreadable_images"]}
    assert list(unreadable) == ["empty.png", "cut.png", "text.png"]
    assert unreadable["empty.png"] == "the file is empty (0 bytes)"
    assert summary["duplicates"] == [
        {"name": "twice.png", "rows": [10, 11], "done": "kept once"},
        {"name": "differs.png", "rows": [12, 13], "done": "dropped"},
        {"name": "moved.png", "rows": [14, 15], "done": "dropped"},
    ]
    manifest = (dest / "manifest.csv").read_text()
    images = [path for path in tree(dest) if path.endswith(".png")]
    assert len(manifest.splitlines()) == 1 + len(images)
    assert all(f"{path}," in manifest for path in images)


def test_notices_say_each_fault_in_a_line(checkout: Path, dest: Path) -> None:
    assert notices(prepare_data(faulty(checkout), dest).summary) == [
        "the folder FER2013Test is missing or holds no image: 2 PrivateTest images are skipped",
        "missing images: 1 (gone.png)",
        "unreadable images: 3 (empty.png, cut.png, text.png)",
        "names on several rows with equal votes, kept once: 1 (twice.png)",
        "names on several rows with different votes, dropped: 2 (differs.png, moved.png)",
    ]


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


def test_strict_leaves_nothing_behind(checkout: Path, dest: Path) -> None:
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
def test_a_useless_source_leaves_nothing_behind(checkout: Path, dest: Path, case: str) -> None:
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
    seen: list[tuple[int, int]] = []
    prepare_data(checkout, dest, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(3, 7), (6, 7), (7, 7)]


rows = st.lists(
    st.tuples(
        st.sampled_from(["Training", "PublicTest", "PrivateTest"]),
        st.sampled_from(["", "a.png", "b.png", "c.png", "absent.png"]),
        st.sampled_from([HAPPY, SAD, CONTEMPT, UNKNOWN]),
    ),
    max_size=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows, st.sampled_from(["majority", "dominant", "crossentropy"]), st.sampled_from([7, 8]))
def test_no_row_is_lost_and_no_image_is_there_twice(
    tmp_path: Path, rows: list[tuple[str, str, tuple[int, ...]]], policy: str, classes: int
) -> None:
    rows = [("Training", "first.png", HAPPY), *rows]
    if not (tmp_path / "output").exists():
        present = ("first.png", "a.png", "b.png", "c.png")
        usages = ("Training", "PublicTest")
        make_checkout(tmp_path, [(usage, name, SAD) for usage in usages for name in present])
    (tmp_path / "fer2013new.csv").write_text(csv_text(rows))
    selection = select(ferplus_source(tmp_path), PrepareOptions(policy=policy, classes=classes))
    unreadable = {0: "damaged"}
    summary = summarise(selection, unreadable)
    parts = ("kept", "unlabelled", "dropped")
    assert len(rows) == sum(
        sum(counts.values()) for part in parts for counts in summary[part].values()
    )
    paths = [line.split(b",")[0] for line in manifest_csv(selection, unreadable).splitlines()[1:]]
    assert len(paths) == len(set(paths)) == len(selection.rows) - 1


def test_decoding_is_what_readable_means(
    checkout: Path, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(label: str, data: object) -> None:
        if label.endswith("fer0000001.png"):
            raise DataError(f"{label}: damaged")

    monkeypatch.setattr(prepare, "check_readable", refuse)
    summary = prepare_data(checkout, dest).summary
    assert summary["unreadable_images"] == [{"name": "fer0000001.png", "error": "damaged"}]
