"""Reading prepared data sets, folder trees and hostile manifests."""

from pathlib import Path

import numpy as np
import pytest
from helpers.checkouts import (
    HAPPY,
    ROWS,
    SAD,
    UNKNOWN,
    make_checkout,
    make_images,
    noise_png,
)
from hypothesis import given
from hypothesis import strategies as st

from emorec.datasets.manifest import (
    Examples,
    PreparedDataset,
    read_prepared,
)
from emorec.datasets.prepare import prepare_data
from emorec.datasets.prepare_options import PrepareOptions
from emorec.datasets.prepared_files import COLUMNS, is_safe_path
from emorec.datasets.splitting import ordered
from emorec.errors import ConfigError, DataError
from emorec.labels import EMOTIONS_7, EMOTIONS_8

MIXED = (6, 4, 0, 0, 0, 0, 0, 0, 0, 0)


@pytest.fixture
def prepared(tmp_path: Path) -> PreparedDataset:
    rows = [*ROWS, ("Training", "mixed.png", MIXED)]
    prepare_data(make_checkout(tmp_path / "FERPlus", rows), tmp_path / "FER-2013")
    return read_prepared(tmp_path / "FER-2013")


def named(examples: Examples) -> dict[str, dict[str, float]]:
    """Targets that are not zero, by image and class."""
    return {
        path.name: {
            name: round(float(share), 4)
            for name, share in zip(examples.class_names, row, strict=True)
            if share
        }
        for path, row in zip(examples.paths, examples.targets, strict=True)
    }


def test_nothing_is_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        read_prepared(tmp_path / "none")
    with pytest.raises(DataError, match=r"holds no image and no CSV file"):
        read_prepared(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            {},
            {
                "fer0000000.png": {"happy": 1},
                "fer0000001.png": {"sad": 1},
                "mixed.png": {"neutral": 1},
            },
        ),
        (
            {"policy": "majority", "classes": 8},
            {
                "fer0000000.png": {"happy": 1},
                "fer0000001.png": {"sad": 1},
                "fer0000003.png": {"contempt": 1},
                "mixed.png": {"neutral": 1},
            },
        ),
        (
            {"policy": "emotion-first"},
            {
                "fer0000000.png": {"happy": 1},
                "fer0000001.png": {"sad": 1},
                "mixed.png": {"happy": 1},
            },
        ),
        (
            {"soft": True},
            {
                "fer0000000.png": {"happy": 0.9, "neutral": 0.1},
                "fer0000001.png": {"sad": 1},
                "mixed.png": {"neutral": 0.6, "happy": 0.4},
            },
        ),
        (
            {"policy": "crossentropy", "classes": 8},
            {
                "fer0000000.png": {"happy": 1},
                "fer0000001.png": {"sad": 1},
                "fer0000003.png": {"contempt": 1},
                "mixed.png": {"neutral": 1},
            },
        ),
        (
            {"policy": "crossentropy", "classes": 8, "soft": True},
            {
                "fer0000000.png": {"happy": 1},
                "fer0000001.png": {"sad": 1},
                "fer0000003.png": {"contempt": 1},
                "mixed.png": {"neutral": 0.6, "happy": 0.4},
            },
        ),
    ],
)
def test_one_tree_serves_every_policy(
    prepared: PreparedDataset, arguments: dict[str, object], expected: dict[str, dict[str, float]]
) -> None:
    examples = prepared.examples("train", **arguments)
    assert named(examples) == expected
    assert examples.class_names == (EMOTIONS_8 if arguments.get("classes") == 8 else EMOTIONS_7)
    assert examples.targets.dtype == np.float32
    assert all(path.is_file() for path in examples.paths)


def test_splits_are_kept_apart(prepared: PreparedDataset) -> None:
    assert list(named(prepared.examples("validation"))) == ["fer0000005.png"]
    assert list(named(prepared.examples("test"))) == ["fer0000007.png"]
    assert prepared.policy == "dominant"


