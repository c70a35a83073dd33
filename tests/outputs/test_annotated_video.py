from pathlib import Path

import numpy as np
import pytest
from helpers.example_records import TRACKED

from emorec.frames import Frame
from emorec.media import video_writer
from emorec.media.sources import MediaSource
from emorec.media.video import VideoReader
from emorec.media.video_writer import VideoWriter
from emorec.outputs.annotated_video import AnnotatedVideo, annotated_path
from emorec.types import Undrawn


def add_frames(video: AnnotatedVideo, count: int) -> None:
    for number in range(count):
        image_bgr = np.full((60, 80, 3), 90, np.uint8)
        video.add(Frame(image_bgr, (80, 60), number, number / 10), [TRACKED])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a/clip.AVI", "clip-emotions.avi"),
        ("clip.webm", "clip-emotions.mp4"),
        ("rtsp://host/clip", "clip-emotions.mp4"),
    ],
)
def test_the_path(name: str, expected: str):
    assert annotated_path(Path("out"), MediaSource(name, "clip")) == Path("out") / expected


def test_all_frames_are_written(tmp_path: Path):
    video = AnnotatedVideo(VideoWriter(tmp_path / "a.avi", 10))
    add_frames(video, 30)
    assert not (tmp_path / "a.avi").exists()
    video.close()
    assert (video.written, video.problem, video.note) == (tmp_path / "a.avi", None, None)
    with VideoReader(tmp_path / "a.avi") as reader:
        frames = list(reader)
    assert len(frames) == 30
    assert np.abs(frames[-1].image_bgr.astype(int) - 90).max() > 30


def test_no_frames(tmp_path: Path):
    video = AnnotatedVideo(VideoWriter(tmp_path / "a.avi", 10))
    video.close()
    assert (video.written, video.problem) == (None, None)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_does_not_block_the_frames(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(video_writer, "_LEAST_FREE_BYTES", 2**62)
    video = AnnotatedVideo(VideoWriter(tmp_path / "a.avi", 10))
    add_frames(video, 30)
    video.close()
    assert video.written is None
    assert "the disk is full" in (video.problem or "")
    assert list(tmp_path.iterdir()) == []


def test_labels_and_bars_without_a_place_are_counted(tmp_path: Path):
    video = AnnotatedVideo(VideoWriter(tmp_path / "a.avi", 10), with_bars=True)
    add_frames(video, 30)
    video.close()
    assert video.undrawn == Undrawn(labels=0, bars=30)
