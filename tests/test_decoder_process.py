"""A crash, a hang or a memory blow-up of a native decoder costs one file."""

import os
import re
import signal
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.odd_media import CRASHES, PNG, apng, chunk, damaged, slow_jpeg

from emorec.decoder_process import (
    DecoderProcess,
    DecodingError,
    abort_decoding,
    decoder_process,
)
from emorec.threads import run_in_threads

HELPERS = Path(__file__).parent


def content(data: bytes) -> np.ndarray:
    return np.frombuffer(data, np.uint8)


def encoded(value: int, suffix: str = ".png") -> np.ndarray:
    return cv2.imencode(suffix, np.full((30, 20, 3), value, np.uint8))[1]


SLOW = content(slow_jpeg())
"""Takes much longer to decode than any test waits for it."""


@pytest.fixture(scope="module")
def decoder():
    made = DecoderProcess()
    yield made
    made.close()


def pid(decoder: DecoderProcess) -> int:
    assert decoder._process is not None
    return decoder._process.pid


def is_alive(process: int) -> bool:
    """Whether a process runs; a zombie, which only waits for its parent, does not."""
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


@pytest.mark.parametrize("flags", [cv2.IMREAD_COLOR, cv2.IMREAD_GRAYSCALE, cv2.IMREAD_UNCHANGED])
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".gif", ".webp", ".tif", ".avif", ".jp2"])
def test_it_decodes_as_opencv_does(decoder, suffix: str, flags: int):
    scene = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    data = cv2.imencode(suffix, scene)[1]
    expected = cv2.imdecode(data, flags)
    np.testing.assert_array_equal(decoder.decode(data, flags), expected)


def test_sixteen_bits_are_kept(decoder):
    pixels = np.arange(600, dtype=np.uint16).reshape(20, 30) * 100
    data = cv2.imencode(".png", pixels)[1]
    np.testing.assert_array_equal(decoder.decode(data, cv2.IMREAD_UNCHANGED), pixels)


@pytest.mark.parametrize("default_is_frame", [False, True])
def test_frames_of_an_animation(decoder, default_is_frame: bool):
    data = apng(frames=3, default_is_frame=default_is_frame)
    found = decoder.decode_animation(content(data), 10)
    assert list(found.durations_ms) == [100, 100, 100]
    assert [frame.shape for frame in found.frames] == [(16, 16, 3)] * 3
    assert len({frame[0, 0].tobytes() for frame in found.frames}) == 3
    assert len(decoder.decode_animation(content(data), 2).frames) == 2


@pytest.mark.parametrize("data", [b"x", b"this is no image", encoded(9).tobytes()[:40]])
def test_refused_content_leaves_the_process_running(decoder, data: bytes):
    decoder.decode(encoded(1), cv2.IMREAD_COLOR)
    first = pid(decoder)
    with pytest.raises(DecodingError) as caught:
        decoder.decode(content(data), cv2.IMREAD_COLOR)
    assert str(caught.value)
    assert "\n" not in str(caught.value)
    assert decoder.decode(encoded(7), cv2.IMREAD_COLOR)[0, 0, 0] == 7
    assert pid(decoder) == first


def test_a_crash_costs_one_file(decoder):
    decoder.decode(encoded(1), cv2.IMREAD_COLOR)
    first = pid(decoder)
    # A signal as a decoder raises it; which files crash depends on the version of OpenCV.
    threading.Timer(0.3, os.kill, (first, signal.SIGSEGV)).start()
    with pytest.raises(DecodingError, match=r"^the decoder crashed$"):
        decoder.decode(SLOW, cv2.IMREAD_COLOR)
    assert decoder.decode(encoded(7), cv2.IMREAD_COLOR)[0, 0, 0] == 7
    assert pid(decoder) != first


