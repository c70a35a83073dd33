import http.server
import itertools
import re
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.clips import Placed, draw, write_clip
from helpers.odd_media import ffmpeg, varying_rate, write_frames
from helpers.rtsp_server import PACKET, RtspServer

from emorec.errors import DataError
from emorec.media import video_decoder
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


@pytest.fixture
def rtsp_stream(tmp_path: Path, monkeypatch):
    """Address of ten frames by RTSP, which also drop, and are refused after two connections."""
    monkeypatch.setattr(video_decoder, "RECONNECT_WAIT_S", 0.01)
    pattern = write_frames(tmp_path / "frames", moving(10))
    clip = tmp_path / "clip.ts"
    ffmpeg("-framerate", "25", "-i", pattern, "-c:v", "mpeg2video", "-g", "1", clip)
    data = clip.read_bytes()
    size = -(-len(data) // PACKET // 10) * PACKET
    parts = [data[at : at + size] for at in range(0, len(data), size)]
    with RtspServer(parts, most=2) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.address
        server.shutdown()


@pytest.mark.parametrize("kind", ["stream", "rtsp_stream"])
@pytest.mark.parametrize(("reconnects", "parts"), [(0, 1), (2, 2)])
def test_a_dropped_stream_is_reconnected(request, kind: str, reconnects, parts):
    stream = request.getfixturevalue(kind)
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
