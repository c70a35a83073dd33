"""CSV lists of images: labels, splits, groups, and refused lists."""

from collections import defaultdict
from pathlib import Path

import pytest
from helpers.checkouts import counts, make_images, manifest_rows, tree

from emorec.datasets.prepare import prepare_data
from emorec.datasets.prepared_files import VOTE_COLUMNS
from emorec.datasets.readers.registry import read_source
from emorec.datasets.readers.rows import ReadOptions
from emorec.errors import DataError
from emorec.labels import VOTE_CLASSES


def write_list(root: Path, *lines: str, header: str = "path,label") -> Path:
    root.mkdir(exist_ok=True)
    path = root / "list.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def test_a_list_defines_labels_and_splits(tmp_path: Path, dest: Path) -> None:
    root = make_images(tmp_path / "mine", {"a": 4, "b": 4})
    lines = ["a/000.png,joy,train", "./b/000.png,sad,Val", "b/001.png,,test", "a/gone.png,sad,test"]
    path = write_list(root, *lines, header="path,label,split")
    summary = prepare_data(path, dest).summary
    assert [(row["path"], row["split"]) for row in manifest_rows(dest)] == [
        ("train/happy/000.png", "train"),
        ("test/sad/000.png", "validation"),
        ("unlabelled/001.png", "test"),
    ]
    assert summary["missing_images"] == ["a/gone.png"]
    # The folder that holds the list and the images is the same data.
    prepare_data(root, tmp_path / "folder")
    assert manifest_rows(tmp_path / "folder") == manifest_rows(dest)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_list_of_a_spreadsheet_is_read(
    tmp_path: Path, dest: Path, encoding: str, delimiter: str
) -> None:
    root = make_images(tmp_path / "mine", {"x": 3})
    rows = ["path,label,split", "x/000.png,joy,Dev", "x/001.png,sad,training", "x/002.png,joy,eval"]
    (root / "list.csv").write_bytes("\r\n".join(rows).replace(",", delimiter).encode(encoding))
    summary = prepare_data(root, dest).summary
    assert counts(dest) == {"validation": {"happy": 2}, "train": {"sad": 1}}
    assert summary["left_out"] == {}


def test_images_that_a_list_does_not_name_are_left_out(tmp_path: Path, dest: Path) -> None:
    root = make_images(tmp_path / "mine", {"x": 3})
    write_list(root, "x/000.png,happy,train", "x/001.png,sad,train", header="path,label,split")
    assert prepare_data(root, dest).summary["left_out"] == {".png": 1}
    summary = prepare_data(root / "list.csv", dest.with_name("by name")).summary
    assert summary["left_out"] == {}  # the user named a file, not the folder