@pytest.mark.skipif(not CRASHES, reason="the crash is known up to OpenCV 4.14")
def test_files_that_crash_opencv(decoder):
    reasons = []
    for seed in (4, 5, 6, 12, 16):
        with pytest.raises(DecodingError) as caught:
            decoder.decode_animation(content(damaged(apng(side=64), seed, 33)), 10)
        reasons.append(str(caught.value))
    assert reasons.count("the decoder crashed") >= 3


def test_a_hang_costs_one_file_and_little_time():
    decoder = DecoderProcess(timeout_s=0.7)
    start = time.monotonic()
    with pytest.raises(DecodingError, match=r"^decoding took longer than 0\.7 s$"):
        decoder.decode(SLOW, cv2.IMREAD_COLOR)
    assert time.monotonic() - start < 15  # a file may take 20 s
    decoder.close()


def test_an_answer_in_time_is_not_affected_by_the_limit():
    """The clock of a file must not end the process during the next one."""
    short = DecoderProcess(timeout_s=2)
    short.decode(encoded(1), cv2.IMREAD_COLOR)
    time.sleep(2.2)
    assert short.decode(encoded(7), cv2.IMREAD_COLOR)[0, 0, 0] == 7
    short.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the address space")
def test_too_much_memory_costs_one_file(decoder):
    header = struct.pack(">IIBBBBB", 32_000, 32_000, 16, 6, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(bytes(999))), chunk(b"IEND", b""))
    with pytest.raises(DecodingError, match=r"^decoding needs more memory than the limit$"):
        decoder.decode(content(PNG + b"".join(parts)), cv2.IMREAD_UNCHANGED)
    assert decoder.decode(encoded(7), cv2.IMREAD_COLOR)[0, 0, 0] == 7


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these files")
def test_limits_of_the_process(decoder):
    decoder.decode(encoded(1), cv2.IMREAD_COLOR)
    folder = Path(f"/proc/{pid(decoder)}")
    assert (folder / "oom_score_adj").read_text() == "1000\n"
    limits = (folder / "limits").read_text()
    assert re.search(rf"Max address space +{4 * 2**30} ", limits)
    assert re.search(r"Max core file size +0 ", limits)


def test_a_process_killed_by_the_system_is_named(decoder):
    decoder.decode(encoded(1), cv2.IMREAD_COLOR)
    threading.Timer(0.3, os.kill, (pid(decoder), signal.SIGKILL)).start()
    with pytest.raises(DecodingError, match="lack of memory"):
        decoder.decode(SLOW, cv2.IMREAD_COLOR)


def test_a_process_that_ended_between_two_files_costs_none(decoder):
    decoder.decode(encoded(1), cv2.IMREAD_COLOR)
    first = pid(decoder)
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: decoder._process.poll() is not None)
    assert decoder.decode(encoded(7), cv2.IMREAD_COLOR)[0, 0, 0] == 7


def test_no_process_can_be_started(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(DecodingError, match="cannot start a process to decode it: No such file"):
        DecoderProcess().decode(encoded(1), cv2.IMREAD_COLOR)


def test_an_interrupted_answer_does_not_answer_the_next_file(decoder):
    decoder.decode(encoded(1), cv2.IMREAD_COLOR)
    first = pid(decoder)
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        decoder.decode(SLOW, cv2.IMREAD_COLOR)
    assert not is_alive(first)
    assert decoder.decode(encoded(7), cv2.IMREAD_COLOR)[0, 0, 0] == 7


def test_threads_get_their_own_answers():
    used = set()

    def decode(number: int) -> int:
        with decoder_process() as decoder:
            value = decoder.decode(encoded(number), cv2.IMREAD_COLOR)[0, 0, 0]
            used.add(pid(decoder))
            return int(value)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(decode, range(200))) == list(range(200))
    assert len(used) <= 4


