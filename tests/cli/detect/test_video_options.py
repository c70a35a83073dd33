"""The options for videos."""

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.detect_command import (
    MovingDetector,
    enter_workplace,
    lines,
    make_clip,
    names,
    run,
)

from emorec.detection import haar, yunet
from emorec.inference.tracking import TRACKED
from emorec.installation import install_command
from emorec.media.video import VideoReader


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch) -> None:
    enter_workplace(tmp_path, monkeypatch, MovingDetector)


@pytest.mark.parametrize(
    ("options", "frames"),
    [
        (("--every", "6"), [0, 6, 12, 18]),
        (("--start", "1.5"), range(15, 20)),
        (("--end", "0:00:00.4"), range(4)),
        (("--start", "0:01", "--end", "1.3", "--every", "2"), [10, 12]),
    ],
)
def test_start_end_and_every(options, frames):
    assert run(make_clip(), *options, "--jsonl", "r.jsonl").exit_code == 0
    assert [record["frame"] for record in lines()] == list(frames)
    with VideoReader("clip-emotions.avi") as reader:
        assert sum(1 for _ in reader) == len(frames)


def test_detection_in_every_fourth_frame():
    assert run(make_clip(), "--detect-every", "4", "--jsonl", "r.jsonl").exit_code == 0
    detectors = [face["detector"] for record in lines() for face in record["faces"]]
    assert detectors == ["stub", TRACKED, TRACKED, TRACKED] * 5


def test_smoothing_can_be_turned_off():
    found = {}
    for smooth in ("0", "9"):
        run(make_clip(), "--smooth", smooth, "--jsonl", "r.jsonl", "--no-save")
        found[smooth] = [record["faces"][0]["probabilities"] for record in lines()]
    assert found["0"][0] == found["9"][0]
    assert found["0"][-1] != found["9"][-1]


def test_a_video_in_a_folder_is_selected_by_a_pattern():
    Path("in").mkdir()
    make_clip("in/clip.avi", 2)
    assert run("in", "--glob", "*.avi", "--jsonl", "r.jsonl").exit_code == 0
    assert len(lines()) == 2
    assert names() == ["in", "r.jsonl"]


@pytest.mark.parametrize(
    ("module", "name", "option", "expected"),
    [
        (yunet, "YuNetDetector", "search_side", [None, yunet.SEARCH_SIDE_OF_VIDEOS]),
        (haar, "HaarDetector", "min_share", [None, haar.MIN_SIZE_SHARE_OF_VIDEOS]),
    ],
)
def test_detectors_have_defaults_for_videos(monkeypatch, module, name, option, expected):
    found = []

    class Recorded(MovingDetector):
        def __init__(self, model=None, **options):
            found.append(options.get(option))

    monkeypatch.setattr(module, name, Recorded)
    cv2.imwrite("a.png", np.full((60, 80, 3), 90, np.uint8))
    detector = name.lower().removesuffix("detector")
    command = ["a.png", make_clip(frames=1), "a.png", "--no-save", "--detector", detector]
    assert run(*command).exit_code == 0
    assert found == expected


def test_crops_are_written_where_faces_are_detected():
    assert run(make_clip(frames=3), "--detect-every", "2", "--crops", "faces").exit_code == 0
    assert len(list(Path("faces").iterdir())) == 2


@pytest.mark.parametrize(
    "options",
    [
        ("--every", "0"),
        ("--start", "-1"),
        ("--start", "1:2:3:4"),
        ("--end", "soon"),
        ("--end", "nan"),
        ("--start", "2", "--end", "1"),
        ("--detect-every", "0"),
        ("--smooth", "-1"),
        ("--max-gap", "-1"),
        ("--reconnect", "-1"),
        ("--plot", "a.pdf"),
        ("--plot", "none/a.png"),
        ("--resume", "--jsonl", "r.jsonl"),
    ],
)
def test_invalid_options(options):
    result = run(make_clip(), *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert names() == ["clip.avi"]


def test_video_options_without_a_video():
    cv2.imwrite("a.png", np.zeros((60, 80, 3), np.uint8))
    result = run("a.png", "--detect-every", "5")
    assert result.exit_code == 2
    assert "--detect-every is for videos" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [("clip.avi", "clip-emotions.avi"), ("clip.avi", "--plot", "x.png", "--jsonl", "x.png")],
)
def test_no_output_overwrites_an_input_or_another_output(arguments):
    make_clip()
    make_clip("clip-emotions.avi")
    before = names()
    result = run(*arguments)
    assert result.exit_code == 2
    assert "would be written over" in result.stderr
    assert names() == before


def test_a_plot_without_matplotlib(monkeypatch):
    class Hidden:
        def find_spec(self, name, *_):
            if name == "matplotlib":
                raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(sys, "meta_path", [Hidden(), *sys.meta_path])
    for name in list(sys.modules):
        if name.startswith("matplotlib") or name in (
            "emorec.batch.timeline_plot",
            "emorec.figures",
        ):
            monkeypatch.delitem(sys.modules, name)
    result = run(make_clip(), "--plot", "p.png")
    assert (result.exit_code, result.stdout) == (6, ""), result.stderr
    assert f"install it with: {install_command('plots')}\n" in result.stderr
    assert names() == ["clip.avi"]
