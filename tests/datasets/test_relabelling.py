"""New labels of a person in prepared data sets."""

import csv
import tempfile
from pathlib import Path

import pytest
from helpers.checkouts import make_checkout, make_images, tree
from hypothesis import given, settings
from hypothesis import strategies as st

from emorec.datasets.choices import DROP
from emorec.datasets.inspection import inspect
from emorec.datasets.label_review import content_hash, doubts_of_inspection, write_review
from emorec.datasets.manifest import read_prepared
from emorec.datasets.prepare import PrepareResult, prepare_data
from emorec.datasets.prepare_options import PrepareOptions
from emorec.datasets.readers.image_files import FileImage
from emorec.datasets.readers.rows import RawRows, ReadOptions
from emorec.datasets.relabelling import relabel, relabel_notes
from emorec.errors import ConfigError, DataError

SAD, HAPPY = "train/sad/fer0000001.png", "train/happy/fer0000000.png"


@pytest.fixture
def voted(tmp_path: Path) -> Path:
    """A prepared data set with votes: seven images."""
    prepare_data(make_checkout(tmp_path / "FERPlus"), tmp_path / "voted")
    return tmp_path / "voted"


@pytest.fixture
def named(tmp_path: Path) -> Path:
    """A prepared data set with labels of its own, without votes."""
    root = make_images(tmp_path / "raw", {"train/bored": 2, "train/calm": 2, "test/calm": 1})
    options = ReadOptions(keep_labels=True, validation=0)
    prepare_data(root, tmp_path / "named", read_options=options)
    return tmp_path / "named"


def new_labels(folder: Path, *rows: tuple[str, ...], header: str = "path,new_label") -> Path:
    path = folder / "review.csv"
    path.write_text("\n".join([header, *(",".join(row) for row in rows)]) + "\n", "utf-8")
    return path


def apply(data: Path, file: Path, keep_labels: bool = False) -> PrepareResult:
    return prepare_data(
        data,
        data.with_name("new"),
        PrepareOptions(relabel=file, overwrite=True),
        read_options=ReadOptions(keep_labels=keep_labels),
    )


def manifest(root: Path) -> dict[str, dict[str, str]]:
    with (root / "manifest.csv").open(newline="") as file:
        return {row["path"]: row for row in csv.DictReader(file)}


def test_no_rows_change_nothing(voted: Path, tmp_path: Path) -> None:
    found = apply(voted, new_labels(tmp_path))
    assert found.summary["relabelled"] == {
        "file": "review.csv",
        "images": 0,
        "dropped": 0,
        "confirmed": 0,
        "blank": 0,
        "changes": {},
    }
    before, after = tree(voted), tree(tmp_path / "new")
    assert after.pop("summary.json") != before.pop("summary.json")
    assert after == before
    assert relabel_notes({}) == []


def test_labels_change_are_dropped_and_stay(voted: Path, tmp_path: Path) -> None:
    file = new_labels(
        tmp_path,
        (SAD, "Anger"),
        (HAPPY, "drop"),
        ("test/happy/fer0000005.png", "happy"),
        ("test/sad/fer0000007.png", ""),
        ("unlabelled/fer0000004.png", "fear"),
    )
    found = apply(voted, file)
    assert found.summary["relabelled"] == {
        "file": "review.csv",
        "images": 2,
        "dropped": 1,
        "confirmed": 1,
        "blank": 1,
        "changes": {"": {"fear": 1}, "sad": {"angry": 1}},
    }
    assert found.summary["dropped"]["train"]["dropped by --relabel"] == 1
    assert found.notices == []
    assert found.notes == [
        "review.csv: 2 labels changed, 1 images dropped, 1 labels confirmed, 1 rows without a new "
        "label"
    ]
    rows = manifest(tmp_path / "new")
    assert sorted(rows) == [
        "test/fear/fer0000004.png",
        "test/happy/fer0000005.png",
        "test/sad/fer0000007.png",
        "train/angry/fer0000001.png",
        "unlabelled/fer0000003.png",
        "unlabelled/fer0000006.png",
    ]
    changed = rows["train/angry/fer0000001.png"]
    assert (changed["label"], changed["source_label"], changed["votes_angry"]) == (
        "angry",
        "sad",
        "10",
    )
    assert changed["votes_sad"] == "0"
    # The votes of an image that was not reviewed stay; those of a confirmed label agree with it.
    assert rows["test/sad/fer0000007.png"]["votes_sad"] == "10"
    assert rows["test/happy/fer0000005.png"]["votes_happy"] == "10"
    assert rows["test/happy/fer0000005.png"]["votes_neutral"] == "0"
    assert rows["test/happy/fer0000005.png"]["source_label"] == ""
    kept, dropped = found.summary["kept"], found.summary["dropped"]
    rows_of_all = sum(sum(part[split].values()) for part in (kept, dropped) for split in kept)
    rows_of_all += sum(sum(found.summary["unlabelled"][split].values()) for split in kept)
    assert rows_of_all == 7
    # What is written is up to date, and stays so until the file changes.
    assert not apply(voted, file).changed
    new_labels(tmp_path, (SAD, "fear"))
    assert apply(voted, file).changed


def test_the_first_label_is_kept_through_a_second_review(named: Path, tmp_path: Path) -> None:
    path = "train/bored/000.png"
    apply(named, new_labels(tmp_path, (path, "calm")), keep_labels=True)
    new = tmp_path / "new"
    (moved,) = [row for row in manifest(new).values() if row["source_label"]]
    assert (moved["label"], moved["source_label"]) == ("calm", "bored")
    prepare_data(new, tmp_path / "copy", read_options=ReadOptions(keep_labels=True))
    assert manifest(tmp_path / "copy")[moved["path"]]["source_label"] == "bored"
    # Changed back, it has the label of its source.
    file = new_labels(tmp_path, (moved["path"], "bored"))
    options = PrepareOptions(relabel=file)
    read_options = ReadOptions(keep_labels=True)
    prepare_data(new, tmp_path / "back", options, read_options=read_options)
    assert "source_label" not in next(iter(manifest(tmp_path / "back").values()))
    assert read_prepared(tmp_path / "back").labels.tolist().count("bored") == 2


