"""Folds of a cross-validation: whole groups, no empty fold, close to stratified."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emorec.datasets.folds import assign_folds, leave_one_group_out
from emorec.errors import ConfigError


@pytest.mark.parametrize(
    ("labels", "groups", "count", "message"),
    [
        ([], None, 3, "two or more images; there are 0"),
        (["a"], ["p"], 2, "two or more groups; there are 1"),
        (["a", "a", "b", "b"], None, 1, "2 or more folds; received 1"),
        (["a", "a", "b", "b"], ["p", "q", "p", "q"], 3, "3 folds need 3 or more groups; there are"),
        (["a", "a", "b", "b"], None, 5, "5 folds need 5 or more images; there are 4"),
        (["a", "a", "b", "b"], ["p", "q", "q", "q"], 2, r"'b' is in one group only \('q'\)"),
        (["a", "a", "b"], None, 2, "'b' is in one image only"),
    ],
)
def test_what_cannot_be_folded_is_refused(
    labels: list[str], groups: list[str] | None, count: int, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        assign_folds(labels, groups, count, 0)


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("pqrstuvw") | st.just(""))),
    st.integers(2, 6),
    st.integers(0, 5),
)
def test_no_group_is_in_two_folds(images: list[tuple[str, str]], count: int, seed: int) -> None:
    labels, groups = [label for label, _ in images], [group for _, group in images]
    try:
        folds = assign_folds(labels, groups, count, seed).tolist()
    except ConfigError:
        return
    assert set(folds) == set(range(count))
    named = {(group, fold) for group, fold in zip(groups, folds, strict=True) if group}
    assert len(named) == len({group for group, _ in named})
    for fold in range(count):
        assert {label for label, f in zip(labels, folds, strict=True) if f != fold} == set(labels)


def test_images_without_groups_are_stratified() -> None:
    labels = ["a"] * 53 + ["b"] * 20 + ["c"] * 7
    folds = assign_folds(labels, None, 10, 0)
    assert np.array_equal(folds, assign_folds(labels, [""] * 80, 10, 0))
    assert not np.array_equal(folds, assign_folds(labels, None, 10, 1))
    assert np.bincount(folds).tolist() == [8] * 10
    for name in "abc":
        sizes = np.bincount(folds[np.array(labels) == name], minlength=10)
        assert sizes.max() - sizes.min() <= 1


def test_each_group_is_a_fold() -> None:
    labels = ["a", "b", "a", "b", "a"]
    assert leave_one_group_out(labels, ["p", "q", "q", "p", "q"]).tolist() == [0, 1, 1, 0, 1]
    assert leave_one_group_out(labels, ["p", "", "p", "q", ""]).tolist() == [0, 1, 0, 2, 3]
    with pytest.raises(ConfigError, match="two or more groups; there are 1"):
        leave_one_group_out(labels, ["p"] * 5)
    with pytest.raises(ConfigError, match=r"'b' is in one group only \('q'\)"):
        leave_one_group_out(labels, ["p", "q", "p", "q", "r"])


def reference_folds(
    classes: npt.NDArray[np.intp], groups: npt.NDArray[np.intp], count: int, seed: int
) -> npt.NDArray[np.intp]:
    """The algorithm of scikit-learn's StratifiedGroupKFold, shuffled.

    Groups with the most uneven classes come first; each goes to the fold that makes the mean
    standard deviation of the class shares over the folds smallest.
    """
    images = np.zeros((groups.max() + 1, classes.max() + 1))
    np.add.at(images, (groups, classes), 1)
    order = np.random.default_rng(seed).permutation(len(images))
    filled = np.zeros((count, images.shape[1]))
    fold_of = np.empty(len(images), np.intp)
    for group in order[np.argsort(-images[order].std(axis=1), kind="stable")]:
        scores = []
        for fold in range(count):
            filled[fold] += images[group]
            spread = (filled / images.sum(axis=0)).std(axis=0).mean()
            scores.append((round(spread, 12), filled[fold].sum()))
            filled[fold] -= images[group]
        fold_of[group] = min(range(count), key=scores.__getitem__)
        filled[fold_of[group]] += images[group]
    return fold_of[groups]


def test_classes_are_as_even_as_with_the_algorithm_of_scikit_learn() -> None:
    ours: list[float] = []
    theirs: list[float] = []
    for seed in range(20):
        generator = np.random.default_rng(seed)
        people, count = int(generator.integers(12, 120)), int(generator.integers(2, 11))
        groups = generator.integers(0, people, int(generator.integers(60, 600)))
        if seed % 2:  # a few people with most images
            groups = np.sort((people * generator.random(len(groups)) ** 3).astype(np.intp))
        groups = np.concatenate([np.arange(people), groups])
        classes = generator.choice(5, len(groups), p=[0.1, 0.15, 0.2, 0.25, 0.3])
        folds = assign_folds([*map(str, classes)], [*map(str, groups)], count, seed)
        reference = reference_folds(classes, groups, count, seed)
        for found, spread in ((folds, ours), (reference, theirs)):
            images = np.zeros((count, 5))
            np.add.at(images, (found, classes), 1)
            spread.append(float((images / images.sum(axis=0)).std(axis=0).mean()))
        assert ours[-1] <= 1.5 * theirs[-1]
    assert np.mean(ours) < np.mean(theirs)
