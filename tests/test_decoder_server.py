"""Messages to and from decoder processes; test_decoder_process.py runs the processes."""

import io
import os
import subprocess
import sys

import numpy as np
import pytest

from emorec.decoder_server import receive, send


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


def test_what_a_library_prints_does_not_end_up_between_the_answers():
    code = (
        "import os, threading, emorec.decoder_server as server\n"
        "decode = server._decode\n"
        "def loud(*arguments):\n"
        "    os.write(1, b'noise')\n"
        "    print('noise', flush=True)\n"
        "    return decode(*arguments)\n"
        "server._decode = loud\n"
        "server.serve()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        send(process.stdin, {"flags": 0}, memoryview(b"no image"))
        answer, pixels = receive(process.stdout)
    assert "damaged" in answer["error"]
    assert pixels == b""