def test_a_written_review_is_read_back(suspicious_data: Path, tmp_path: Path) -> None:
    review = tmp_path / "review.csv"
    inspection = inspect(suspicious_data)
    write_review(review, inspection.data, doubts_of_inspection(inspection.facts))
    with review.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["new_label"] = row["suggestion"]
    with review.open("w", encoding="utf-16", newline="") as file:  # a spreadsheet's "Unicode text"
        writer = csv.DictWriter(file, list(rows[0]), delimiter="\t")
        writer.writeheader()
        writer.writerows(rows)
    found = apply(suspicious_data, review)
    assert found.summary["relabelled"]["dropped"] == 3
    assert "train/sad/twin.png" not in manifest(tmp_path / "new")


def test_drop_leaks_removes_what_the_report_lists(suspicious_data: Path, tmp_path: Path) -> None:
    leaks = inspect(suspicious_data).facts["near_duplicates"]["leaks"]
    prepare_data(suspicious_data, tmp_path / "new", PrepareOptions(leaks=DROP))
    removed = set(manifest(suspicious_data)) - set(manifest(tmp_path / "new"))
    assert removed == {leak["path"] for leak in leaks} == {"train/sad/twin.png"}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("train/sad/none.png", ""), "row 2: 'train/sad/none.png' is no image of "),
        (("../../etc/passwd", "sad"), "row 2: '../../etc/passwd' is no image of "),
        ((SAD, "sadd"), "row 2: unknown emotion name 'sadd'"),
        ((SAD, "drop\n" + HAPPY + ",none"), "row 3: unknown emotion name 'none'"),
        ((SAD, "fear\n" + SAD + ",sad"), "has the new label 'sad', and above 'fear'"),
    ],
)
def test_what_cannot_be_applied_is_refused(
    voted: Path, tmp_path: Path, row: tuple[str, str], message: str
) -> None:
    with pytest.raises(DataError) as raised:
        apply(voted, new_labels(tmp_path, row))
    assert message in str(raised.value)
    assert not (tmp_path / "new").exists()


def test_own_labels_are_those_of_the_data(named: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"unknown label 'sad'.*bored, calm, drop"):
        apply(named, new_labels(tmp_path, ("train/bored/000.png", "sad")), keep_labels=True)


def test_a_class_called_drop_is_ambiguous(tmp_path: Path) -> None:
    root = make_images(tmp_path / "raw", {"train/drop": 2, "train/calm": 2})
    with pytest.raises(DataError, match="a class is named 'drop'"):
        apply(root, new_labels(tmp_path), keep_labels=True)


def test_a_changed_image_is_refused(voted: Path, tmp_path: Path) -> None:
    digest = content_hash(FileImage(str(voted / SAD), 0, 0))
    file = new_labels(tmp_path, (SAD, "fear", digest), header="path,new_label,file")
    assert apply(voted, file).summary["relabelled"]["images"] == 1
    (voted / SAD).write_bytes((voted / HAPPY).read_bytes())
    with pytest.raises(DataError, match="another image than the one that was reviewed"):
        apply(voted, file)
    # Without a new label it does not matter.
    blank = new_labels(tmp_path, (SAD, "", digest), header="path,new_label,file")
    assert apply(voted, blank).summary["relabelled"]["blank"] == 1


def test_columns_are_required_and_a_source_is_one(voted: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="missing column 'new_label'"):
        apply(voted, new_labels(tmp_path, (SAD, "sad"), header="path,label"))
    with pytest.raises(DataError, match=r"no\.csv: cannot read"):
        apply(voted, tmp_path / "no.csv")
    file = new_labels(tmp_path)
    with pytest.raises(ConfigError, match="of one source; received 2"):
        prepare_data([voted, tmp_path / "FERPlus"], tmp_path / "new", PrepareOptions(relabel=file))


@settings(max_examples=20)
@given(st.lists(st.sampled_from(["", "sad", "happy", "Drop", "fear"]), max_size=4))
def test_every_row_of_the_file_is_counted_once(labels: list[str]) -> None:
    names = [f"{number}.png" for number in range(4)]
    raw = RawRows(
        place=Path("data"),
        label_files=[],
        sources=["mine"] * 4,
        lines=[0] * 4,
        names=names,
        images=[None] * 4,
        usages=["train"] * 4,
        labels=["sad", "happy", "", "sad"],
    )
    with tempfile.TemporaryDirectory() as folder:
        rows = list(zip(names, labels, strict=False))
        found = relabel(raw, new_labels(Path(folder), *rows), PrepareOptions(), False)
    assert found.relabelled is not None
    counts = [found.relabelled[name] for name in ("images", "dropped", "confirmed", "blank")]
    assert sum(counts) == len(labels)
    expected = [
        new if new not in ("", "Drop") else old
        for new, old in zip([*labels, *[""] * 4], raw.labels or (), strict=False)
    ]
    assert found.labels == expected
    assert [row for gap in found.gaps for row in gap.rows] == [
        row for row, label in enumerate(labels) if label == "Drop"
    ]
    sources = found.source_labels or [""] * 4
    assert [source or label for source, label in zip(sources, expected, strict=True)] == [
        old or new for old, new in zip(raw.labels or (), expected, strict=True)
    ]
