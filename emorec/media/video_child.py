"""Main loop of the child process in which a video is decoded; `VideoProcess` starts it.

Pixels are in a memory file of `SLOTS` frames that both processes map; where there is no such file,
or a frame does not fit, they are part of the message. The parent sends a byte for each slot that is
free again. The end of its pipe ends this process.
"""

import mmap
import os
import threading
import time
import traceback
from typing import IO, Any

import numpy as np

from emorec.child_process import MEMORY_BYTES, begin_child, send
from emorec.errors import DataError
from emorec.images import Image
from emorec.media.video_decoder import VideoDecoder, VideoRequest

SLOTS = 4
"""Frames in the shared memory."""

OUT_OF_MEMORY = f"decoding needs more memory than the limit of {MEMORY_BYTES // 2**30} GiB"

_ALIVE_S = 1.0
"""Interval of the messages while no frame is sent."""


def serve(request: str, memory_file: str = "") -> None:
    """Decode a video and send its frames.

    Args:
        request: A `VideoRequest` as JSON.
        memory_file: Descriptor of the file for shared memory; "" without one.
    """
    free_slots, messages = begin_child()
    sender = _Sender(free_slots, messages, int(memory_file) if memory_file else None)
    try:
        _decode(VideoRequest.from_json(request), sender)
    except DataError as error:
        sender.send({"error": str(error)})
    except MemoryError:
        sender.send({"fault": OUT_OF_MEMORY})
    except Exception:
        sender.send({"bug": traceback.format_exc()})


class _Sender:
    """Sends messages and frames to the parent."""

    def __init__(self, free_slots: IO[bytes], messages: IO[bytes], memory_file: int | None) -> None:
        self._free_slots = free_slots
        self._messages = messages
        self._memory_file = memory_file
        self._free = threading.Semaphore(SLOTS)
        self._slots: list[Image] = []
        self._next = 0
        self._last = time.monotonic()
        threading.Thread(target=self._receive, daemon=True).start()

    def share(self, size_wh: tuple[int, int]) -> None:
        """Map the shared memory for frames of a size."""
        width, height = size_wh
        if self._memory_file is None or width * height <= 0:  # not known before the first frame
            return
        os.ftruncate(self._memory_file, SLOTS * width * height * 3)
        shared = mmap.mmap(self._memory_file, 0)
        self._slots = list(np.frombuffer(shared, np.uint8).reshape(SLOTS, height, width, 3))

    def buffer(self) -> Image | None:
        """Return the slot for the next frame as soon as it is free."""
        if not self._slots:
            return None
        self._free.acquire()
        self._free.release()
        return self._slots[self._next]

    def send_frame(self, message: dict[str, Any], image_bgr: Image) -> None:
        """Send a frame: the number of its slot, or its pixels after the message."""
        message["shape"] = image_bgr.shape
        if self._slots and np.shares_memory(image_bgr, self._slots[self._next]):
            self._free.acquire()
            self.send({**message, "slot": self._next})
            self._next = (self._next + 1) % SLOTS
        else:
            self.send(message, np.ascontiguousarray(image_bgr).data.cast("B"))

    def alive(self) -> None:
        """Send a message if the last one was long ago."""
        if time.monotonic() - self._last >= _ALIVE_S:
            self.send({"alive": True})

    def send(self, message: dict[str, Any], *pixels: memoryview) -> None:
        """Send a message."""
        self._last = time.monotonic()
        send(self._messages, message, *pixels)

    def _receive(self) -> None:
        while self._free_slots.read(1):
            self._free.release()
        os._exit(1)  # the parent has ended; the decoder may hang


def _decode(request: VideoRequest, sender: _Sender) -> None:
    import cv2

    cv2.setNumThreads(1)
    decoder = VideoDecoder(request, sender.buffer, sender.alive)
    fps = decoder.fps
    sender.share(decoder.size_wh)
    sender.send(
        {
            "size_wh": decoder.size_wh,
            "frame_count": decoder.frame_count,
            "live": decoder.live,
            "fps": fps,
        }
    )
    for frame in decoder:
        position = {"number": frame.number, "time_s": frame.time_s}
        sender.send_frame({**position, **_state(decoder)}, frame.image_bgr)
    sender.send({"end": True, **_state(decoder)})


def _state(decoder: VideoDecoder) -> dict[str, Any]:
    return {"problem": decoder.problem, "gaps": decoder.gaps}
