"""Random data set folders: every file is kept or named, in each way of reading folders."""

from collections import Counter
from pathlib import Path

import pytest
from helpers.checkouts import noise_png
from helpers.random_trees import RandomTree, make_random_tree

from emorec import file_kinds
from emorec.datasets.manifest import read_prepared
from emorec.datasets.prepare import prepare_data
from emorec.datasets.readers.registry import read_source
from emorec.datasets.readers.rows import USAGES, ReadOptions
from emorec.datasets.readers.tree import read_folder
from emorec.file_kinds import count_kinds, kind_of_name
from emorec.media.sources import expand

TREES, PARTS = 300, 10
CONTENT = noise_png(0)


@pytest.fixture(autouse=True)
def without_heif(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_kinds, "reads_heif", lambda: False)


@pytest.mark.parametrize(
    "part",
    [pytest.param(part, marks=pytest.mark.slow if part > 1 else ()) for part in range(PARTS)],
)
def test_every_file_is_kept_or_named(tmp_path: Path, part: int) -> None:
    for seed in range(part, TREES, PARTS):
        root = tmp_path / f"tree-{seed}"
        tree = make_random_tree(root, seed, CONTENT)
        check_preparing(root, tree, tmp_path / f"prepared-{seed}")
        if any(split for split, _ in tree.images.values()):
            check_raw_reading(root, tree)
        check_detection(root, tree)


def check_preparing(root: Path, tree: RandomTree, dest: Path) -> None:
    rows = read_source(root)
    assert set(rows.names) == set(tree.images)
    assert set(rows.left_out) == tree.others
    folders = {path.rpartition("/")[0] for path in tree.linked}
    skipped = {path for path in read_folder(root).skipped if "/up-" not in path}
    assert skipped == {*tree.outside, *folders, *tree.broken}
    given = {split for split, _ in tree.images.values()}
    for name, usage, label in zip(rows.names, rows.usages, rows.labels or (), strict=True):
        split, emotion = tree.images[name]
        assert label == emotion
        # Only images of train, or of a tree without splits, may be held out for what lacks.
        assert USAGES[usage][0] == split or (
            split in ("", "train") and USAGES[usage][0] not in given
        )
    summary = prepare_data(root, dest).summary
    assert summary["left_out"] == count_kinds(sorted(tree.others))
    assert sum(summary["left_out"].values()) == len(tree.others)
    (text, *_) = [note for note in summary["notes"] if note.startswith("left out")] or [""]
    assert all(kind_of_name(name) in text for name in tree.others)
    kept: Counter[str] = sum((Counter(counts) for counts in summary["kept"].values()), Counter())
    assert kept == Counter(emotion for _, emotion in tree.images.values())
    assert len([path for path in dest.glob("*/*/*") if path.is_file()]) == len(tree.images)


def check_raw_reading(root: Path, tree: RandomTree) -> None:
    data = read_prepared(root)
    images = {**tree.images, **tree.outside, **tree.linked}
    assert set(data.paths.tolist()) == set(images)
    assert data.left_out == count_kinds(sorted(tree.others))
    given = {split for split, _ in images.values()}
    for path, split in zip(data.paths.tolist(), data.splits.tolist(), strict=True):
        assert split == images[path][0] or (split == "validation" and "validation" not in given)
    assert len(data.examples("train").paths) + sum(data.splits != "train") == len(images)
    named = sum(int(note.split(": ")[1].split(" ")[0]) for note in data.notes if "lead" in note)
    assert named == len(tree.broken)
    with_options = read_source(root, ReadOptions(validation=0.1, test=0))
    same = {n: USAGES[u][0] for n, u in zip(with_options.names, with_options.usages, strict=True)}
    if not tree.outside and not tree.linked:  # prepare-data does not follow links out of the folder
        assert dict(zip(data.paths.tolist(), data.splits.tolist(), strict=True)) == same


def check_detection(root: Path, tree: RandomTree) -> None:
    left_out: list[str] = []
    sources = {source.name for source in expand([str(root)], left_out=left_out)}
    taken = {*tree.images, *tree.outside, *tree.linked, *tree.broken, *tree.loose}
    assert sources == {f"{root}/{path}" for path in taken}
    assert set(left_out) == {f"{root}/{path}" for path in tree.others - tree.loose}


def test_the_trees_hold_every_kind_of_file(tmp_path: Path) -> None:
    trees = [make_random_tree(tmp_path / f"{seed}", seed, b"") for seed in range(30)]
    for kind in ("images", "others", "loose", "outside", "linked", "broken"):
        assert any(getattr(tree, kind) for tree in trees)
    assert {"", "train", "validation", "test"} == {
        split for tree in trees for split, _ in tree.images.values()
    }
