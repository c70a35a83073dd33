import pytest

from emorec.cli.durations import (
    WorkRate,
    clock_text,
    duration_text,
    left_text,
    parse_duration,
    parse_seconds,
)


@pytest.mark.parametrize(
    ("seconds", "clock", "duration"),
    [
        (0, "0:00", "0.0 s"),
        (9.4, "0:09", "9.4 s"),
        (45, "0:45", "45 s"),
        (59.7, "1:00", "1 min"),
        (148, "2:28", "2 min 28 s"),
        (3599.9, "1:00:00", "1 h"),
        (3748, "1:02:28", "1 h 2 min"),
        (90_000, "25:00:00", "1 d 1 h"),
    ],
)
def test_durations(seconds: float, clock: str, duration: str) -> None:
    assert (clock_text(seconds), duration_text(seconds)) == (clock, duration)


def test_the_time_left_stands_before_the_word() -> None:
    assert left_text(148) == "2:28 left"
    assert left_text(None) == ""


def test_the_rate_of_work() -> None:
    times = iter([0.0, 10.0, 10.0, 20.0, 30.0, 30.0])
    work = WorkRate(lambda: next(times))
    assert (work.rate, work.seconds_left) == (None, None)
    work.update(100, 1100)
    work.update(300, 1100)
    assert work.rate == 20
    assert work.seconds_left == 40
    work.update(0, 50)  # other work begins
    assert work.rate is None
    work.update(5, None)
    assert work.seconds_left is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("90", 90), ("90s", 90), ("0.5s", 0.5), ("1:30", 90), ("1:00:01.5", 3601.5)],
)
def test_texts_to_seconds(text: str, seconds: float):
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "x", "-1", "1:2:3:4", "1:", "1e", "inf", "nan"])
def test_texts_that_are_no_time(text: str):
    with pytest.raises(ValueError, match=r"not a time|could not convert"):
        parse_seconds(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2h", 7200), ("90m", 5400), ("90 min", 5400), ("45s", 45), ("1h30m", 5400), ("0.5H", 1800)],
)
def test_parse_duration(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", " ", "2", "h", "-1h", "1d", "30m1h", "0s", "1e9h", "1" * 50 + "h"]
)
def test_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)
