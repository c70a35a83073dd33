"""Splitting images by class and by group."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from emorec.datasets.splitting import grouped_splits, stratified, stratified_splits

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


@given(labels, st.floats(0, 0.45), st.floats(0, 0.45), st.integers(0, 3))
def test_no_group_is_in_two_splits(
    groups: list[str], validation: float, test: float, seed: int
) -> None:
    splits = grouped_splits(groups, validation, test, seed)
    assert len(splits) == len(groups)
    assert len(set(zip(groups, splits, strict=True))) == len(set(groups))


def test_nothing_can_be_split() -> None:
    assert stratified([], 0.5, 0).tolist() == []
    assert stratified_splits([], 0.1, 0.1, 0) == []
    assert grouped_splits([], 0.1, 0.1, 0) == []
