"""Decodes images in child processes, where a crash, a hang or a memory blow-up costs one file.

OpenCV's decoders are native code. A damaged file of some kinds ends the process with a segmentation
fault (155 of 600 damaged APNG files whose default image is no frame, OpenCV 4.14), and no exception
handler helps. `DecoderProcess` therefore sends the content of a file to a child process and
receives pixels; when the child dies, exceeds its time or its memory, the file is unreadable and the
next one gets a new child.
"""

import atexit
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any, cast

import numpy as np
import numpy.typing as npt

from emorec.child_process import end_child, receive, send, start_child
from emorec.decoder_server import Pixels

Bytes = npt.NDArray[np.uint8]
"""The content of a file, shape (n,)."""

TIMEOUT_S = 20.0
"""Time that one file may take."""

_CRASHED = "the decoder crashed"

_PIPE_BYTES = 2**20
"""Size of the pipes on Linux; the default of 64 KiB costs a switch of processes for each."""
_EXIT_S = 0.5
"""Time that a process may take to end after it closed its streams."""


class DecodingError(Exception):
    """A file that the decoder refused or did not survive; the message is the reason."""


@dataclass(frozen=True)
class Animation:
    """The frames of an animation.

    Attributes:
        frames: As OpenCV returns them, each of shape (height, width) or (height, width, channels).
        durations_ms: Time that each frame is shown, in milliseconds.
    """

    frames: Sequence[Pixels]
    durations_ms: Sequence[int]


class DecoderProcess:
    """One child process that decodes one file at a time; it starts with the first file.

    Args:
        timeout_s: Time that one file may take, in seconds.
    """

    def __init__(self, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._process: subprocess.Popen[bytes] | None = None
        self._is_killed = False

    def decode(self, data: Bytes, flags: int) -> Pixels:
        """Decode a still image, as `cv2.imdecode(data, flags)` does.

        Raises:
            DecodingError: The content is no readable image, or the decoder crashed, hung or used
                too much memory.
        """
        return self._request({"flags": flags}, data).frames[0]

    def decode_heic(self, data: Bytes) -> Pixels:
        """Decode a HEIC image, upright; shape (height, width, 3), uint8, BGR.

        Raises:
            DecodingError: As for `decode`.
        """
        return self._request({"heic": True}, data).frames[0]

    def decode_animation(self, data: Bytes, max_frames: int) -> Animation:
        """Decode up to `max_frames` frames, as `cv2.imdecodeanimation` does.

        Raises:
            DecodingError: As for `decode`.
        """
        return self._request({"max_frames": max_frames}, data)

    def kill(self) -> None:
        """End the child process without waiting for it; a file in progress fails."""
        self._is_killed = True
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        """End the child process."""
        process, self._process = self._process, None
        self._is_killed = False
        if process is not None:
            end_child(process)

    def _request(self, request: dict[str, Any], data: Bytes) -> Animation:
        if self._process is not None and (self._is_killed or self._process.poll() is not None):
            self.close()  # it was ended between two files
        try:
            process = self._process = self._process or _start()
        except OSError as error:
            reason = f"cannot start a process to decode it: {error.strerror or error}"
            raise DecodingError(reason) from error
        deadline = _Deadline(process, self._timeout_s)
        try:
            send(cast(IO[bytes], process.stdin), request, data.data)
            answer, pixels = receive(cast(IO[bytes], process.stdout))
        except (OSError, EOFError) as error:
            reason = self._death(process, deadline.end())
            self.close()
            raise DecodingError(reason) from error
        except BaseException:
            # Interrupted amid an answer: what is left of it must not answer the next file.
            deadline.end()
            self.close()
            raise
        if deadline.end():
            self.close()
        if "error" in answer:
            raise DecodingError(answer["error"])
        frames, start = [], 0
        for dtype, shape in answer["frames"]:
            count = int(np.prod(shape))
            frames.append(np.frombuffer(pixels, dtype, count, start).reshape(shape))
            start += frames[-1].nbytes
        return Animation(frames, answer["durations_ms"])

    def _death(self, process: subprocess.Popen[bytes], expired: bool) -> str:
        """Return why a child process ended."""
        if expired:
            return f"decoding took longer than {self._timeout_s:g} s"
        with contextlib.suppress(subprocess.TimeoutExpired):
            # A system that is short of memory kills a process in this way.
            if process.wait(_EXIT_S) == -getattr(signal, "SIGKILL", 0):
                return f"{_CRASHED}: it was killed, perhaps for lack of memory"
        return _CRASHED


class _Deadline:
    """Kills a process after some time, unless it is ended before."""

    def __init__(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        self._process = process
        self._lock = threading.Lock()
        self._ended = self._expired = False
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True
        self._timer.start()

    def _expire(self) -> None:
        with self._lock:
            if not self._ended:
                self._expired = True
                self._process.kill()

    def end(self) -> bool:
        """Stop the clock; return whether it killed the process."""
        self._timer.cancel()
        with self._lock:
            self._ended = True
            return self._expired


class _Decoders:
    """The decoder processes of this process, idle and busy ones."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.idle: list[DecoderProcess] = []
        self.busy: dict[int, DecoderProcess] = {}
        """By the number of the thread."""


_decoders = _Decoders()


@contextlib.contextmanager
def decoder_process() -> Iterator[DecoderProcess]:
    """Borrow a decoder process for one file; as many exist as threads decode at the same time."""
    decoders, thread = _decoders, threading.get_ident()
    with decoders.lock:
        decoder = decoders.idle.pop() if decoders.idle else DecoderProcess()
        decoders.busy[thread] = decoder
    try:
        yield decoder
    finally:
        with decoders.lock:
            del decoders.busy[thread]
            decoders.idle.append(decoder)


def abort_decoding(threads: Iterable[int]) -> None:
    """Fail the files that these threads decode at the moment in decoder processes.

    Call it when a run is interrupted, so that it does not wait for a decoder that hangs.

    Args:
        threads: Numbers of the threads, from `threading.get_ident`.
    """
    with _decoders.lock:
        for thread in threads:
            if thread in _decoders.busy:
                _decoders.busy[thread].kill()


@atexit.register
def _close_all() -> None:
    with _decoders.lock:
        while _decoders.idle:
            _decoders.idle.pop().close()


def _forget() -> None:
    """Leave the children to the parent process after a fork: two users would mix up answers."""
    global _decoders, _not_ours
    _not_ours = _decoders  # never collected, since a Popen object waits for its process then
    _decoders = _Decoders()


_not_ours: _Decoders | None = None

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def _start() -> subprocess.Popen[bytes]:
    process = start_child("emorec.decoder_server:serve")
    if sys.platform == "linux":
        import fcntl

        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):  # a user has a limit for all pipes
                fcntl.fcntl(cast(IO[bytes], stream), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    return process