def test_groups_of_a_list_stay_together(tmp_path: Path, dest: Path) -> None:
    root = make_images(tmp_path / "mine", {"x": 100})
    lines = [f"x/{i:03}.png,{'happy' if i % 2 else 'sad'},p{i // 5}" for i in range(100)]
    path = write_list(root, *lines, header="path,label,group")
    prepare_data(path, dest)
    splits: defaultdict[int, set[str]] = defaultdict(set)
    for row in manifest_rows(dest):
        splits[int(Path(row["path"]).stem) // 5].add(row["split"])
    assert all(len(found) == 1 for found in splits.values())
    assert {split: sum(c.values()) for split, c in counts(dest).items()} == {
        "train": 80,
        "validation": 10,
        "test": 10,
    }


def test_a_list_without_validation_holds_groups_out(tmp_path: Path, dest: Path) -> None:
    root = make_images(tmp_path / "mine", {"x": 60})
    split = ["train"] * 50 + ["test"] * 10
    lines = [f"x/{i:03}.png,happy,{split[i]},p{i // 5}" for i in range(60)]
    prepare_data(write_list(root, *lines, header="path,label,split,group"), dest)
    assert counts(dest) == {
        "train": {"happy": 45},
        "validation": {"happy": 5},
        "test": {"happy": 10},
    }
    assert len({row["path"].rpartition("/")[0] for row in manifest_rows(dest)}) == 2


VOTED = ",".join(["path", "label", *VOTE_COLUMNS])


def votes(**counts: int) -> str:
    return ",".join(str(counts.get(name, 0)) for name in VOTE_CLASSES)


def test_votes_of_a_list(tmp_path: Path, dest: Path) -> None:
    root = make_images(tmp_path / "mine", {"x": 4})
    lines = [
        f"x/000.png,happy,{votes(happy=5, sad=5)}",
        f"x/001.png,sad,{votes(angry=10)}",  # the votes decide
        f"x/002.png,Anger,{votes()}",  # a label alone counts as ten votes
        f"x/003.png,,{votes(unknown=10)}",
    ]
    rows = read_source(write_list(root, *lines, header=VOTED), ReadOptions(keep_labels=True))
    assert rows.labels is None
    assert rows.votes is not None
    named = [
        {name: count for name, count in zip(VOTE_CLASSES, row, strict=True) if count}
        for row in rows.votes.tolist()
    ]
    assert named == [{"happy": 5, "sad": 5}, {"angry": 10}, {"angry": 10}, {"unknown": 10}]
    prepare_data(root, dest, read_options=ReadOptions(validation=0, test=0))
    assert [(row["path"], row["votes_sad"]) for row in manifest_rows(dest)] == [
        ("train/happy/000.png", "5"),
        ("train/angry/001.png", "0"),
        ("train/angry/002.png", "0"),
        ("unlabelled/003.png", "0"),
    ]


def test_splits_of_a_voted_list_are_stratified(tmp_path: Path, dest: Path) -> None:
    root = make_images(tmp_path / "mine", {"x": 40})
    lines = [
        f"x/{i:03}.png,,{votes(happy=10) if i % 4 else votes(fear=6, sad=4)}" for i in range(40)
    ]
    prepare_data(write_list(root, *lines, header=VOTED), dest)
    assert counts(dest) == {
        "train": {"happy": 24, "fear": 8},
        "validation": {"happy": 3, "fear": 1},
        "test": {"happy": 3, "fear": 1},
    }


@pytest.mark.parametrize(
    ("header", "line", "message"),
    [
        ("path,label,votes_happy", "x/000.png,happy,3", "missing column 'votes_neutral'"),
        (VOTED, f"x/000.png,happy,{votes(happy=1001)}", "row 2, column 'votes_happy': a vote must"),
        (VOTED, f"x/000.png,happy,{votes(happy=-1)}", "received '-1'"),
        (VOTED, f"x/000.png,glee,{votes()}", "unknown emotion name 'glee'"),
    ],
)
def test_bad_votes_are_refused(
    tmp_path: Path, dest: Path, header: str, line: str, message: str
) -> None:
    root = make_images(tmp_path / "mine", {"x": 1})
    with pytest.raises(DataError, match=message):
        prepare_data(write_list(root, line, header=header), dest)


BAD_LISTS = {
    "no rows": ([], "a header and no rows"),
    "absolute": (["/etc/x.png,happy"], "row 2: unsafe path '/etc/x.png'"),
    "up": (["x/../../y.png,happy"], "row 2: unsafe path"),
    "backslash": (["x\\y.png,happy"], "row 2: unsafe path"),
    "newline": (['"x/\n.png",happy'], "row 3: unsafe path"),
    "no path": ([",happy"], "row 2: unsafe path ''"),
    "unknown label": (["x/000.png,glee"], "unknown emotion name 'glee'"),
}


@pytest.mark.parametrize("case", BAD_LISTS)
def test_bad_lists_are_refused(tmp_path: Path, dest: Path, case: str) -> None:
    lines, message = BAD_LISTS[case]
    root = make_images(tmp_path / "mine", {"x": 1})
    with pytest.raises(DataError, match=message) as caught:
        prepare_data(write_list(root, *lines), dest)
    assert str(caught.value).isprintable()
    assert not dest.exists()


def test_an_unknown_split_is_refused(tmp_path: Path, dest: Path) -> None:
    root = make_images(tmp_path / "mine", {"x": 1})
    path = write_list(root, "x/000.png,happy,holdout", header="path,label,split")
    with pytest.raises(DataError, match="row 2: unknown split 'holdout'; known: train"):
        prepare_data(path, dest)


@pytest.mark.parametrize("label", ["a/b", "..", "a\tb\tc", ".hidden", "x" * 101, "C:"])
def test_a_label_that_is_no_folder_is_refused(tmp_path: Path, dest: Path, label: str) -> None:
    root = make_images(tmp_path / "mine", {"x": 1})
    with pytest.raises(DataError, match="is not a plain folder name"):
        prepare_data(
            write_list(root, f"x/000.png,{label}"), dest, read_options=ReadOptions(keep_labels=True)
        )


def test_a_path_through_a_link_out_is_missing(tmp_path: Path, dest: Path) -> None:
    root = make_images(tmp_path / "mine", {"x": 1})
    make_images(tmp_path / "secret", {"y": 1})
    (root / "y").symlink_to(tmp_path / "secret" / "y")
    path = write_list(root, "x/000.png,happy", "y/000.png,sad")
    summary = prepare_data(path, dest).summary
    assert summary["missing_images"] == ["y/000.png"]
    assert len(manifest_rows(dest)) == 1


def test_equal_names_do_not_overwrite_each_other(tmp_path: Path, dest: Path) -> None:
    root = make_images(tmp_path / "mine", {"x": 3, "y": 3, "z": 3})
    lines = [f"{folder}/{i:03}.png,happy,train" for folder in "xyz" for i in range(3)]
    reading = ReadOptions(validation=0)
    prepare_data(write_list(root, *lines, header="path,label,split"), dest, read_options=reading)
    assert [row["path"].rpartition("/")[2] for row in manifest_rows(dest)] == [
        *("000.png", "001.png", "002.png"),
        *("000-2.png", "001-2.png", "002-2.png"),
        *("000-3.png", "001-3.png", "002-3.png"),
    ]
    assert len([path for path in tree(dest) if path.endswith(".png")]) == 9
