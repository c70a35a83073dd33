"""Processes uploaded videos one after another, with the same work as `emorec detect`."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from emorec.app.limits import AppLimits
from emorec.app.sessions import (
    CANCELLED,
    DONE,
    FAILED,
    AppSession,
    SessionStore,
    remove_files,
)
from emorec.batch.video_work import VideoRun, VideoSettings, VideoWork
from emorec.errors import DataError, EmorecError
from emorec.inference.recognizer import EmotionRecognizer
from emorec.media.sources import MediaSource
from emorec.outputs.session.recorder import SessionRecorder

_ROUNDING_S = 0.1
"""A video that ends this close to the limit of its length was probably cut."""


@dataclass(frozen=True)
class VideoOrder:
    """What is done with a video.

    Attributes:
        path: The uploaded file, which is removed after the work.
        recognizer: Detects and classifies the faces, with the defaults for videos.
        recorder: Records the session.
        annotate: Write the annotated video too.
        blur: Blur the faces in it by this method; None shows them.
    """

    path: Path
    recognizer: EmotionRecognizer
    recorder: SessionRecorder
    annotate: bool = False
    blur: str | None = None


class VideoQueue:
    """Processes one video at a time, as each uses all cores.

    Args:
        store: The sessions.
        limits: The limits.
    """

    def __init__(self, store: SessionStore, limits: AppLimits) -> None:
        self._store = store
        self._limits = limits
        self._pool = ThreadPoolExecutor(1, "emorec-video")

    def add(self, session: AppSession, order: VideoOrder) -> None:
        """Process a video as soon as those before it are done."""
        self._pool.submit(self._process, session, order)

    def close(self) -> None:
        """End all work."""
        self._store.cancel_all()
        self._pool.shutdown(cancel_futures=True)

    def _process(self, session: AppSession, order: VideoOrder) -> None:
        try:
            self._run(session, order)
        except EmorecError as error:
            session.finish(FAILED, _readable(session, order, str(error)))
        except Exception as error:
            session.finish(FAILED, f"unexpected {type(error).__name__}: {error}")
            raise
        finally:
            order.path.unlink(missing_ok=True)
            if not self._store.holds(session):
                remove_files(session)

    def _run(self, session: AppSession, order: VideoOrder) -> None:
        if session.cancelled.is_set():
            session.finish(CANCELLED)
            return
        session.begin(order.recorder, order.path)
        work = VideoWork(
            order.recognizer, VideoSettings(end_s=self._limits.video_s, blur=order.blur)
        )
        source = MediaSource(str(order.path), "video", is_video=True)
        with work.run(source, session.folder if order.annotate else None) as run:
            problem = self._add_frames(session, run)
        if run.result is not None:
            session.people = run.result.record["tracks"]
            session.duration_s = run.result.record["duration_s"]
            if annotated := run.result.annotated:
                session.annotated = annotated.written
                notes = [annotated.problem, annotated.note]
                text = "; ".join(note for note in notes if note)
                session.note = _readable(session, order, text) or session.note
        if session.duration_s > self._limits.video_s - _ROUNDING_S:
            session.note = f"only the first {self._limits.video_s / 3600:g} hours were processed"
        if session.cancelled.is_set():
            session.finish(CANCELLED)
        elif problem is not None and not session.frames:
            raise DataError(problem)
        else:
            session.finish(DONE, problem and _readable(session, order, problem))

    @staticmethod
    def _add_frames(session: AppSession, run: VideoRun) -> str | None:
        """Add the frames of a video; return why it could not be read to its end, if so."""
        for result in run:
            if result.tracked is None:
                return result.problems[0]
            assert run.fps is not None
            session.expected = run.expected_frames
            tracked = result.tracked
            session.add(tracked.frame, tracked.faces, run.fps, tracked.detected)
            if session.cancelled.is_set():
                break
        return None


def _readable(session: AppSession, order: VideoOrder, text: str) -> str:
    """Replace the paths of the app by the name that the client gave the video."""
    text = text.replace(str(order.path), session.name)
    return text.replace(f"{session.folder}{os.sep}", "")
