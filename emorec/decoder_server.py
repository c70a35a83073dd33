"""Decodes images on request: the main loop of a decoder process, and the messages to and from it.

`decoder_process` starts this module in a child process.
"""

import contextlib
import json
import os
import re
import select
import struct
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.generic]

MEMORY_BYTES = 4 * 2**30
"""Address space of the process, where the system can limit it."""

NOT_AN_IMAGE = "damaged, or of an unsupported format"
TOO_LARGE = "decoding needs more memory than the limit"

_LENGTHS = struct.Struct("<QQ")
_WATCH_S = 0.5
"""Interval at which the process checks that its parent still lives."""


def send(stream: IO[bytes], header: dict[str, Any], *parts: memoryview) -> None:
    """Write a message: a header as JSON, and bytes."""
    text = json.dumps(header).encode()
    start = _LENGTHS.pack(len(text), sum(len(part) for part in parts)) + text
    for part in (memoryview(start), *parts):
        while part:
            part = part[stream.write(part) :]


def receive(stream: IO[bytes]) -> tuple[dict[str, Any], bytearray]:
    """Read a message.

    Raises:
        EOFError: The stream ended.
    """
    length, size = _LENGTHS.unpack(_read(stream, _LENGTHS.size))
    return json.loads(_read(stream, length)), _read(stream, size)


def _read(stream: IO[bytes], count: int) -> bytearray:
    data = bytearray(count)
    rest = memoryview(data)
    while rest:
        # Unbuffered streams have `readinto`, which the type of `Popen.stdout` does not say.
        received = cast(Any, stream).readinto(rest)
        if not received:
            raise EOFError
        rest = rest[received:]
    return data


def serve() -> None:
    """Answer requests from standard input until it ends: the main loop of the child process."""
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    _limit_resources()
    # Whatever a library prints must not end up between the answers.
    requests, answers = os.fdopen(os.dup(0), "rb", 0), os.fdopen(os.dup(1), "wb", 0)
    os.dup2(2, 1)
    import cv2

    cv2.setNumThreads(1)
    while True:
        try:
            request, data = receive(requests)
        except EOFError:
            return
        frames: list[Pixels] = []
        try:
            frames, durations = _decode(cv2, request, data)
            shapes = [(frame.dtype.str, frame.shape) for frame in frames]
            answer = {"frames": shapes, "durations_ms": durations}
        except MemoryError:
            answer = {"error": TOO_LARGE}
        except Exception as error:
            # Also what a binding raises for odd content, such as SystemError.
            reason = " ".join(str(getattr(error, "err", "") or error).split())
            answer = {"error": TOO_LARGE if _NO_MEMORY.search(reason) else reason}
        parts = [] if "error" in answer else frames
        send(answers, answer, *(np.ascontiguousarray(part).data.cast("B") for part in parts))


_NO_MEMORY = re.compile("bad_alloc|Insufficient memory|Failed to allocate", re.IGNORECASE)
"""How OpenCV and libheif report that memory is used up."""


def _decode(cv2: Any, request: dict[str, Any], data: bytearray) -> tuple[list[Pixels], list[int]]:
    if "heic" in request:
        return [_decode_heic(cv2, data)], [0]
    content = np.frombuffer(data, np.uint8)
    if "flags" in request:
        image = cv2.imdecode(content, request["flags"])
        if image is None or image.size == 0:
            raise ValueError(NOT_AN_IMAGE)
        return [image], [0]
    _, animation = cv2.imdecodeanimation(content.reshape(1, -1), 0, request["max_frames"])
    durations = [int(duration) for duration in np.ravel(animation.durations)]
    return list(animation.frames), durations


def _decode_heic(cv2: Any, data: bytearray) -> Pixels:
    import pillow_heif

    image = np.asarray(pillow_heif.open_heif(bytes(data), bgr_mode=True))
    if image.ndim == 2:
        return cast(Pixels, cv2.cvtColor(image, cv2.COLOR_GRAY2BGR))
    return np.ascontiguousarray(image[:, :, :3])


def _limit_resources() -> None:
    if sys.platform == "win32":
        return
    import resource

    # A system that runs out of memory ends this process, and not the one that holds the batch.
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(MEMORY_BYTES, hard)
    # macOS knows the limit and refuses to set it.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    # A crash that is expected leaves no core file in the user's folder.
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


def _end_with_parent(parent: int) -> None:
    """End this process when the parent ended, even amid a decoder that hangs."""
    while os.getppid() == parent and not _is_input_closed(_WATCH_S):
        pass
    os._exit(1)


def _is_input_closed(seconds: float) -> bool:
    """Wait for the other end of standard input to be closed.

    A process that was forked from the parent may keep it open after the parent's end.
    """
    if not hasattr(select, "poll"):
        time.sleep(seconds)
        return False
    poll = select.poll()
    poll.register(0, 0)  # no event but those that are always reported
    return bool(poll.poll(seconds * 1000))
