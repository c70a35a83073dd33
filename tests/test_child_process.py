"""Messages to and from child processes; test_decoder_process.py runs such processes."""

import io
import subprocess
import sys
import time

import numpy as np
import pytest

from emorec import child_process
from emorec.child_process import Watchdog, own_group, python_command, receive, send


class Trickle(io.RawIOBase):
    """A stream that passes on only few bytes at a time, as pipes may."""

    def __init__(self) -> None:
        self.data = b""

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        part = self.data[: min(3, len(buffer))]
        self.data = self.data[len(part) :]
        buffer[: len(part)] = part
        return len(part)

    def write(self, data) -> int:
        self.data += bytes(data[:5])
        return min(len(data), 5)


@pytest.mark.parametrize("parts", [(), (b"",), (b"abc",), (b"abc", b"defgh" * 9)])
def test_messages(parts):
    stream = Trickle()
    send(stream, {"key": [1, "é"]}, *map(memoryview, parts))
    assert receive(stream) == ({"key": [1, "é"]}, b"".join(parts))
    with pytest.raises(EOFError):
        receive(stream)


def test_a_message_that_ends_early():
    stream = Trickle()
    send(stream, {}, memoryview(b"abcdefgh"))
    stream.data = stream.data[:-1]
    with pytest.raises(EOFError):
        receive(stream)


def test_pixels_pass_unchanged():
    pixels = np.arange(600, dtype=np.uint16)
    stream = io.BytesIO()
    send(stream, {}, pixels.data.cast("B"))
    stream.seek(0)
    np.testing.assert_array_equal(np.frombuffer(receive(stream)[1], np.uint16), pixels)


@pytest.mark.parametrize("data", [b"\xff" * 40, bytes([2] + 15 * [0]) + b"x{"])
def test_what_is_no_message(data):
    with pytest.raises(EOFError):
        receive(io.BytesIO(data))


def test_python_command():
    """The function is called with its arguments, in a process with the same packages."""
    done = subprocess.run(python_command("builtins:print", "a b", "c'd"), capture_output=True)
    assert (done.returncode, done.stdout.split()) == (0, [b"a", b"b", b"c'd"])


@pytest.mark.parametrize("waits", [False, True])
def test_a_watchdog_ends_only_a_child_that_is_waited_for(monkeypatch, waits):
    monkeypatch.setattr(child_process, "_WATCH_S", 0.01)
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    watchdog = Watchdog(process, timeout_s=0.05)
    if waits:
        with watchdog.waiting():
            assert process.wait(60) < 0
    else:
        time.sleep(0.2)
        assert process.poll() is None
    assert watchdog.expired == waits
    watchdog.stopped.set()
    process.communicate(b"\n")


@pytest.mark.parametrize(
    ("platform", "expected"),
    [("linux", {"start_new_session": True}), ("win32", {"creationflags": 0x200})],
)
def test_ctrl_c_does_not_reach_children(monkeypatch, platform, expected):
    monkeypatch.setattr(sys, "platform", platform)
    assert own_group() == expected
