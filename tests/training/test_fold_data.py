from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emorec.datasets.choices import LEAVE_ONE_GROUP_OUT
from emorec.datasets.manifest import PreparedDataset, read_prepared
from emorec.errors import ConfigError, DataError
from emorec.training.config_groups import DataConfig
from emorec.training.fold_data import fold_dataset, plan_folds
from emorec.training.run_data import select

CONFIG = DataConfig()


def dataset(
    labels: list[str], groups: list[str] | None = None, splits: list[str] | None = None
) -> PreparedDataset:
    return PreparedDataset(
        root=Path("data"),
        paths=np.array([f"train/{index}.png" for index in range(len(labels))]),
        splits=np.array(splits or ["train"] * len(labels)),
        labels=np.array(labels),
        votes=None,
        class_names=tuple(sorted(set(labels) - {""})),
        policy=None,
        groups=None if groups is None else np.array(groups),
    )


@pytest.mark.parametrize(
    ("labels", "groups", "folds", "error", "message"),
    [
        (["", ""], None, 2, DataError, "has no labelled image"),
        (["a", "a"], None, 2, DataError, "all images have the label 'a'"),
        (["a", "b"] * 9, None, 1, ConfigError, "needs 2 or more folds; received 1"),
        (["a", "b"] * 9, None, -1, ConfigError, "needs 2 or more folds; received -1"),
        (["a", "a", "b", "b", "b"], None, 3, ConfigError, "'a' has 2: use at most 2 folds"),
        (["a", "b", "b"], None, 2, ConfigError, "the class 'a' is in one image only"),
        (["a", "b"] * 9, ["x", "x", "y", "y", "z", "z"] * 3, 4, ConfigError, "there are 3"),
        (["a", "a", "b", "b"], ["x", "x", "x", "y"], 2, ConfigError, "one group only .'x'."),
        (["a", "b"] * 9, None, LEAVE_ONE_GROUP_OUT, ConfigError, "no image has a group"),
        (["a", "b"] * 9, [""] * 18, LEAVE_ONE_GROUP_OUT, ConfigError, "no image has a group"),
        (["a", "b"] * 9, ["x"] * 18, LEAVE_ONE_GROUP_OUT, ConfigError, "two or more groups"),
        (["a", "b"] * 9, None, "each", ConfigError, "a number or leave-one-.*; received 'each'"),
    ],
)
def test_folds_that_cannot_be(labels, groups, folds, error, message):
    with pytest.raises(error, match=message) as caught:
        plan_folds(CONFIG, dataset(labels, groups), folds, 0)
    assert "\n" not in str(caught.value)


def test_the_test_split_and_images_without_a_label_take_no_part():
    splits = ["train", "validation", "test"] * 6
    labels = ["a", "a", "a", "b", "b", "b"] * 3
    labels[3] = ""
    plan = plan_folds(CONFIG, dataset(labels, splits=splits), 2, 0)
    expected = [index for index in range(18) if index % 3 != 2 and index != 3]
    assert plan.paths == tuple(f"train/{index}.png" for index in expected)
    assert plan.groups is None
    assert np.bincount(plan.fold_of_path).tolist() in ([6, 5], [5, 6])


def test_a_limit_takes_images_evenly():
    plan = plan_folds(DataConfig(limit=10), dataset(["a"] * 20 + ["b"] * 20), 5, 0)
    rows = [int(path.removeprefix("train/").removesuffix(".png")) for path in plan.paths]
    assert len(rows) == 10
    assert sum(row < 20 for row in rows) == 5
    assert np.bincount(plan.fold_of_path).tolist() == [2] * 5


def test_one_group_is_left_out_at_a_time():
    groups = ["x", "y", "z"] * 6
    plan = plan_folds(CONFIG, dataset(["a", "b"] * 9, groups), LEAVE_ONE_GROUP_OUT, 0)
    assert plan.count == plan.group_count == 3
    for fold in range(3):
        part = fold_dataset(dataset(["a", "b"] * 9, groups), plan, fold)
        assert part.groups is not None
        assert set(part.groups[part.splits == "validation"]) == {"xyz"[fold]}
    assert plan.method == "3 groups, one left out at a time"


@settings(max_examples=30)
@given(st.lists(st.integers(0, 8), min_size=30, max_size=60), st.integers(2, 4), st.integers(0, 99))
def test_nobody_is_on_both_sides_of_a_fold(members: list[int], folds: int, seed: int):
    members[:18] = [*range(9), *range(9)]
    labels = ["a", "b", "c"] * 20
    data = dataset(labels[: len(members)], [f"S{member}" for member in members])
    plan = plan_folds(CONFIG, data, folds, seed)
    seen: list[str] = []
    for fold in range(folds):
        part = fold_dataset(data, plan, fold)
        people = defaultdict(set)
        assert part.groups is not None
        for split, group in zip(part.splits.tolist(), part.groups.tolist(), strict=True):
            people[split].add(group)
        assert not people["train"] & people["validation"]
        seen += part.paths[part.splits == "validation"].tolist()
    assert sorted(seen) == sorted(data.paths.tolist())
    whole = fold_dataset(data, plan, None)
    assert set(whole.splits.tolist()) == {"train"}
    assert whole.paths.tolist() == list(plan.paths)


def test_votes(tiny_data: Path):
    data = read_prepared(tiny_data)
    plan = plan_folds(DataConfig(labels="soft"), data, 3, 0)
    assert len(plan.paths) == 7 * (12 + 6)
    everything = select(DataConfig(labels="soft"), fold_dataset(data, plan, None), "train")
    assert [len(examples.paths) for examples in everything] == [126, 126]
    assert everything[0].targets.min(axis=0).max() == pytest.approx(0.2)
    assert set(everything[1].targets.ravel()) == {0, 1}


def test_an_image_that_is_missing_is_named():
    data = dataset(["a", "b"] * 6)
    plan = plan_folds(CONFIG, data, 2, 0)
    with pytest.raises(DataError, match=r"the image 'train/11\.png' of the folds is missing"):
        fold_dataset(dataset(["a", "b"] * 5 + ["a"]), plan, 0)
