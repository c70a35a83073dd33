import time

import pytest

from emorec.short_repr import short_repr


@pytest.mark.parametrize(
    ("value", "text"),
    [("", "''"), ("many", "'many'"), (0, "0"), ([0.5, "a"], "[0.5, 'a']"), (None, "None")],
)
def test_short_values_are_whole(value, text):
    assert short_repr(value) == text


def nested(levels):
    value = ["x"] * 10
    for _ in range(levels):
        value = [value] * 10
    return value


@pytest.mark.parametrize(
    "value",
    [["x" * 10**6], [10**4000], [10**6000], [list(range(10**6))], [nested(50)]],
    ids=range(5),
)
def test_large_values_are_short_and_take_no_time(value):
    start = time.thread_time()
    assert len(short_repr(value[0])) <= 80
    assert time.thread_time() - start < 0.2
