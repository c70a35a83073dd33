"""Videos from the command line: names of any bytes, crashes, dropped streams, image addresses."""

import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.detect_command import MovingDetector, enter_workplace, lines, make_clip, names, run
from helpers.faulty_opencv import write_faulty_opencv
from helpers.odd_media import varying_rate

from emorec.media.video import VideoReader

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch) -> None:
    enter_workplace(tmp_path, monkeypatch, MovingDetector)


def test_a_varying_rate():
    shades = [np.full((60, 80, 3), 100 + 2 * n, np.uint8) for n in range(20)]
    varying_rate(Path("varying.webm"), shades)
    result = run("varying.webm", "--no-save", "--json-file", "r.json")
    assert (result.exit_code, result.stderr) == (0, "")
    document = json.loads(Path("r.json").read_text())
    assert {record["status"] for record in document["images"]} == {"ok"}
    assert len(document["images"]) == 20
    (summary,) = document["videos"]
    assert summary["duration_s"] == pytest.approx(5.8, abs=0.01)
    # The gap of five seconds ends the first face, and is the time of none.
    assert [track["seconds"] for track in summary["tracks"]] == pytest.approx([0.4, 0.4], abs=0.01)


def test_a_crash_costs_one_video(tmp_path: Path, monkeypatch):
    monkeypatch.syspath_prepend(write_faulty_opencv(tmp_path / "opencv"))
    for name in ("a.avi", "crash.avi", "z.avi"):
        make_clip(name, frames=10)
    result = run("a.avi", "crash.avi", "z.avi", "--no-save", "--jsonl", "r.jsonl")
    assert result.exit_code == 1
    assert result.stderr == (
        "error: crash.avi: the decoder crashed after 5 frames; is the video damaged?\n"
    )
    found = [(record["source"], record["status"]) for record in lines()]
    assert [found.count((name, "ok")) for name in ("a.avi", "crash.avi", "z.avi")] == [10, 5, 10]
    assert found.count(("crash.avi", "unreadable")) == 1


@pytest.mark.skipif(os.name != "posix", reason="file names are bytes on POSIX only")
@pytest.mark.parametrize(
    "locale",
    [
        pytest.param({}, marks=pytest.mark.slow),
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
)
def test_names_of_any_bytes(locale):
    folder = b"out\xe9"
    clips = [b"latin\xe9.mp4", "\u00e9.mp4".encode()]
    for clip in clips:
        os.rename(make_clip("clip.mp4", frames=3), clip)  # noqa: PTH104
    done = subprocess.run(
        [sys.executable, "-m", "emorec", "detect", *clips, "--save", folder, "--jsonl", "r.jsonl"],
        env={**os.environ, "PYTHONPATH": str(ROOT), **locale},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    written = sorted(os.fsencode(path.name) for path in Path(os.fsdecode(folder)).iterdir())
    assert written == [b"latin\xe9-emotions.mp4", "\u00e9-emotions.mp4".encode()]
    for name in written:
        with VideoReader(os.fsdecode(folder + b"/" + name)) as reader:
            assert len(list(reader)) == 3
    assert len(lines()) == 6


def test_a_folder_where_no_link_can_be_made(monkeypatch):
    make_clip("clip.mp4", frames=3)

    def refused(self, target):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "symlink_to", refused)
    folder = os.fsdecode(b"out\xe9")
    result = run("clip.mp4", "--save", folder, "--jsonl", "r.jsonl")
    assert result.exit_code == 1
    assert "a link to it cannot be made" in result.stderr
    assert len(lines()) == 3
    assert list(Path(folder).iterdir()) == []


class Server(http.server.BaseHTTPRequestHandler):
    """An image, and a stream of ten frames that drops once and then is gone."""

    streams = 0

    def log_message(self, format, *args):
        pass

    def do_GET(self):
        image = cv2.imencode(".jpg", np.full((60, 80, 3), 120, np.uint8))[1].tobytes()
        if self.path == "/photo.jpg":
            self.send_response(200)
            self.send_header("Content-Type", "image/jpeg")
            self.end_headers()
            self.wfile.write(image)
            return
        type(self).streams += 1
        if self.path != "/stream.mjpg" or self.streams > 2:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=part")
        self.end_headers()
        for _ in range(10):
            self.wfile.write(b"--part\r\nContent-Type: image/jpeg\r\n")
            self.wfile.write(b"Content-Length: %d\r\n\r\n%b\r\n" % (len(image), image))


@pytest.fixture
def server(monkeypatch) -> Iterator[str]:
    monkeypatch.setattr(Server, "streams", 0)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{served.server_port}"
        served.shutdown()


def test_an_image_address(server: str):
    result = run(f"{server}/photo.jpg", "--jsonl", "r.jsonl")
    assert (result.exit_code, result.stderr) == (0, "")
    (record,) = lines()
    assert (record["source"], record["frame"], record["width"]) == (f"{server}/photo.jpg", None, 80)
    assert names() == ["photo-emotions.jpg", "r.jsonl"]


@pytest.mark.slow
def test_a_stream_that_drops_is_reconnected_and_the_gap_is_noted(server: str):
    result = run(f"{server}/stream.mjpg", "--reconnect", "1", "--json-file", "r.json")
    assert result.exit_code == 1  # the stream has ended
    assert f"warning: {server}/stream.mjpg: reconnected; nothing was received from" in result.stderr
    assert "reconnecting failed (attempts: 1)" in result.stderr
    document = json.loads(Path("r.json").read_text())
    ((begin, end),) = document["videos"][0]["gaps"]
    assert 1 <= end - begin < 30
    # A live stream drops frames on a busy machine.
    times = [image["time_s"] for image in document["images"] if image["status"] != "unreadable"]
    assert min(times) <= begin < end <= max(times)


def test_an_address_that_is_refused(server: str):
    result = run(f"{server}/none")
    assert result.exit_code == 1
    assert result.stderr == f"error: {server}/none: the server answered 404 Not Found\n"
