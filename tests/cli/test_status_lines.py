import time

import pytest

from emorec.cli.durations import WorkRate
from emorec.cli.status_lines import StatusLines, line_progress, status_text


def lines_after(capsys: pytest.CaptureFixture, count: int) -> list[str]:
    """Wait for lines on standard error."""
    printed, deadline = "", time.monotonic() + 10
    while printed.count("\n") < count and time.monotonic() < deadline:
        time.sleep(0.005)
        printed += capsys.readouterr().err
    return printed.splitlines()


def test_silent_work_gets_lines(capsys: pytest.CaptureFixture) -> None:
    with StatusLines(lambda: "exporting", seconds=0.02):
        assert lines_after(capsys, 2)[:2] == ["exporting", "exporting"]
    capsys.readouterr()
    time.sleep(0.05)
    assert capsys.readouterr().err == ""


def test_short_work_prints_nothing(capsys: pytest.CaptureFixture) -> None:
    with StatusLines(lambda: "exporting"), line_progress("reading") as update:
        update(1, 2)
    assert capsys.readouterr() == ("", "")


def test_no_line_without_a_status(capsys: pytest.CaptureFixture) -> None:
    with StatusLines(lambda: None, seconds=0.01):
        time.sleep(0.05)
    assert capsys.readouterr() == ("", "")


def test_a_printed_line_postpones_the_next(capsys: pytest.CaptureFixture) -> None:
    with StatusLines(lambda: "status", seconds=5) as lines:
        lines.print("epoch 1")
    assert capsys.readouterr().err == "epoch 1\n"


def test_lines_of_work(capsys: pytest.CaptureFixture) -> None:
    with line_progress("Writing images", seconds=0.02) as update:
        update(0, 1000)
        update(250, 1000)
        (line, *_) = lines_after(capsys, 1)
    assert line.startswith("Writing images: 250 of 1,000, ")
    assert "images/s" in line
    assert line.endswith(" left")


@pytest.mark.parametrize(
    ("updates", "text"),
    [
        ([], "reading: 0"),
        ([(3, None)], "reading: 3"),
        ([(0, 1200)], "reading: 0 of 1,200"),
        ([(0, 1200), (1000, 1200)], "reading: 1,000 of 1,200, 100.0 frames/s, 0:02 left"),
    ],
)
def test_status_text(updates: list[tuple[int, int | None]], text: str) -> None:
    times = iter([0.0])
    work = WorkRate(lambda: next(times, 10.0))
    for update in updates:
        work.update(*update)
    assert status_text("reading", work, "frames") == text
