"""Downloads from a server on 127.0.0.1 that fails in the way that the path names."""

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from emorec.errors import DataError, ModelError
from emorec.models import download as module
from emorec.models.download import download

CONTENT = bytes(range(256)) * 700
"""Longer than one read, so that there are several progress calls."""


class Handler(BaseHTTPRequestHandler):
    """Responds in the way that the path names."""

    def do_GET(self):
        self.server.agents.append(self.headers)
        self.server.targets.append(self.path)
        behaviour = self.path.rpartition("/")[2]
        if behaviour == "missing":
            self.send_error(404, "Not Found")
        elif behaviour == "broken":
            self.send_error(503, "Busy")
        elif behaviour == "nonsense":
            self.wfile.write(b"not an HTTP response\n\n")
        elif behaviour == "silent":
            self.server.released.wait(20)
        elif behaviour in ("dripping", "dripping-headers"):
            self._drip(behaviour)
        elif behaviour.startswith("moved-to-"):
            self.send_response(302)
            self.send_header("Location", f"{behaviour[9:]}://127.0.0.1/x")
            self.end_headers()
        elif behaviour == "moved":
            self.send_response(302)
            self.send_header("Location", "/whole")
            self.end_headers()
        else:
            self._send(behaviour)

    def _send(self, behaviour: str) -> None:
        wanted = self.headers.get("Range")
        self.server.ranges.append(wanted)
        start = 0
        if wanted and behaviour != "whole-again":
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            self.send_response(206)
            shift = 1 if behaviour == "other-part" else 0
            self.send_header("Content-Range", f"bytes {start + shift}-9/{len(CONTENT)}")
        else:
            self.send_response(200)
        body = CONTENT[start:] + b"more" * (behaviour == "longer")
        if behaviour != "unannounced":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        # The connection ends early: "cut" sends something each time, "stuck" only at first.
        most = {"cut": 70_000, "stuck": 0 if start else 70_000}.get(behaviour, len(body))
        self.wfile.write(body[:most])

    def _drip(self, behaviour: str) -> None:
        """Send a byte whenever a client may be about to give up."""
        start = b"HTTP/1.0 200 OK\r\n" + (b"\r\n" if behaviour == "dripping" else b"X: ")
        try:
            self.wfile.write(start)
            while not self.server.released.wait(0.05):
                self.wfile.write(b"x")
        except OSError:
            pass  # the client has given up

    def log_message(self, *arguments):
        """Log nothing."""