def test_abort_fails_the_files_of_these_threads_alone():
    at_work = threading.Barrier(3)
    ends = threading.Event()

    def decode(hostile: bool) -> int:
        with decoder_process() as decoder:
            decoder.decode(encoded(1), cv2.IMREAD_COLOR)
            numbers[hostile] = threading.get_ident()
            at_work.wait(60)
            if hostile:
                decoder.decode(SLOW, cv2.IMREAD_COLOR)
            ends.wait(60)
            return int(decoder.decode(encoded(7), cv2.IMREAD_COLOR)[0, 0, 0])

    numbers: dict[bool, int] = {}
    with ThreadPoolExecutor(2) as pool:
        aborted, other = pool.submit(decode, True), pool.submit(decode, False)
        at_work.wait(60)
        time.sleep(0.3)
        start = time.monotonic()
        abort_decoding([numbers[True], 0])
        with pytest.raises(DecodingError):
            aborted.result(timeout=60)
        assert time.monotonic() - start < 15  # a file may take 20 s
        ends.set()
        assert other.result(timeout=60) == 7


def test_ctrl_c_does_not_wait_for_a_decoder_that_hangs():
    def work(index: int) -> None:
        with decoder_process() as decoder:
            decoder.decode(encoded(1), cv2.IMREAD_COLOR)
            threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
            decoder.decode(SLOW, cv2.IMREAD_COLOR)

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_in_threads(work, 1)
    assert time.monotonic() - start < 15  # a file may take 20 s


def test_a_process_killed_after_its_answer_costs_no_file(decoder):
    for _ in range(5):
        decoder.decode(encoded(1), cv2.IMREAD_COLOR)
        decoder.kill()
        assert decoder.decode(encoded(7), cv2.IMREAD_COLOR)[0, 0, 0] == 7


PROGRAM = f"""
import os, sys, threading, time
sys.path.insert(0, {str(HELPERS)!r})
import cv2, numpy as np
from helpers.odd_media import slow_jpeg
from emorec.decoder_process import decoder_process
with decoder_process() as decoder:
    decoder.decode(cv2.imencode(".png", np.full((3, 3), 7, np.uint8))[1], 0)
    print(decoder._process.pid, flush=True)
"""


def start(rest: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", PROGRAM + rest], stdout=subprocess.PIPE, text=True
    )


def next_line(program: subprocess.Popen[str]) -> str:
    assert program.stdout is not None
    return program.stdout.readline().strip()


def test_processes_end_with_a_killed_parent_though_the_decoder_hangs():
    program = start(
        "threading.Timer(0.5, print, ('hangs',), {'flush': True}).start()\n"
        "decoder.decode(np.frombuffer(slow_jpeg(), np.uint8), 1)\n"
    )
    child = int(next_line(program))
    assert next_line(program) == "hangs"
    program.kill()
    program.wait()
    wait_until(lambda: not is_alive(child), seconds=2)


def test_processes_end_with_the_program():
    program = start("print('done')\n")
    child = int(next_line(program))
    assert program.wait(30) == 0
    wait_until(lambda: not is_alive(child), seconds=2)


def test_a_forked_process_starts_its_own():
    """Both decode at the same time, the one amid a file while the other forks."""
    program = start(
        "def decode(value):\n"
        "    image = np.full((200, 200), value, np.uint8)\n"
        "    with decoder_process() as decoder:\n"
        "        found = decoder.decode(cv2.imencode('.png', image)[1], 0)\n"
        "        return decoder._process.pid, bool((found == value).all())\n"
        "child = os.fork()\n"
        "name = 'parent' if child else 'forked'\n"
        "for value in range(100):\n"
        "    number, right = decode(value + (100 if child else 0))\n"
        "    assert right, name\n"
        "if not child:\n"
        "    print(number, flush=True)\n"
        "    os._exit(0)\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
        "print(number, flush=True)\n"
    )
    first, forked, parent = next_line(program), next_line(program), next_line(program)
    assert program.wait(30) == 0
    assert parent == first
    assert re.fullmatch(r"\d+", forked)
    assert forked != first
    wait_until(lambda: not is_alive(int(forked)), seconds=2)
