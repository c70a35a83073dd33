"""Downloads from a server on 127.0.0.1 that fails in the way that the path names."""

import hashlib
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from emorec.errors import DataError, ModelError
from emorec.models import download
from emorec.models.download import fetch
from emorec.models.registry import DETECTOR, ModelFile

CONTENT = bytes(range(256)) * 700
"""Longer than one read, so that there are several progress calls."""


class Handler(BaseHTTPRequestHandler):
    """Responds in the way that the path names."""

    def do_GET(self):
        self.server.agents.append(self.headers["User-Agent"])
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
        bodies = {"cut": CONTENT[:70_000], "wrong": CONTENT[::-1], "longer": CONTENT + b"more"}
        body = bodies.get(behaviour, CONTENT)
        self.send_response(200)
        if behaviour != "unannounced":
            self.send_header("Content-Length", str(len(CONTENT if behaviour == "cut" else body)))
        self.end_headers()
        self.wfile.write(body)

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
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.agents, server.targets, server.released = [], [], threading.Event()
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def model(tmp_path: Path) -> ModelFile:
    return ModelFile(
        name="network",
        kind=DETECTOR,
        path=tmp_path / "data" / "models" / "network.onnx",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        url="http://127.0.0.1:9/unused",
        size=len(CONTENT),
    )


def left(model: ModelFile) -> list[str]:
    folder = model.path.parent
    return [path.name for path in folder.iterdir()] if folder.is_dir() else []


@pytest.mark.parametrize("behaviour", ["whole", "unannounced", "moved"])
def test_a_model_is_fetched_whole(server, model, behaviour):
    steps = []
    fetch(model, f"{server.url}/{behaviour}", lambda done, total: steps.append((done, total)))
    assert model.path.read_bytes() == CONTENT
    assert left(model) == ["network.onnx"]
    assert steps == sorted(steps)
    assert steps[-1] == (len(CONTENT), len(CONTENT))
    assert len(steps) > 1
    assert server.agents[0].startswith("emorec/")


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        ("missing", "the server answered 404 Not Found"),
        ("broken", "the server answered 503 Busy"),
        ("nonsense", "cannot fetch the file"),
        ("cut", r"it ends after 70000 of 179200 bytes"),
        ("wrong", r"its SHA-256 is [0-9a-f]{64}, not [0-9a-f]{64}"),
        ("longer", r"it has more than 179200 bytes"),
    ],
)
def test_another_response_is_an_error_and_not_saved(server, model, behaviour, message):
    url = f"{server.url}/{behaviour}"
    with pytest.raises(ModelError, match=message) as caught:
        fetch(model, url)
    assert str(caught.value).startswith(url)
    assert "\n" not in str(caught.value)
    assert left(model) == []


def test_a_failure_keeps_the_existing_file(server, model):
    model.path.parent.mkdir(parents=True)
    model.path.write_bytes(b"old")
    with pytest.raises(ModelError):
        fetch(model, f"{server.url}/cut")
    assert (left(model), model.path.read_bytes()) == (["network.onnx"], b"old")
    fetch(model, f"{server.url}/whole")
    assert model.path.read_bytes() == CONTENT


def test_a_silent_server_times_out(server, model, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT_S", 0.2)
    with pytest.raises(ModelError, match="timed out"):
        fetch(model, f"{server.url}/silent")
    assert left(model) == []


@pytest.mark.parametrize("behaviour", ["dripping", "dripping-headers"])
def test_a_server_that_sends_single_bytes(server, model, monkeypatch, behaviour):
    monkeypatch.setattr(download, "TIMEOUT_S", 0.5)
    monkeypatch.setattr(download, "MIN_BYTES_PER_S", len(CONTENT))
    start = time.monotonic()
    with pytest.raises(ModelError, match="it took longer than 2 s; try again"):
        fetch(model, f"{server.url}/{behaviour}")
    assert 1.4 < time.monotonic() - start < 10
    assert left(model) == []


@pytest.mark.parametrize("scheme", ["ftp", "file", "data"])
def test_redirects_to_other_schemes_are_refused(server, model, scheme):
    with pytest.raises(ModelError, match=f"cannot fetch the file: .*{scheme}"):
        fetch(model, f"{server.url}/moved-to-{scheme}")
    assert left(model) == []


def test_no_server_listens(server, model):
    server.server_close()  # the port is free again
    with pytest.raises(ModelError, match=r"cannot fetch the file: .*(refused|reset).*--from"):
        fetch(model, f"{server.url}/whole")


def test_the_proxy_of_the_environment_is_used(server, model, monkeypatch):
    monkeypatch.setenv("http_proxy", server.url)
    fetch(model, "http://models.invalid/whole")
    assert server.targets == ["http://models.invalid/whole"]
    assert model.path.read_bytes() == CONTENT


def test_a_file_fetched_elsewhere(model, tmp_path: Path):
    source = tmp_path / "copy"
    source.write_bytes(CONTENT)
    fetch(model, str(source))
    assert model.path.read_bytes() == CONTENT
    source.write_bytes(b"other")
    with pytest.raises(ModelError, match="it ends after 5 of 179200 bytes"):
        fetch(model, str(source))


@pytest.mark.parametrize("source", ["nowhere", "ftp://127.0.0.1/x", "file:///etc/hostname", "."])
def test_other_sources_are_refused(model, source):
    with pytest.raises(ModelError, match="no such file, and not an http"):
        fetch(model, source)


@pytest.mark.parametrize("url", ["http://", "http://[", "http://a b/", "https://127.0.0.1:99999/"])
def test_invalid_urls(model, url):
    with pytest.raises(ModelError, match="cannot fetch the file"):
        fetch(model, url)


def test_a_folder_that_cannot_be_created(server, model):
    model.path.parents[1].write_bytes(b"a file in the way")
    with pytest.raises(DataError, match="cannot create the folder"):
        fetch(model, f"{server.url}/whole")
