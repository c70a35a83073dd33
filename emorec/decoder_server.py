"""Decodes images on request: the main loop of a decoder process, which `decoder_process` starts."""

import re
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from emorec.child_process import begin_child, receive, send

Pixels = npt.NDArray[np.generic]

NOT_AN_IMAGE = "damaged, or of an unsupported format"
TOO_LARGE = "decoding needs more memory than the limit"


def serve() -> None:
    """Answer requests from standard input until it ends: the main loop of the child process."""
    requests, answers = begin_child()
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
