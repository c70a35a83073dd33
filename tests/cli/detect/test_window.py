"""The window of --show."""

import sys
from pathlib import Path

import cv2
import pytest
from helpers.detect_command import (
    MovingDetector,
    enter_workplace,
    lines,
    make_clip,
    names,
    run,
)

from emorec.cli.detect import window


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch) -> None:
    enter_workplace(tmp_path, monkeypatch, MovingDetector)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a display")
def test_a_window_without_a_display(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    result = run(make_clip(), "--show")
    assert (result.exit_code, result.stdout) == (6, "")
    assert "--show cannot open a window here" in result.stderr
    assert names() == ["clip.avi"]


@pytest.mark.parametrize(
    ("key", "visible", "expected"), [(-1, 1, 20), (ord("q"), 1, 1), (27, 1, 1), (-1, 0, 1)]
)
def test_a_window(monkeypatch, key, visible, expected):
    shown = []
    monkeypatch.setattr(window, "check_display", lambda: None)
    monkeypatch.setattr(cv2, "imshow", lambda title, image: shown.append(image))
    monkeypatch.setattr(cv2, "waitKey", lambda wait: key)
    monkeypatch.setattr(cv2, "getWindowProperty", lambda title, what: visible)
    monkeypatch.setattr(cv2, "destroyAllWindows", lambda: shown.append(None))
    result = run(make_clip(), "--show", "--jsonl", "r.jsonl", "--no-save")
    assert result.exit_code == 0
    *frames, closed = shown
    assert closed is None
    assert len(frames) == len(lines()) == expected
    assert frames[0].shape == (60, 80, 3)
    assert frames[0].std() > 5


def test_a_window_of_blurred_faces(monkeypatch):
    shown = []
    monkeypatch.setattr(window, "check_display", lambda: None)
    monkeypatch.setattr(cv2, "imshow", lambda title, image: shown.append(image))
    monkeypatch.setattr(cv2, "waitKey", lambda wait: -1)
    monkeypatch.setattr(cv2, "getWindowProperty", lambda title, what: 1)
    monkeypatch.setattr(cv2, "destroyAllWindows", lambda: None)
    assert run(make_clip(frames=2), "--show", "--no-save", "--blur", "box").exit_code == 0
    assert [image[15:30, 20:35].max() for image in shown] == [0, 0]
