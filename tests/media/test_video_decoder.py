import http.server
import itertools
import os
import re
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.clips import Placed, draw, write_clip
from helpers.odd_media import cover_first, ffmpeg, non_square, varying_rate

from emorec.errors import DataError
from emorec.media import video_decoder, video_input
from emorec.media.video import VideoReader
from emorec.media.video_decoder import VideoDecoder, VideoRequest


def moving(count: int, size_wh: tuple[int, int] = (160, 96)) -> list[np.ndarray]:
    """Frames of a moving face."""
    return [draw([Placed(40 + number, 48, 60)], size_wh) for number in range(count)]


def decoder_of(path: Path, **options) -> VideoDecoder:
    return VideoDecoder(VideoRequest(str(path), **options))


# Frame counts and times


@pytest.mark.parametrize("suffix", [".webm", ".mkv", ".mp4"])
def test_a_varying_rate_is_not_damage(tmp_path: Path, suffix):
    path = varying_rate(tmp_path / f"varying{suffix}", moving(20))
    decoder = decoder_of(path)
    times = [frame.time_s for frame in decoder]
    assert times == pytest.approx([(n + 125 * (n > 9)) / 25 for n in range(20)], abs=0.002)
    assert decoder.problem is None
    assert decoder.frame_count == (20 if suffix == ".mp4" else None)


def test_frames_left_out_by_an_edit_list_are_not_damage(tmp_path: Path):
    clip = write_clip(tmp_path / "clip.mp4", moving(50), fps=25)
    trimmed = tmp_path / "trimmed.mp4"
    ffmpeg("-i", clip, "-c:v", "mpeg4", "-g", "50", tmp_path / "whole.mp4")
    ffmpeg("-ss", "1", "-i", tmp_path / "whole.mp4", "-c", "copy", trimmed)
    decoder = decoder_of(trimmed)
    assert len(list(decoder)) == 25
    assert decoder.problem is None


def test_a_truncated_matroska_file(tmp_path: Path):
    ffmpeg("-i", write_clip(tmp_path / "clip.mp4", moving(50)), tmp_path / "clip.mkv")
    cut = tmp_path / "cut.mkv"
    cut.write_bytes((tmp_path / "clip.mkv").read_bytes()[:-3000])
    decoder = decoder_of(cut)
    count = len(list(decoder))
    assert 0 < count < 50
    assert decoder.problem == (
        f"{cut}: ends after {count} frames; the file is truncated: 3000 bytes are missing at its "
        "end"
    )


# The shape of the pixels


@pytest.mark.parametrize(
    ("ratio", "stored_wh", "displayed_wh"),
    [
        ("4/3", (120, 96), (160, 96)),
        ("64/45", (112, 96), (159, 96)),
        ("2/1", (80, 96), (160, 96)),
        ("1/2", (320, 96), (320, 192)),
        ("100/101", (160, 96), (160, 96)),  # as good as square,
    ],
)
def test_non_square_pixels(tmp_path: Path, ratio, stored_wh, displayed_wh):
    path = non_square(tmp_path / "odd.mp4", moving(3), ratio)
    capture = cv2.VideoCapture(str(path))
    stored = capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
    assert stored == stored_wh
    decoder = decoder_of(path)
    assert decoder.size_wh == displayed_wh
    width, height = displayed_wh
    frames = list(decoder)
    assert {frame.image_bgr.shape for frame in frames} == {(height, width, 3)}
    assert {frame.size_wh for frame in frames} == {decoder.size_wh}
    expected = cv2.resize(moving(1)[0], (width, height))
    assert np.abs(frames[0].image_bgr.astype(int) - expected).mean() < 5


def test_non_square_pixels_of_a_rotated_video(tmp_path: Path):
    path = non_square(tmp_path / "odd.mp4", moving(3), "2/1")
    turned = tmp_path / "turned.mp4"
    ffmpeg("-i", path, "-c", "copy", "-metadata:s:v", "rotate=90", turned)
    decoder = decoder_of(turned)
    assert decoder.size_wh == (96, 160)
    frame = next(iter(decoder)).image_bgr
    upright = moving(1)[0]
    differences = [np.abs(frame.astype(int) - np.rot90(upright, turns)).mean() for turns in (1, 3)]
    assert min(differences) < 5


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


# Streams


class Stream(http.server.BaseHTTPRequestHandler):
    """An MJPEG stream that drops after ten frames, and refuses after two connections."""

    connections = 0

    def log_message(self, format, *args):
        pass

    def do_GET(self):
        type(self).connections += 1
        if self.connections > 2:
            self.send_error(403)
            return
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=part")
        self.end_headers()
        image = cv2.imencode(".jpg", moving(1)[0])[1].tobytes()
        for _ in range(10):
            self.wfile.write(b"--part\r\nContent-Type: image/jpeg\r\n")
            self.wfile.write(b"Content-Length: %d\r\n\r\n%b\r\n" % (len(image), image))
            time.sleep(0.02)


@pytest.fixture
def stream(monkeypatch):
    """Address of a new `Stream`, and no waiting."""
    monkeypatch.setattr(video_decoder, "RECONNECT_WAIT_S", 0.01)
    monkeypatch.setattr(Stream, "connections", 0)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stream) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/stream"
        server.shutdown()


@pytest.mark.parametrize(("reconnects", "parts"), [(0, 1), (2, 2)])
def test_a_dropped_stream_is_reconnected(stream: str, reconnects, parts):
    decoder = VideoDecoder(VideoRequest(stream, reconnects=reconnects))
    assert decoder.live
    frames = list(decoder)
    # FFmpeg reads some frames to recognise the stream, and may lose the last one.
    assert 8 * parts <= len(frames) <= 10 * parts
    assert [frame.number for frame in frames] == list(range(len(frames)))
    times = [frame.time_s for frame in frames]
    assert all(later > earlier for earlier, later in itertools.pairwise(times))
    assert len(decoder.gaps) == parts - 1
    for begin, end in decoder.gaps:
        assert min(abs(begin - time_s) for time_s in times[7:10]) < 0.002
        assert end >= begin
    tried = r"; reconnecting failed \(attempts: 2\)" if reconnects else ""
    assert decoder.problem is not None
    assert re.fullmatch(rf"{stream}: the stream ended after [0-9.]+ s{tried}", decoder.problem)


def test_the_server_says_why_it_refuses(stream: str, monkeypatch):
    monkeypatch.setattr(Stream, "connections", 9)
    with pytest.raises(DataError, match="the server answered 403 Forbidden"):
        VideoDecoder(VideoRequest(stream))
