"""Groups of a rule stay in one split, in prepare-data and in held-out images."""

import tempfile
from collections import defaultdict
from pathlib import Path

import pytest
from helpers.checkouts import counts, make_images, manifest_rows, noise_png
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emorec.datasets.group_splits import describe_groups, group_notes, group_warnings, keep_groups
from emorec.datasets.manifest import read_prepared
from emorec.datasets.prepare import prepare_data
from emorec.datasets.readers.image_files import FileImage
from emorec.datasets.readers.rows import (
    HELD_OUT,
    TEST,
    TRAIN,
    USAGES,
    VALIDATION,
    RawRows,
    ReadOptions,
)
from emorec.errors import ConfigError, DataError

BY_FOLDER = ReadOptions(group_by="folder:-1")
EVERY_SPLIT = {VALIDATION: 0.1, TEST: 0.1}


def raw_rows(*images: tuple[str, str, str], drawn: dict[str, float] | None = None) -> RawRows:
    """Rows of a path, a usage and a label each."""
    names = [name for name, _, _ in images]
    return RawRows(
        place=Path("raw"),
        label_files=[],
        sources=["folders"] * len(names),
        lines=[0] * len(names),
        names=names,
        images=[FileImage(name, 1, 1) for name in names],
        usages=[usage for _, usage, _ in images],
        labels=[label for _, _, label in images],
        drawn=drawn or {},
    )


def splits_of(rows: RawRows) -> dict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for usage, group in zip(rows.usages, rows.groups or (), strict=True):
        found[group].add(USAGES[usage][0])
    return dict(found)


def people(count: int, images: int = 10) -> list[tuple[str, str, str]]:
    """Images of people who show two classes each; of a tree whose splits are not drawn yet."""
    labels = ("happy", "sad")
    return [
        (f"{labels[i % 2]}/p{person:02}/{i}.png", TRAIN, labels[i % 2])
        for person in range(count)
        for i in range(images)
    ]


def test_rows_without_a_rule_are_as_they_were() -> None:
    rows = raw_rows()
    assert keep_groups(rows, ReadOptions()) is rows
    assert describe_groups(rows, []) is None
    assert (group_notes(None), group_warnings(None)) == ([], [])


@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["happy", "sad"])), min_size=1),
    st.sampled_from([EVERY_SPLIT, {HELD_OUT: 0.2}, {HELD_OUT: 0.3, TEST: 0.3}, {TEST: 0.5}]),
    st.integers(0, 3),
)
def test_nobody_is_in_two_splits_that_are_drawn(
    images: list[tuple[str, str]], drawn: dict[str, float], seed: int
) -> None:
    paths = [(f"{who}/{number}.png", TRAIN, label) for number, (who, label) in enumerate(images)]
    rows = raw_rows(*paths, drawn=drawn)
    try:
        found = keep_groups(rows, ReadOptions(group_by="folder:1", seed=seed))
    except DataError:
        groups = {who for who, _ in images}
        alone = [len({who for who, of in images if of == label}) for label in ("happy", "sad")]
        assert len(groups) < len(drawn) + 1 or 1 in alone
        return
    assert all(len(splits) == 1 for splits in splits_of(found).values())
    assert set(found.usages) == {TRAIN, *drawn}


def test_splits_of_the_source_stay() -> None:
    rows = raw_rows(
        ("a/1.png", "Training", "happy"),
        ("a/2.png", "Training", "sad"),
        ("b/1.png", "Training", "happy"),
        ("b/2.png", "Training", "sad"),
        ("a/3.png", "PrivateTest", "happy"),
        drawn={HELD_OUT: 0.1},
    )
    found = keep_groups(rows, ReadOptions(group_by="folder:1"))
    assert sorted(found.usages) == [
        *("PrivateTest", "Training", "Training"),
        *(HELD_OUT, HELD_OUT),
    ]
    assert found.usages[4] == "PrivateTest"


