"""Pipelines videos: reading, detection, classification and tracking at the same time.

One thread decodes, `workers` threads detect and classify faces (OpenCV and ONNX Runtime release the
GIL), and the consumer's thread tracks. The queue between them is bounded, so that memory does not
grow with the length of a video.
"""

import queue
import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from emorec.errors import ConfigError
from emorec.frames import Frame
from emorec.images import Image
from emorec.inference.optical_flow import propagate, small_gray
from emorec.inference.tracking import MAX_GAP_S, SMOOTH_S, EmotionTracker
from emorec.interrupts import wait_for_item, wait_for_result
from emorec.threads import default_threads
from emorec.types import Box, FaceEmotion

_LOOKAHEAD = 8
"""Frames between two detections that are read ahead for each worker, at most."""

_PUT_TIMEOUT_S = 0.1


@dataclass(frozen=True)
class FrameResult:
    """The faces of one frame of a video.

    Attributes:
        frame: The pixels, with number and time.
        faces: The faces with their ids, boxes in pixels of the full frame, and probabilities
            smoothed over time.
        detected: Whether faces were detected in this frame; else they were propagated to it.
        missed: Where faces may be that were detected up to `max_gap_s` before, and not in this
            frame; to blur them.
    """

    frame: Frame
    faces: tuple[FaceEmotion, ...]
    detected: bool
    missed: tuple[Box, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the result as native types, with keys of the records of `emorec detect`.

        Returns:
            `width`, `height`, `frame`, `time_s`, `detected` and `faces`, each face as
            `FaceEmotion.to_dict` returns it. The pixels are not part of it.
        """
        width, height = self.frame.size_wh
        return {
            "width": width,
            "height": height,
            "frame": self.frame.number,
            "time_s": self.frame.time_s,
            "detected": self.detected,
            "faces": [face.to_dict() for face in self.faces],
        }


@dataclass(frozen=True)
class StreamSettings:
    """How the faces of a video are detected and tracked.

    Attributes:
        detect_every: Faces are detected in every Nth frame. In between they are propagated by
            optical flow, or by their motion where that fails, and keep their emotions.
        smooth_s: Time constant of the smoothing of probabilities in seconds; 0 turns it off.
        max_gap_s: How long a face may be out of sight and keep its id, in seconds.
        workers: Number of detecting threads; None uses `default_threads`.

    Raises:
        ConfigError: A number is out of range.
    """

    detect_every: int = 1
    smooth_s: float = SMOOTH_S
    max_gap_s: float = MAX_GAP_S
    workers: int | None = None

    def __post_init__(self) -> None:
        if self.detect_every < 1:
            raise ConfigError(f"detect_every must be 1 or more; received {self.detect_every}")
        if self.workers is not None and self.workers < 1:
            raise ConfigError(f"workers must be 1 or more; received {self.workers}")
        EmotionTracker(self.smooth_s, self.max_gap_s)  # checks the times


@dataclass(frozen=True)
class _ProcessedFrame:
    """What a worker computes of a frame.

    Attributes:
        faces: The faces; None where none were to be detected.
        gray: The small grey image for optical flow; None where none is used.
    """

    faces: list[FaceEmotion] | None
    gray: Image | None


def track_faces(
    frames: Iterable[Frame],
    recognize: Callable[[Frame], list[FaceEmotion]],
    settings: StreamSettings,
    *,
    drop_late: bool = False,
    min_confidence: float = 0.0,
) -> Generator[FrameResult]:
    """Detect, classify and track the faces of a video.

    Args:
        frames: Frames with times, in order.
        recognize: Detects and classifies the faces of a frame; called from several threads.
        settings: How faces are detected and tracked.
        drop_late: Skip frames that arrive while the queue is full, as with a camera.
        min_confidence: As for `EmotionTracker`.

    Yields:
        The result of each frame, in order.

    Raises:
        DataError: The frames cannot be read.
        ModelError: The model fails.
    """
    tracker = EmotionTracker(settings.smooth_s, settings.max_gap_s, min_confidence)
    workers = settings.workers or default_threads()
    pending: queue.Queue[tuple[Frame, Future[_ProcessedFrame]] | Exception | None] = queue.Queue(
        workers * min(settings.detect_every, _LOOKAHEAD) + 1
    )
    stopped = threading.Event()

    def process(frame: Frame, detect: bool) -> _ProcessedFrame:
        gray = small_gray(frame) if settings.detect_every > 1 else None
        return _ProcessedFrame(recognize(frame) if detect else None, gray)

    def put(item: tuple[Frame, Future[_ProcessedFrame]] | Exception | None) -> None:
        while not stopped.is_set():
            try:
                pending.put(item, timeout=_PUT_TIMEOUT_S)
                return
            except queue.Full:
                pass

    def read() -> None:
        try:
            count = 0
            for frame in frames:
                if stopped.is_set():
                    return
                if drop_late and pending.full():
                    continue
                detect = count % settings.detect_every == 0
                put((frame, pool.submit(process, frame, detect)))
                count += 1
            put(None)
        except Exception as error:
            put(error)

    with ThreadPoolExecutor(workers, "emorec-detect") as pool:
        reader = threading.Thread(target=read, name="emorec-read", daemon=True)
        reader.start()
        faces: list[FaceEmotion] = []
        last_gray: Image | None = None
        try:
            while (item := wait_for_item(pending)) is not None:
                if isinstance(item, Exception):
                    raise item
                frame, future = item
                time_s, processed = frame.time_s or 0.0, wait_for_result(future)
                if processed.faces is not None:
                    faces = tracker.update(processed.faces, time_s, frame.size_wh)
                elif last_gray is not None and processed.gray is not None:
                    boxes = {face.id: face.box for face in faces if face.id is not None}
                    moved = propagate(last_gray, processed.gray, frame.size_wh, boxes)
                    faces = tracker.propagate(time_s, moved)
                last_gray = processed.gray
                detected = processed.faces is not None
                yield FrameResult(frame, tuple(faces), detected, tuple(tracker.missed(time_s)))
        finally:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            reader.join()
