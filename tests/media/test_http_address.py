import http.server
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from emorec.errors import DataError
from emorec.media import http_address
from emorec.media.addresses import is_video
from emorec.media.http_address import fetch_image, is_image_answer, refusal
from emorec.media.reading import read_frames
from emorec.media.sources import expand

PHOTO = (Path(__file__).resolve().parents[2] / "examples" / "astronaut.jpg").read_bytes()


class Server(http.server.BaseHTTPRequestHandler):
    """Answers by path."""

    def log_message(self, format, *args):
        pass

    def answer(self, kind: str, data: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        path = self.path.partition("?")[0]
        if path.startswith("/photo"):
            self.answer("image/jpeg", PHOTO)
        elif path == "/empty":
            self.answer("image/png", b"")
        elif path == "/page.jpg":
            self.answer("text/html; charset=utf-8", b"<html>")
        elif path == "/stream":
            self.answer("multipart/x-mixed-replace; boundary=x", b"--x")
        elif path == "/secret":
            allowed = self.headers.get("Authorization") == "Basic dXNlcjp3b3Jk"
            self.answer("image/jpeg", PHOTO) if allowed else self.send_error(401)
        elif path == "/slow":
            self.send_response(200)
            self.send_header("Content-Type", "image/jpeg")
            self.end_headers()
            for byte in PHOTO[:200]:
                self.wfile.write(bytes([byte]))
                time.sleep(0.1)
        elif path.startswith("/to/"):
            targets = {"ftp": "ftp://127.0.0.1/a.jpg", "file": "file:///etc/passwd"}
            self.send_response(302)
            self.send_header("Location", targets.get(path[4:], "/photo"))
            self.end_headers()
        else:
            self.send_error(404)


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("path", ["photo.jpg", "photo", "photo?width=1.5", "to/same"])
def test_an_image_address_is_an_image(host: str, path: str):
    address = f"http://{host}/{path}"
    (source,) = expand([address])
    assert not source.is_video
    content = read_frames(source)
    assert [frame.size_wh for frame in content.frames] == [(512, 512)]


@pytest.mark.parametrize("path", ["stream", "page.jpg", "none.jpg"])
def test_other_addresses_are_streams(host: str, path: str):
    assert is_video(f"http://{host}/{path}")


def test_addresses_of_videos_are_not_requested(monkeypatch):
    monkeypatch.setattr(http_address, "is_image_answer", None)
    for address in ("http://h/a.mp4", "https://h/a.M3U8?x=1", "rtsp://h/a.jpg"):
        assert is_video(address)


def test_a_server_that_does_not_answer():
    assert not is_image_answer("http://127.0.0.1:1/a.jpg")
    with pytest.raises(DataError, match=r"^http://127\.0\.0\.1:1/a: cannot be read: .*refused"):
        fetch_image("http://127.0.0.1:1/a")


def test_a_login_is_sent_and_not_shown(host: str):
    assert fetch_image(f"http://user:word@{host}/secret").tobytes() == PHOTO
    with pytest.raises(DataError) as raised:
        fetch_image(f"http://user:wrong@{host}/secret")
    assert str(raised.value) == f"http://{host}/secret: the server answered 401 Unauthorized"


@pytest.mark.parametrize("kind", ["ftp", "file"])
def test_redirects_to_other_schemes_are_refused(host: str, kind: str):
    with pytest.raises(DataError, match=f"[Rr]edirect.* {kind}://|'{kind}://.* is not allowed"):
        fetch_image(f"http://{host}/to/{kind}")


def test_limits(host: str, monkeypatch):
    with pytest.raises(DataError, match=r"the image is empty"):
        fetch_image(f"http://{host}/empty")
    monkeypatch.setattr(http_address, "MAX_SECONDS", 0.5)
    start = time.monotonic()
    with pytest.raises(DataError, match=r"the download takes longer than 0\.5 s"):
        fetch_image(f"http://{host}/slow")
    assert time.monotonic() - start < 15  # the whole image takes 20 s
    monkeypatch.setattr(http_address, "MAX_FILE_BYTES", 1000)
    with pytest.raises(DataError, match=r"too large; the limit"):
        fetch_image(f"http://{host}/photo")


def test_refusals(host: str):
    assert refusal(f"http://{host}/photo") is None
    assert refusal(f"http://{host}/none") == (
        f"http://{host}/none: the server answered 404 Not Found"
    )