def test_images_for_evaluation_alone_are_not_split() -> None:
    images = [("a/1.png", TEST, "happy"), ("b/1.png", TEST, "sad")]
    rows = raw_rows(*images, drawn={HELD_OUT: 0.1})
    assert keep_groups(rows, ReadOptions(group_by="folder:1")).usages == [TEST, TEST]


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (people(2), "2 groups are too few for train, validation and test, which need one each"),
        (
            [*people(6), ("fear/p01/1.png", TRAIN, "fear")],
            r"'fear' is in one group only \('p01'\), which cannot be in train and in validation",
        ),
        ([("happy/1.png", TRAIN, "happy")] * 9, "puts all 9 images into one group, 'happy'"),
    ],
)
def test_groups_that_cannot_be_split_are_refused(
    images: list[tuple[str, str, str]], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        keep_groups(raw_rows(*images, drawn=EVERY_SPLIT), BY_FOLDER)


def test_people_in_two_splits_of_the_source_are_counted() -> None:
    usages = {"a": (TRAIN, TEST), "b": (TRAIN, TEST), "c": (TRAIN,), "d": (VALIDATION, TEST)}
    rows = raw_rows(*((f"{who}/{u}.png", u, "sad") for who, found in usages.items() for u in found))
    rows = keep_groups(rows, BY_FOLDER)
    described = describe_groups(rows, range(len(rows.names)))
    assert described is not None
    assert described["in_two_splits"] == [
        {"splits": [TRAIN, TEST], "groups": 2, "names": ["a", "b"]},
        {"splits": [VALIDATION, TEST], "groups": 1, "names": ["d"]},
    ]
    assert [line.partition(":")[0] for line in group_warnings(described)] == [
        "2 people are in train and in test (a, b)",
        "1 person is in validation and in test (d)",
    ]
    assert group_notes(described) == ["4 groups by 'folder:-1', of 1 to 2 images"]


def test_folders_of_people_are_kept_together(tmp_path: Path, dest: Path) -> None:
    mine = tmp_path / "mine"
    for number in range(80):
        folder = mine / ("happy", "sad")[number % 2] / f"p{number // 4:02}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.png").write_bytes(noise_png(number))
    result = prepare_data(mine, dest, read_options=ReadOptions(group_by="folder:2"))
    rows = manifest_rows(dest)
    assert len({(row["group"], row["split"]) for row in rows}) == 20
    assert {row["group"] for row in rows} == {f"p{who:02}" for who in range(20)}
    assert counts(dest) == {
        "train": {"happy": 32, "sad": 32},
        "validation": {"happy": 4, "sad": 4},
        "test": {"happy": 4, "sad": 4},
    }
    assert result.notes == ["20 groups by 'folder:2', of 4 images each"]
    assert not prepare_data(mine, dest, read_options=ReadOptions(group_by="folder:2")).changed
    other = ReadOptions(group_by="/(?P<person>p..)/")
    assert prepare_data(mine, dest, read_options=other).changed
    assert [row["group"] for row in manifest_rows(dest)] == [row["group"] for row in rows]


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 7), max_size=20), st.integers(0, 9))
def test_nobody_is_in_two_splits_of_random_folders(
    tmp_path: Path, more: list[int], seed: int
) -> None:
    root = Path(tempfile.mkdtemp(dir=tmp_path))
    people = [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, *more]
    for number, who in enumerate(people):
        folder = root / "train" / ("happy", "sad")[number % 2] / f"p{who}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.png").write_bytes(noise_png(number))
    by_person = ReadOptions(group_by="folder:-1", seed=seed)
    prepare_data(root / "train", root / "out", read_options=by_person)
    prepared, tree = read_prepared(root / "out"), read_prepared(root, "folder:-1")
    for data, splits in ((prepared, 3), (tree, 2)):
        assert data.groups is not None
        assert set(data.groups.tolist()) == {f"p{who}" for who in people}
        pairs = {*zip(data.groups.tolist(), data.splits.tolist(), strict=True)}
        assert len(pairs) == len(set(people))
        assert len(set(data.splits.tolist())) == splits


def test_a_column_of_a_list_groups(tmp_path: Path, dest: Path) -> None:
    mine = make_images(tmp_path / "mine", {"x": 30})
    lines = [f"x/{i:03}.png,{'happy' if i % 2 else 'sad'},w{i // 5}" for i in range(30)]
    (mine / "list.csv").write_text("\n".join(["path,label,who", *lines]))
    prepare_data(mine, dest, read_options=ReadOptions(group_by="column:who"))
    rows = manifest_rows(dest)
    assert len({(row["group"], row["split"]) for row in rows}) == 6
    with pytest.raises(ConfigError, match="no such column; its columns are path, label, who"):
        prepare_data(mine, tmp_path / "b", read_options=ReadOptions(group_by="column:person"))


def test_training_on_the_tree_holds_out_what_prepare_data_does(tmp_path: Path, dest: Path) -> None:
    folders = {f"train/{label}/p{who}": 4 for label in ("happy", "sad") for who in range(10)}
    mine = make_images(tmp_path / "mine", folders | {"test/happy": 2, "test/sad": 2})
    rule = "(?P<person>p[0-9])/|test"
    prepare_data(mine, dest, read_options=ReadOptions(group_by=rule))
    tree, prepared = read_prepared(mine, rule), read_prepared(dest)
    assert tree.groups is not None
    assert prepared.groups is not None
    found = [
        {*zip(groups.tolist(), data.splits.tolist(), strict=True)}
        for data, groups in ((tree, tree.groups), (prepared, prepared.groups))
    ]
    assert found[0] == found[1]
    assert sum(split == "validation" for _, split in found[0]) == 1
    assert (read_prepared(mine).splits == "validation").sum() == 8
    # The paths of a prepared data set are those of its manifest.
    again = read_prepared(dest, "folder:1")
    assert again.groups is not None
    assert set(again.groups.tolist()) == {"train", "test"}
    assert (again.splits == prepared.splits).all()
