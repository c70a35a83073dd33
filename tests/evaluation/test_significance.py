from math import comb, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emorec.evaluation.significance import (
    bootstrap_intervals,
    group_bootstrap_intervals,
    mcnemar,
)


def accuracy(confusion: np.ndarray) -> np.ndarray:
    return np.trace(confusion, axis1=1, axis2=2)[:, None] / confusion.sum(axis=(1, 2))[:, None]


@pytest.mark.parametrize(("right", "total"), [(80, 100), (2700, 3000)])
def test_the_interval_of_a_share_is_the_known_one(right: int, total: int) -> None:
    confusion = np.array([[right, total - right], [0, 0]])
    ((low, high),) = bootstrap_intervals(confusion, accuracy)
    share = right / total
    half = 1.96 * sqrt(share * (1 - share) / total)
    assert (low, high) == pytest.approx((share - half, share + half), abs=0.25 * half)
    assert bootstrap_intervals(confusion, accuracy) == [(low, high)]


def test_groups_of_one_image_are_images() -> None:
    hits = np.arange(200) < 150
    parts = np.zeros((200, 2, 2), np.int64)
    parts[np.arange(200), 0, 1 - hits.astype(int)] = 1
    ((low, high),) = group_bootstrap_intervals(parts, accuracy)
    expected = bootstrap_intervals(parts.sum(axis=0), accuracy)[0]
    assert (low, high) == pytest.approx(expected, abs=0.01)
    assert group_bootstrap_intervals(parts, accuracy) == [(low, high)]


def test_the_interval_over_groups_that_are_alike_is_that_of_so_many_images() -> None:
    """Of 40 people all 25 images are right, of 10 all are wrong: it is a sample of 50."""
    parts = np.zeros((50, 2, 2), np.int64)
    parts[:40, 0, 0] = parts[40:, 0, 1] = 25
    ((low, high),) = group_bootstrap_intervals(parts, accuracy)
    half = 1.96 * sqrt(0.8 * 0.2 / 50)
    assert (low, high) == pytest.approx((0.8 - half, 0.8 + half), abs=0.25 * half)


def outcomes(both: int, first: int, second: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    first_right = [True] * (both + first) + [False] * (second + neither)
    second_right = [True] * both + [False] * first + [True] * second + [False] * neither
    return np.array(first_right, bool), np.array(second_right, bool)


@pytest.mark.parametrize(
    ("first", "second", "p_value"),
    [
        (0, 0, 1.0),
        (5, 5, 1.0),
        (0, 1, 1.0),
        (0, 5, 2 / 2**5),
        (1, 9, 2 * (1 + 10) / 2**10),
        (9, 1, 2 * (1 + 10) / 2**10),
        (59, 33, 0.0089),  # the published example of a drug and a placebo has 0.009
    ],
)
def test_known_p_values(first: int, second: int, p_value: float) -> None:
    found = mcnemar(*outcomes(7, first, second, 3))
    assert (found.only_first, found.only_second) == (first, second)
    assert found.p_value == pytest.approx(p_value, rel=0.02)


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_p_value_is_twice_the_tail(first: int, second: int) -> None:
    n = first + second
    tail = sum(comb(n, k) for k in range(min(first, second) + 1)) / 2**n
    assert mcnemar(*outcomes(1, first, second, 1)).p_value == pytest.approx(min(1, 2 * tail))


def test_many_images() -> None:
    assert mcnemar(*outcomes(0, 15_000, 15_000, 0)).p_value == 1
    assert 0 < mcnemar(*outcomes(0, 15_000, 15_500, 0)).p_value < 0.01
