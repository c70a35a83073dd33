"""Runs videos through reading, detection, classification and tracking, all at the same time.

One thread decodes, `workers` threads find and read faces (OpenCV and ONNX Runtime let Python go on
meanwhile), and whoever iterates tracks, draws and writes. What waits between them is bounded, so
that memory does not grow with the length of a video.
"""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from emorec.errors import ConfigError
from emorec.frames import Frame
from emorec.images import Image
from emorec.inference.optical_flow import propagate, small_gray
from emorec.inference.tracking import MAX_GAP_S, SMOOTH_S, EmotionTracker
from emorec.interrupts import wait_for_item, wait_for_result
from emorec.threads import default_threads
from emorec.types import FaceEmotion

_LOOKAHEAD = 8
"""Frames between two detections that are read ahead for each worker, at most."""

_PATIENCE_S = 0.1


@dataclass(frozen=True)
class FrameResult:
    """What was found in one frame of a video.

    Attributes:
        frame: The pixels, with number and time.
        faces: The faces with their ids, boxes in pixels of the full frame, and probabilities
            smoothed over time.
        detected: Faces were sought in this frame; else the last ones were propagate on.
    """

    frame: Frame
    faces: tuple[FaceEmotion, ...]
    detected: bool


@dataclass(frozen=True)
class StreamSettings:
    """How a video is followed.

    Attributes:
        detect_every: Faces are sought in every so many of the frames; in between they are propagate
            on by optical flow, or by their motion where that fails, and their emotions held.
        smooth_s: Time constant of the smoothing of probabilities in seconds; 0 leaves them.
        max_gap_s: How long a face may be out of sight and keep its id, in seconds.
        workers: Threads that search; None takes `pipeline.default_threads`.

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
class _Look:
    """What the searching threads make of a frame: faces if sought, pixels if flow needs them."""

    faces: list[FaceEmotion] | None
    gray: Image | None


def follow(
    frames: Iterable[Frame],
    recognize: Callable[[Frame], list[FaceEmotion]],
    settings: StreamSettings,
    drop_late: bool = False,
    min_confidence: float = 0.0,
) -> Iterator[FrameResult]:
    """Find and follow the faces of a video.

    Args:
        frames: Frames with times, in their order.
        recognize: Finds and reads the faces of a frame; called from several threads.
        settings: How.
        drop_late: Leave frames out when the work falls behind, as with a camera.
        min_confidence: As for `EmotionTracker`.

    Yields:
        What was found, frame by frame.

    Raises:
        DataError: The frames cannot be read.
        ModelError: The model fails.
    """
    tracker = EmotionTracker(settings.smooth_s, settings.max_gap_s, min_confidence)
    workers = settings.workers or default_threads()
    waiting: queue.Queue[tuple[Frame, Future[_Look]] | Exception | None] = queue.Queue(
        workers * min(settings.detect_every, _LOOKAHEAD) + 1
    )
    stopped = threading.Event()

    def look(frame: Frame, sought: bool) -> _Look:
        gray = small_gray(frame) if settings.detect_every > 1 else None
        return _Look(recognize(frame) if sought else None, gray)

    def put(item: tuple[Frame, Future[_Look]] | Exception | None) -> None:
        while not stopped.is_set():
            try:
                waiting.put(item, timeout=_PATIENCE_S)
                return
            except queue.Full:
                pass

    def read() -> None:
        try:
            count = 0
            for frame in frames:
                if stopped.is_set():
                    return
                if drop_late and waiting.full():
                    continue
                sought = count % settings.detect_every == 0
                put((frame, pool.submit(look, frame, sought)))
                count += 1
            put(None)
        except Exception as error:
            put(error)

    with ThreadPoolExecutor(workers, "emorec-search") as pool:
        reader = threading.Thread(target=read, name="emorec-read", daemon=True)
        reader.start()
        faces: list[FaceEmotion] = []
        last: Image | None = None
        try:
            while (item := wait_for_item(waiting)) is not None:
                if isinstance(item, Exception):
                    raise item
                frame, looking = item
                time_s, seen = frame.time_s or 0.0, wait_for_result(looking)
                if seen.faces is not None:
                    faces = tracker.update(seen.faces, time_s, frame.size_wh)
                elif last is not None and seen.gray is not None:
                    boxes = {face.id: face.face.box for face in faces if face.id is not None}
                    places = propagate(last, seen.gray, frame.size_wh, boxes)
                    faces = tracker.predict(time_s, places)
                last = seen.gray
                yield FrameResult(frame, tuple(faces), seen.faces is not None)
        finally:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            reader.join()
