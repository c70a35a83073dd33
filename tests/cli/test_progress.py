"""Progress on standard error: bars on a terminal; short work prints nothing elsewhere."""

import pytest

from emorec.cli.progress import (
    byte_progress,
    image_progress,
    staged_image_progress,
    step_progress,
    unit_progress,
)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")


@pytest.mark.parametrize("progress", [image_progress, byte_progress])
def test_a_bar_prints_nothing_without_a_terminal(capsys: pytest.CaptureFixture, progress):
    with progress("Reading images") as update:
        update(0, 10)
        update(10, 10)
    assert capsys.readouterr() == ("", "")


def test_images_of_unknown_number(capsys: pytest.CaptureFixture):
    with image_progress("Reading images") as update:
        update(3, None)
    assert capsys.readouterr() == ("", "")


def test_steps_print_nothing_without_a_terminal(capsys: pytest.CaptureFixture):
    with step_progress(2) as begin:
        begin("exporting")
        begin("comparing")
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("terminal")
def test_a_terminal_shows_rate_and_time_left(capsys: pytest.CaptureFixture):
    with unit_progress("clip.mp4", "frames") as update:
        update(0, 10_000)
        update(10, 10_000)
    printed = capsys.readouterr().err
    assert "clip.mp4" in printed
    assert "10/10000" in printed
    assert "frames/s" in printed
    assert " left" in printed


@pytest.mark.usefixtures("terminal")
def test_a_terminal_shows_steps(capsys: pytest.CaptureFixture):
    with step_progress(3) as begin:
        begin("loading")
        begin("exporting")
    printed = capsys.readouterr().err
    assert "exporting" in printed
    assert "step 2 of 3" in printed
    assert "elapsed" in printed


@pytest.mark.usefixtures("terminal")
def test_a_terminal_shows_one_stage_after_another(capsys: pytest.CaptureFixture):
    with staged_image_progress() as stage:
        writing, finding = stage("Writing images"), stage("Finding faces")
        assert capsys.readouterr().err == ""
        writing(0, 10)
        writing(5, 10)
        before = capsys.readouterr().err
        finding(1, 4)
        finding(2, 4)
    assert "Writing images" in before
    assert "Finding faces" not in before
    after = capsys.readouterr().err
    assert "Finding faces" in after
    assert "2/4" in after