def test_a_split_without_a_label_is_an_error(tmp_path: Path) -> None:
    rows = [("Training", "a.png", HAPPY), ("PublicTest", "b.png", UNKNOWN)]
    prepare_data(make_checkout(tmp_path / "FERPlus", rows), tmp_path / "out")
    data = read_prepared(tmp_path / "out")
    for split in ("validation", "test"):
        with pytest.raises(DataError, match=f"'{split}' has no labelled image"):
            data.examples(split)


def test_eight_classes_stay_eight_without_an_image_of_contempt(tmp_path: Path) -> None:
    checkout = make_checkout(tmp_path / "FERPlus", [("Training", "a.png", HAPPY)])
    prepare_data(checkout, tmp_path / "out", PrepareOptions(classes=8))
    assert read_prepared(tmp_path / "out").examples("train").class_names == EMOTIONS_8


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, []), (1, [0]), (2, [0, 4]), (3, [0, 2, 4]), (5, [0, 1, 2, 3, 4]), (9, [0, 1, 2, 3, 4])],
)
def test_a_limit_selects_evenly_spaced_examples(count: int, expected: list[int]) -> None:
    paths = [Path(str(index)) for index in range(5)]
    examples = Examples(paths, np.eye(5, dtype=np.float32), tuple("abcde"))
    limited = examples.limited(count)
    assert limited.paths == [paths[index] for index in expected]
    assert limited.targets.tolist() == np.eye(5)[expected].tolist()
    assert examples.limited(None) is examples


def write_manifest(root: Path, *rows: str, header: str = "path,split,label") -> Path:
    root.mkdir(exist_ok=True)
    (root / "manifest.csv").write_text("\n".join([header, *rows]) + "\n", newline="")
    return root


UNSAFE = ["", ".", "/etc/passwd", "../x.png", "a/../../x.png", "a\\x.png", "C:/x.png", "x\0.png"]


@pytest.mark.parametrize("path", [*UNSAFE, "a" * 1001])
def test_a_path_out_of_the_data_set_is_refused(tmp_path: Path, path: str) -> None:
    assert not is_safe_path(path)
    root = write_manifest(tmp_path, "train/happy/a.png,train,happy", f"{path},train,happy")
    with pytest.raises(DataError, match="row 3: unsafe path") as caught:
        read_prepared(root)
    assert len(str(caught.value)) < 300 + len(str(root))


@given(st.text(max_size=20))
def test_a_safe_path_stays_in_its_folder(text: str) -> None:
    if is_safe_path(text):
        assert (Path("/data") / text).is_relative_to("/data")
        assert ".." not in Path(text).parts