@pytest.fixture
def server(monkeypatch) -> Iterator[ThreadingHTTPServer]:
    for name in ("http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(module, "WAIT_S", 0)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.agents, server.targets, server.ranges = [], [], []
    server.released = threading.Event()
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "network.onnx"


def fetch(url: str, target: Path, headers: dict[str, str] | None = None) -> list[tuple[int, int]]:
    """Download a file, and return the steps of the progress."""
    steps: list[tuple[int, int]] = []
    download(
        url, target, len(CONTENT), headers or {}, lambda done, total: steps.append((done, total))
    )
    return steps


@pytest.mark.parametrize("behaviour", ["whole", "unannounced", "moved", "longer"])
def test_a_file_is_fetched_whole(server, target, behaviour):
    steps = fetch(f"{server.url}/{behaviour}", target)
    assert target.read_bytes() == CONTENT
    assert steps == sorted(steps)
    assert steps[-1] == (len(CONTENT), len(CONTENT))
    assert len(steps) > 1
    assert server.agents[0]["User-Agent"].startswith("emorec/")
    assert server.agents[0]["Accept-Encoding"] == "identity"


def test_an_interrupted_download_continues_in_the_same_run(server, target):
    fetch(f"{server.url}/cut", target)
    assert target.read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=70000-", "bytes=140000-"]


@pytest.mark.parametrize("behaviour", ["whole", "whole-again"])
def test_an_interrupted_download_continues_in_a_later_run(server, target, behaviour):
    with pytest.raises(
        ModelError, match=r"ended after 70,000 of 179,200 bytes; run the command ag"
    ):
        fetch(f"{server.url}/stuck", target)
    assert target.read_bytes() == CONTENT[:70_000]
    assert server.ranges == [None, *["bytes=70000-"] * module.ATTEMPTS]
    fetch(f"{server.url}/{behaviour}", target)
    assert target.read_bytes() == CONTENT


def test_another_part_than_the_requested_one(server, target):
    target.write_bytes(CONTENT[:10])
    fetch(f"{server.url}/other-part", target)
    assert server.ranges == ["bytes=10-", None]
    assert target.read_bytes() == CONTENT


def test_a_file_that_is_there_is_not_requested(server, target):
    target.write_bytes(CONTENT)
    fetch(f"{server.url}/whole", target)
    assert server.targets == []


@pytest.mark.parametrize(
    ("behaviour", "message", "requests"),
    [
        ("missing", "the server answered 404 Not Found; run the command again", 1),
        ("broken", "the server answered 503 Busy", 1),
        ("nonsense", "cannot fetch the file", module.ATTEMPTS),
    ],
)
def test_other_responses(server, target, behaviour, message, requests):
    url = f"{server.url}/{behaviour}"
    with pytest.raises(ModelError, match=message) as caught:
        fetch(url, target)
    assert str(caught.value).startswith(url)
    assert "\n" not in str(caught.value)
    assert len(server.targets) == requests


def test_a_silent_server_times_out(server, target, monkeypatch):
    monkeypatch.setattr(module, "TIMEOUT_S", 0.2)
    monkeypatch.setattr(module, "ATTEMPTS", 1)
    with pytest.raises(ModelError, match="timed out"):
        fetch(f"{server.url}/silent", target)


@pytest.mark.parametrize("behaviour", ["dripping", "dripping-headers"])
def test_a_server_that_sends_single_bytes(server, target, monkeypatch, behaviour):
    monkeypatch.setattr(module, "TIMEOUT_S", 0.5)
    monkeypatch.setattr(module, "MIN_BYTES_PER_S", len(CONTENT))
    start = time.monotonic()
    with pytest.raises(ModelError, match="it took longer than 2 s; run the command again"):
        fetch(f"{server.url}/{behaviour}", target)
    assert 1.4 < time.monotonic() - start < 30
    assert len(server.targets) == 1


@pytest.mark.parametrize("scheme", ["ftp", "file", "data"])
def test_redirects_to_other_schemes_are_refused(server, target, scheme):
    with pytest.raises(ModelError, match=f"cannot fetch the file: .*{scheme}"):
        fetch(f"{server.url}/moved-to-{scheme}", target)


def test_a_redirect_does_not_receive_the_token(server, target):
    fetch(f"{server.url}/moved", target, {"authorization": "Bearer secret", "X-Other": "kept"})
    first, second = server.agents
    assert (first["Authorization"], second["Authorization"]) == ("Bearer secret", None)
    assert (first["X-Other"], second["X-Other"]) == ("kept", "kept")


def test_a_redirect_from_https_to_http_is_refused():
    (handler,) = (
        each
        for each in module._opener(module._TimeLimit(1), ExitStack()).handlers
        if isinstance(each, urllib.request.HTTPRedirectHandler)
    )
    request = urllib.request.Request("https://hub.invalid/a")
    arguments = (request, None, 302, "Found", {})
    assert handler.redirect_request(*arguments, "https://cdn.invalid/b") is not None
    with pytest.raises(urllib.error.URLError, match="redirects from https to http"):
        handler.redirect_request(*arguments, "http://cdn.invalid/b")


def test_no_server_listens(server, target):
    server.server_close()  # the port is free again
    with pytest.raises(ModelError, match=r"cannot fetch the file: .*(refused|reset)"):
        fetch(f"{server.url}/whole", target)


def test_the_proxy_of_the_environment_is_used(server, target, monkeypatch):
    monkeypatch.setenv("http_proxy", server.url)
    fetch("http://models.invalid/whole", target)
    assert server.targets == ["http://models.invalid/whole"]
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize(
    "url",
    ["http://", "http://[", "http://a b/", "https://127.0.0.1:99999/", "file:///etc/hostname", "x"],
)
def test_invalid_urls(target, url, monkeypatch):
    monkeypatch.setattr(module, "WAIT_S", 0)
    with pytest.raises(ModelError, match="cannot fetch the file"):
        fetch(url, target)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
def test_a_disk_that_is_full(server):
    with pytest.raises(DataError, match="/dev/full: cannot write: No space left"):
        fetch(f"{server.url}/whole", Path("/dev/full"))


def test_a_target_that_cannot_be_opened(server, tmp_path):
    with pytest.raises(DataError, match="cannot write: Is a directory"):
        fetch(f"{server.url}/whole", tmp_path)
    assert server.targets == []
