"""Splitting images by class and by group."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from emorec.datasets.splitting import assign_groups, number_groups, stratified, stratified_splits

labels = st.lists(st.sampled_from("abcd"), max_size=60)


@given(labels, st.floats(0, 0.45), st.floats(0, 0.45), st.integers(0, 3))
def test_every_class_gets_its_shares(
    labels: list[str], validation: float, test: float, seed: int
) -> None:
    splits = stratified_splits(labels, validation, test, seed)
    assert len(splits) == len(labels)
    for name, size in Counter(labels).items():
        found = Counter(s for s, label in zip(splits, labels, strict=True) if label == name)
        assert abs(found["test"] - size * test) <= 0.5
        assert abs(found["validation"] - size * validation) <= 1


images = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("pqrstuvw") | st.just("")))


@given(images, st.floats(0, 0.45), st.floats(0, 0.45), st.integers(0, 3))
def test_no_group_is_in_two_parts_and_no_part_is_empty(
    images: list[tuple[str, str]], validation: float, test: float, seed: int
) -> None:
    labels, groups = [label for label, _ in images], [group for _, group in images]
    shares = (1 - validation - test, validation, test)
    parts = assign_groups(labels, groups, shares, seed)
    assert np.array_equal(parts, assign_groups(labels, groups, shares, seed))
    numbers = number_groups(groups, len(images))
    assert len({*zip(numbers.tolist(), parts.tolist(), strict=True)}) == len(set(numbers.tolist()))
    found = set(parts.tolist())
    assert all(shares[part] > 0 for part in found)
    assert len(found) == min(len(set(numbers.tolist())), sum(share > 0 for share in shares))


def test_shares_of_classes_are_kept_as_groups_allow() -> None:
    generator = np.random.default_rng(0)
    people = generator.integers(0, 118, 981)
    classes = generator.choice(7, 981, p=[0.14, 0.05, 0.18, 0.08, 0.21, 0.09, 0.25])
    parts = assign_groups([*map(str, classes)], [*map(str, people)], (0.8, 0.1, 0.1), 0)
    for number in range(7):
        shares = np.bincount(parts[classes == number], minlength=3) / (classes == number).sum()
        np.testing.assert_allclose(shares, (0.8, 0.1, 0.1), atol=0.025)


def test_every_part_gets_every_class_where_people_show_one_class_each() -> None:
    labels = ["happy"] * 30 + ["sad"] * 30
    groups = [f"{label}-{index % 3}" for index, label in enumerate(labels)]
    parts = assign_groups(labels, groups, (0.8, 0.1, 0.1), 0)
    assert len({*zip(labels, parts.tolist(), strict=True)}) == 6


def test_groups_are_numbered_in_order_of_appearance() -> None:
    assert number_groups(None, 0).tolist() == []
    assert number_groups(None, 3).tolist() == [0, 1, 2]
    assert number_groups(["b", "", "a", "b", ""], 5).tolist() == [0, 1, 2, 0, 3]


def test_nothing_can_be_split() -> None:
    assert stratified([], 0.5, 0).tolist() == []
    assert stratified_splits([], 0.1, 0.1, 0) == []
    assert assign_groups([], None, (0.8, 0.1, 0.1), 0).tolist() == []
