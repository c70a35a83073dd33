"""The server as a process: address, raw requests, Ctrl-C, temporary files."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from helpers.app_server import RunningApp, running_app
from helpers.odd_media import crashing_png

from emorec.app.guard import Access
from emorec.app.scratch_folder import PREFIX
from emorec.app.server import DEFAULT_PORT, AppSettings, address_of, open_socket
from emorec.errors import ConfigError


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    with running_app(tmp_path_factory.mktemp("app")) as app:
        yield app


def exchange(app: RunningApp, request: bytes) -> bytes:
    """Send bytes and return the whole answer."""
    with socket.create_connection(("127.0.0.1", app.port), timeout=20) as connection:
        connection.sendall(request)
        answer = b""
        while piece := connection.recv(2**16):
            answer += piece
            head, _, body = answer.partition(b"\r\n\r\n")
            length = [line for line in head.lower().split(b"\r\n") if b"content-length" in line]
            if length and len(body) >= int(length[0].split(b":")[1]):
                break
        return answer


def request(app: RunningApp, line: str, *headers: str, host: str = "") -> bytes:
    lines = [f"{line} HTTP/1.1", f"Host: {host or f'127.0.0.1:{app.port}'}", *headers, "", ""]
    return exchange(app, "\r\n".join(lines).encode())


def test_requests_over_a_socket(running: RunningApp):
    token = f"Authorization: Bearer {running.token}"
    assert b" 200 " in request(running, "GET /api/v1/health", token)
    assert b" 401 " in request(running, "GET /api/v1/health")
    assert b" 403 " in request(running, "GET /api/v1/health", token, host="evil.example")
    rebound = request(running, "GET /", token, host=f"evil.example:{running.port}")
    assert b" 403 " in rebound
    moved = request(running, f"GET /?token={running.token}")
    assert b" 303 " in moved
    assert b"server:" not in moved.lower()


def test_ten_gigabytes_are_refused_before_they_are_sent(running: RunningApp):
    token = f"Authorization: Bearer {running.token}"
    began = time.monotonic()
    for path in ("recognize", "videos"):
        line = f"POST /api/v1/{path}"
        answer = request(running, line, token, f"Content-Length: {10 * 2**30}")
        assert b" 413 " in answer
        assert b"connection: close" in answer.lower()
    assert time.monotonic() - began < 10


def test_a_file_that_crashes_a_decoder_costs_one_request(running: RunningApp):
    token = f"Authorization: Bearer {running.token}"
    data = crashing_png()
    lines = ["POST /api/v1/recognize HTTP/1.1", f"Host: 127.0.0.1:{running.port}", token]
    head = "\r\n".join([*lines, f"Content-Length: {len(data)}", "", ""]).encode()
    answer = exchange(running, head + data)
    assert b" 422 " in answer.partition(b"\r\n")[0]
    assert b"not a readable" in answer
    assert b" 200 " in request(running, "GET /api/v1/health", token)


def test_the_token_is_long_and_not_in_the_log(running: RunningApp):
    assert len(running.token) >= 43
    request(running, f"GET /?token={running.token}")
    assert running.token not in (running.temporary / "stderr.txt").read_text()


IMPATIENT = """
from emorec.app.limits import AppLimits
from emorec.app.server import AppSettings, serve
limits = AppLimits(connection_s=1)
serve(AppSettings(port=0, limits=limits), lambda address: print(address, flush=True))
"""


@pytest.mark.slow
def test_a_connection_without_a_request_is_closed(tmp_path: Path):
    process = subprocess.Popen(
        [sys.executable, "-c", IMPATIENT],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        text=True,
    )
    try:
        assert process.stdout is not None
        port = urlsplit(process.stdout.readline()).port
        assert port is not None
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            assert connection.recv(1) == b""
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_a_signal_ends_it_and_removes_its_files(tmp_path: Path, number: int):
    with running_app(tmp_path) as app:
        (folder,) = tmp_path.glob(f"{PREFIX}*")
        # A connection that does nothing, and an upload that has begun, do not hold it up.
        with (
            socket.create_connection(("127.0.0.1", app.port)),
            socket.create_connection(("127.0.0.1", app.port)) as upload,
        ):
            head = f"POST /api/v1/videos HTTP/1.1\r\nHost: 127.0.0.1:{app.port}\r\n"
            head += f"Authorization: Bearer {app.token}\r\nContent-Length: 1000\r\n\r\nabc"
            upload.sendall(head.encode())
            deadline = time.monotonic() + 20
            while not list(folder.glob("*/upload")) and time.monotonic() < deadline:
                time.sleep(0.02)
            assert list(folder.glob("*/upload"))
            began = time.monotonic()
            app.process.send_signal(number)
            assert app.process.wait(20) == 128 + number
        assert time.monotonic() - began < 10
        assert list(tmp_path.glob(f"{PREFIX}*")) == []
        assert "Traceback" not in (tmp_path / "stderr.txt").read_text()


def test_a_port_in_use():
    with open_socket("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            ConfigError, match=f"127.0.0.1, port {port}: Address already in use; choose"
        ):
            open_socket("127.0.0.1", port)


def test_the_next_free_port():
    with open_socket("127.0.0.1", None) as first, open_socket("127.0.0.1", None) as second:
        assert DEFAULT_PORT <= first.getsockname()[1] < second.getsockname()[1]


@pytest.mark.parametrize("host", ["203.0.113.7", "no.such.host.invalid"])
def test_an_address_of_another_computer(host: str):
    with pytest.raises(ConfigError, match=f"cannot listen at {host}, port 1: "):
        open_socket(host, 1)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:80/?token=x"),
        ("0.0.0.0", "http://127.0.0.1:80/?token=x"),
        ("::1", "http://[::1]:80/?token=x"),
        ("::", "http://[::1]:80/?token=x"),
    ],
)
def test_addresses(host: str, address: str):
    assert address_of(Access("x", host, 80)) == address


def test_every_start_has_its_own_token():
    tokens = {AppSettings().token for _ in range(3)}
    assert len(tokens) == 3