BROKEN = {
    "empty": (b"", "the file is empty"),
    "no rows": (b"path,split,label\n", "lists no image"),
    "no column": (b"path,split\na.png,train\n", "missing column 'label'"),
    "split": (b"path,split,label\na.png,dev,happy\n", "unknown split 'dev'"),
    "label": (b"path,split,label\na.png,train," + b"h" * 101 + b"\n", "too long for a label"),
    "some votes": (
        b"path,split,label,votes_happy\na.png,train,happy,3\n",
        "missing column 'votes_neutral'",
    ),
    "votes": (
        ",".join(COLUMNS).encode() + b"\na.png,train,Training,happy" + b",x" * 10 + b",s\n",
        "must be a whole number",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_manifest_is_refused(tmp_path: Path, case: str) -> None:
    content, message = BROKEN[case]
    (tmp_path / "manifest.csv").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_prepared(tmp_path)


@pytest.mark.parametrize(
    ("summary", "message"),
    [
        ("", "cannot read the summary"),
        ("[]", "not a JSON object"),
        ("[" * 100_000, "cannot read the summary"),
        ('{"policy": "loudest"}', "unknown vote policy 'loudest'"),
        ('{"policy": ["majority"]}', "unknown vote policy"),
    ],
)
def test_a_broken_summary_is_refused(tmp_path: Path, summary: str, message: str) -> None:
    root = write_manifest(tmp_path, "a.png,train,happy")
    (root / "summary.json").write_text(summary)
    with pytest.raises(DataError, match=message):
        read_prepared(root)


def test_a_manifest_without_votes_has_its_labels(tmp_path: Path) -> None:
    rows = ["train/b.png,train,zen", "train/a.png,train,happy", "x.png,train,", "t.png,test,happy"]
    data = read_prepared(write_manifest(tmp_path, *rows))
    assert named(data.examples("train")) == {"b.png": {"zen": 1}, "a.png": {"happy": 1}}
    assert data.examples("train").class_names == ("happy", "zen")


def test_a_long_group_is_refused(tmp_path: Path) -> None:
    row = f"a.png,train,happy,{'x' * 1001}"
    with pytest.raises(DataError, match=r"'xxx.* is too long for a group"):
        read_prepared(write_manifest(tmp_path, row, header="path,split,label,group"))


def test_labels_are_used_where_votes_have_no_policy(tmp_path: Path) -> None:
    votes = ",".join(map(str, SAD))
    row = f"a.png,train,Training,happy,{votes},mine"
    data = read_prepared(write_manifest(tmp_path, row, header=",".join(COLUMNS)))
    assert named(data.examples("train")) == {"a.png": {"happy": 1}}
    assert named(data.examples("train", "majority")) == {"a.png": {"sad": 1}}
    assert named(data.examples("train", soft=True)) == {"a.png": {"sad": 1}}


def test_class_names_are_in_canonical_order() -> None:
    assert ordered(set()) == ()
    assert ordered({"zen", "contempt", "sad", "angry", "awe"}) == (
        "angry",
        "sad",
        "contempt",
        "awe",
        "zen",
    )


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    for split, label, count in (
        ("train", "happy", 30),
        ("train", "angry", 20),
        ("test", "happy", 3),
        ("test", "angry", 2),
    ):
        folder = tmp_path / split / label
        folder.mkdir(parents=True)
        for number in range(count):
            (folder / f"{number:02}.png").write_bytes(noise_png(number))
    (tmp_path / "train" / "happy" / "Thumbs.db").write_text("no image")
    (tmp_path / "train" / ".cache").mkdir()
    (tmp_path / "train" / ".cache" / "x.png").write_bytes(noise_png(0))
    return tmp_path


def test_a_folder_tree_holds_out_a_tenth_of_each_class(folders: Path) -> None:
    data = read_prepared(folders)
    counts = {
        split: data.examples(split).targets.sum(axis=0).tolist()
        for split in ("train", "validation", "test")
    }
    assert counts == {"train": [18, 27], "validation": [2, 3], "test": [2, 3]}
    assert data.class_names == ("angry", "happy")
    # Known output: another choice would make results of earlier runs incomparable.
    held_out = [path.relative_to(folders / "train") for path in data.examples("validation").paths]
    names = ["angry/04.png", "angry/19.png", "happy/02.png", "happy/04.png", "happy/18.png"]
    assert [path.as_posix() for path in held_out] == names


def test_a_folder_tree_has_labels_only(folders: Path) -> None:
    data = read_prepared(folders)
    with pytest.raises(ConfigError, match="no votes"):
        data.examples("train", policy="majority")
    with pytest.raises(ConfigError, match="no votes"):
        data.examples("train", soft=True)
    with pytest.raises(ConfigError, match="has the classes angry, happy; requested: 7 classes"):
        data.examples("train", classes=7)


def test_the_folder_to_name_or_the_command_is_in_the_message(tmp_path: Path) -> None:
    make_images(tmp_path / "raw", {"happy": 1, "sad": 1})
    with pytest.raises(DataError, match=r"with: emorec prepare-data .*raw --out .*raw-prepared$"):
        read_prepared(tmp_path / "raw")
    make_images(tmp_path / "deep", {"archive/train/happy": 1, "archive/test/happy": 1})
    with pytest.raises(DataError, match=r"name the folder .*deep/archive$"):
        read_prepared(tmp_path / "deep")


def test_class_folders_that_differ_in_case_are_one_class(tmp_path: Path) -> None:
    folders = {"train/Happy": 10, "train/sad": 10, "val/happy": 2, "val/SAD": 1, "test/HAPPY": 1}
    data = read_prepared(make_images(tmp_path / "raw", folders))
    assert data.class_names == ("sad", "Happy")
    assert data.examples("validation").targets.sum(axis=0).tolist() == [1, 2]
