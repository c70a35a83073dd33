"""Decodes images in child processes, where a crash, a hang or a memory blow-up costs one file.

OpenCV's decoders are native code. A damaged file of some kinds ends the process with a segmentation
fault (155 of 600 damaged APNG files whose default image is no frame, OpenCV 4.14), and no exception
handler helps. `DecoderProcess` therefore sends the content of a file to a child process and receives
pixels; when the child dies, exceeds its time or its memory, the file is unreadable and the next one
gets a new child.
"""

import atexit
import contextlib
import json
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any, cast

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.generic]

TIMEOUT_S = 20.0
"""Time that one file may take."""

MEMORY_BYTES = 4 * 2**30
"""Address space of the child process, where the system can limit it."""

_CRASHED = "the decoder crashed"
_TOO_SLOW = f"decoding took longer than {TIMEOUT_S:g} s"
_TOO_LARGE = "decoding needs more memory than the limit"

_LENGTH = struct.Struct("<Q")
_WATCH_S = 0.5
"""Interval at which a child checks that its parent still lives."""


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

    def decode(self, data: npt.NDArray[np.uint8] | bytes, flags: int) -> Pixels:
        """Decode a still image, as `cv2.imdecode(data, flags)` does.

        Raises:
            DecodingError: The content is no readable image, or the decoder crashed, hung or used
                too much memory.
        """
        return self._request({"flags": flags}, bytes(data)).frames[0]

    def decode_animation(
        self, data: npt.NDArray[np.uint8] | bytes, max_frames: int
    ) -> Animation:
        """Decode up to `max_frames` frames, as `cv2.imdecodeanimation` does.

        Raises:
            DecodingError: As for `decode`.
        """
        return self._request({"max_frames": max_frames}, bytes(data))

    def close(self) -> None:
        """End the child process."""
        process, self._process = self._process, None
        if process is not None:
            _kill(process)

    def _request(self, request: dict[str, Any], data: bytes) -> Animation:
        process = self._process = self._process or _start()
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            process.kill()

        timer = threading.Timer(self._timeout_s, expire)
        timer.daemon = True
        timer.start()
        try:
            _send(cast(IO[bytes], process.stdin), request, data)
            answer, pixels = _receive(cast(IO[bytes], process.stdout))
        except (OSError, EOFError) as error:
            self.close()
            raise DecodingError(_TOO_SLOW if expired.is_set() else _CRASHED) from error
        except BaseException:
            # Interrupted amid an answer: what is left of it must not answer the next file.
            self.close()
            raise
        finally:
            timer.cancel()
        if "error" in answer:
            raise DecodingError(answer["error"])
        frames, start = [], 0
        for dtype, shape in answer["frames"]:
            count = int(np.prod(shape))
            frames.append(np.frombuffer(pixels, dtype, count, start).reshape(shape))
            start += frames[-1].nbytes
        return Animation(frames, answer["durations_ms"])


_idle: list[DecoderProcess] = []
_idle_lock = threading.Lock()


@contextlib.contextmanager
def decoder_process() -> Iterator[DecoderProcess]:
    """Borrow a decoder process for one file; as many exist as threads decode at the same time."""
    with _idle_lock:
        decoder = _idle.pop() if _idle else DecoderProcess()
    try:
        yield decoder
    finally:
        with _idle_lock:
            _idle.append(decoder)


@atexit.register
def _close_all() -> None:
    with _idle_lock:
        while _idle:
            _idle.pop().close()


def _forget() -> None:
    """Leave the children to the parent process after a fork: two users would mix up answers."""
    global _idle_lock
    _idle_lock = threading.Lock()
    _idle.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def _start() -> subprocess.Popen[bytes]:
    # The child finds the same packages as this process, whatever changed `sys.path`.
    program = (
        f"import sys; sys.path[:] = {sys.path!r}; "
        "from emorec.decoder_process import serve; serve()"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        # Ctrl-C in a terminal goes to the whole group; the parent decides what it means.
        start_new_session=True,
    )


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
    process.wait()


def _send(stream: IO[bytes], header: dict[str, Any], *parts: bytes | memoryview) -> None:
    text = json.dumps(header).encode()
    size = sum(len(part) for part in parts)
    stream.write(_LENGTH.pack(len(text)) + _LENGTH.pack(size) + text)
    for part in parts:
        stream.write(part)
    stream.flush()


def _receive(stream: IO[bytes]) -> tuple[dict[str, Any], bytes]:
    lengths = _read(stream, 2 * _LENGTH.size)
    (length,), (size,) = (_LENGTH.unpack(lengths[at : at + _LENGTH.size]) for at in (0, 8))
    return json.loads(_read(stream, length)), _read(stream, size)


def _read(stream: IO[bytes], count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise EOFError
    return data


def serve() -> None:
    """Answer requests from standard input until it ends: the main loop of the child process."""
    _limit_memory()
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    # Whatever a library prints must not end up between the answers.
    requests = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    import cv2

    cv2.setNumThreads(1)
    while True:
        try:
            request, data = _receive(requests)
        except EOFError:
            return
        frames: list[Pixels] = []
        try:
            frames, durations = _decode(cv2, request, np.frombuffer(data, np.uint8))
            shapes = [(frame.dtype.str, frame.shape) for frame in frames]
            answer = {"frames": shapes, "durations_ms": durations}
        except MemoryError:
            answer = {"error": _TOO_LARGE}
        except cv2.error as error:
            reason = " ".join(str(error.err or error).split())
            memory = error.code == cv2.Error.STS_NO_MEM or "Insufficient memory" in reason
            answer = {"error": _TOO_LARGE if memory else reason}
        parts = [] if "error" in answer else frames
        _send(answers, answer, *(np.ascontiguousarray(part).data.cast("B") for part in parts))


def _decode(cv2: Any, request: dict[str, Any], data: npt.NDArray[np.uint8]) -> tuple[
    list[Pixels], list[int]
]:
    if "flags" in request:
        image = cv2.imdecode(data, request["flags"])
        if image is None or image.size == 0:
            raise cv2.error("not a readable image")
        return [image], [0]
    _, animation = cv2.imdecodeanimation(data.reshape(1, -1), 0, request["max_frames"])
    durations = [int(duration) for duration in np.ravel(animation.durations)]
    return list(animation.frames), durations


def _limit_memory() -> None:
    if sys.platform == "win32":
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(MEMORY_BYTES, hard)
    # macOS knows the limit and refuses to set it.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def _end_with_parent(parent: int) -> None:
    """End this process when the parent ended, even amid a decoder that hangs."""
    import time

    while os.getppid() == parent:
        time.sleep(_WATCH_S)
    os._exit(1)
