"""The summary: every row is counted, every fault is named."""

import json
import shutil
from pathlib import Path

from helpers.checkouts import (
    CONTEMPT,
    HAPPY,
    ROWS,
    SAD,
    UNKNOWN,
    csv_text,
    ferplus_source,
    make_checkout,
    noise_png,
    tree,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emorec.datasets.dataset_summary import manifest_csv, notices, summarise
from emorec.datasets.prepare import prepare_data
from emorec.datasets.prepare_options import PrepareOptions
from emorec.datasets.selection import select


def counted(summary: dict[str, dict[str, dict[str, int]]], part: str) -> dict[str, dict[str, int]]:
    """The counts of a part of the summary that are not zero."""
    found = {
        split: {name: count for name, count in counts.items() if count}
        for split, counts in summary[part].items()
    }
    return {split: counts for split, counts in found.items() if counts}


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


def faulty(checkout: Path) -> Path:
    """Write a checkout with one fault of each kind that only --strict treats as an error."""
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
    (train / "cut.png").write_bytes(noise_png(0)[:1000])
    (valid / "text.png").write_text("not an image")
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


def test_notices_name_each_fault_in_a_line(checkout: Path, dest: Path) -> None:
    assert notices(prepare_data(faulty(checkout), dest).summary) == [
        "the folder FER2013Test is missing or holds no image: 2 PrivateTest images are skipped",
        "missing images: 1 (gone.png)",
        "unreadable images: 3 (empty.png, cut.png, text.png)",
        "names on several rows with equal votes, kept once: 1 (twice.png)",
        "names on several rows with different votes, dropped: 2 (differs.png, moved.png)",
    ]


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
def test_no_row_is_lost_and_no_image_is_repeated(
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
