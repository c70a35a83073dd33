import os
from pathlib import Path

import numpy as np
import pytest
from helpers.clips import Placed, draw, write_clip
from helpers.odd_media import cover_first, ffmpeg

from emorec.errors import DataError
from emorec.media import video_input
from emorec.media.video import VideoReader
from emorec.media.video_decoder import VideoDecoder, VideoRequest


def moving(count: int, size_wh: tuple[int, int] = (160, 96)) -> list[np.ndarray]:
    """Frames of a moving face."""
    return [draw([Placed(40 + number, 48, 60)], size_wh) for number in range(count)]


def decoder_of(path: Path, **options) -> VideoDecoder:
    return VideoDecoder(VideoRequest(str(path), **options))


# Several tracks


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".mov"])
def test_a_cover_is_not_the_video(tmp_path: Path, suffix):
    cover = np.full((512, 512, 3), 200, np.uint8)
    path = cover_first(tmp_path / f"cover{suffix}", cover, moving(30))
    decoder = decoder_of(path)
    assert decoder.size_wh == (160, 96)
    assert len(list(decoder)) == 30
    assert decoder.fps == pytest.approx(25)
    assert decoder.problem is None


def test_the_largest_track_is_read(tmp_path: Path):
    small = write_clip(tmp_path / "small.mp4", moving(5, (64, 48)))
    large = write_clip(tmp_path / "large.mp4", moving(7))
    both = tmp_path / "both.mkv"
    ffmpeg("-i", small, "-i", large, "-map", "0:v", "-map", "1:v", "-c", "copy", both)
    decoder = decoder_of(both)
    assert (decoder.size_wh, len(list(decoder))) == ((160, 96), 7)


def test_a_video_of_one_frame_is_a_video(tmp_path: Path):
    path = write_clip(tmp_path / "one.mp4", moving(1))
    assert len(list(decoder_of(path))) == 1


# Names


@pytest.mark.skipif(os.name != "posix", reason="file names are bytes on POSIX only")
@pytest.mark.parametrize("name", [b"latin\xe9.mp4", "\u00e9.mp4".encode(), b"folder\xff/a.mp4"])
def test_names_of_any_bytes(tmp_path: Path, name: bytes):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    path.parent.mkdir(exist_ok=True)
    write_clip(tmp_path / "clip.mp4", moving(5)).rename(path)
    with VideoReader(path) as reader:
        assert len(list(reader)) == 5


def test_without_streams_a_path_is_opened(tmp_path: Path, monkeypatch):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/latin\xe9.mp4"))
    write_clip(tmp_path / "clip.mp4", moving(5)).rename(path)
    registry = video_input.cv2.videoio_registry
    monkeypatch.setattr(registry, "getStreamBufferedBackends", lambda: [])
    assert len(list(decoder_of(path))) == 5


# Permissions


def test_a_camera_without_permission(monkeypatch):
    monkeypatch.setattr(video_input.os.path, "exists", lambda path: path == "/dev/video987")
    monkeypatch.setattr(video_input.os, "access", lambda path, mode: False)
    message = "^987: the camera cannot be opened; no permission for /dev/video987; add your user"
    with pytest.raises(DataError, match=message):
        VideoDecoder(VideoRequest("987"))


def test_a_file_without_permission(tmp_path: Path, monkeypatch):
    path = write_clip(tmp_path / "a.mp4", moving(1))

    def refused(self, mode):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(DataError, match=r"a\.mp4: Permission denied$"):
        VideoReader(path)


@pytest.mark.parametrize(
    ("platform", "asks"), [("linux", False), ("win32", True), ("darwin", True)]
)
def test_systems_that_guard_their_cameras(monkeypatch, platform, asks):
    monkeypatch.setattr(video_input.sys, "platform", platform)
    question = video_input._camera_question(987)
    assert question.startswith("is it connected and not in use?")
    assert ("privacy settings" in question) == asks
