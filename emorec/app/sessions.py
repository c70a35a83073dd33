"""Sessions of the app: the faces of a video or of a camera over time, until they are deleted.

Each has a folder of its own. The frames are written to a file as they come, so that a long video
takes no memory, and the page reads them from there.
"""

import json
import secrets
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from emorec.app.limits import AppLimits, busy
from emorec.app.responses import RequestError
from emorec.errors import DataError
from emorec.frames import Frame
from emorec.outputs.session.recorder import SessionRecorder
from emorec.types import FaceEmotion

WAITING, RUNNING, DONE, CANCELLED, FAILED = "waiting", "running", "done", "cancelled", "failed"
"""States of a session; the last three are final."""

_DECIMALS = 4


@dataclass
class AppSession:
    """A video that is processed, or a recording of a camera.

    Attributes:
        id: Name in addresses, which nobody can guess.
        kind: "video" or "camera".
        name: Name of the video, cleaned.
        folder: Folder of its files.
        labels: The emotions, in the order of the probabilities of `frames.jsonl`.
        state: One of the states above.
        error: Why it failed, or what of the video could not be read.
        note: What a user may not expect.
        frames: Number of frames so far.
        expected: Number of frames of the video; None if it does not say so.
        size_wh: Width and height of the frames in pixels.
        duration_s: Length of the frames so far, in seconds.
        people: Summary of each person, as of `VideoSummary.record`; empty before the end.
        annotated: The annotated video; None if there is none.
        cancelled: Set to end the work early.
    """

    id: str
    kind: str
    name: str
    folder: Path
    labels: Sequence[str]
    state: str = WAITING
    error: str | None = None
    note: str | None = None
    frames: int = 0
    expected: int | None = None
    size_wh: tuple[int, int] = (0, 0)
    duration_s: float = 0.0
    people: list[dict[str, Any]] = field(default_factory=list)
    annotated: Path | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)
    _file: IO[str] | None = None
    _recorder: SessionRecorder | None = None
    _started_s: float | None = None

    @property
    def is_final(self) -> bool:
        """Whether nothing is added any more."""
        return self.state in (DONE, CANCELLED, FAILED)

    @property
    def frames_file(self) -> Path:
        """The file of the frames, one a line."""
        return self.folder / "frames.jsonl"

    @property
    def recorded(self) -> Path:
        """The folder of the files of `emorec detect --session`."""
        return self.folder / "session"

    def begin(self, recorder: SessionRecorder, file: Path | None = None) -> None:
        """Begin to add frames.

        Args:
            recorder: Writes to `recorded`; it is ended by `finish`.
            file: The uploaded video; None for a camera.

        Raises:
            DataError: The files cannot be written.
        """
        self._recorder = recorder.__enter__()
        self._recorder.begin_video(0, file)
        self._file = self.frames_file.open("w", encoding="utf-8")
        self._started_s = time.monotonic()
        self.state = RUNNING

    def add(
        self, frame: Frame, faces: Sequence[FaceEmotion], fps: float, detected: bool = True
    ) -> None:
        """Add the next frame.

        Args:
            frame: Its pixels, number and time.
            faces: Its faces, with their ids.
            fps: Frames per second of the source.
            detected: Whether faces were detected in it.

        Raises:
            DataError: The files cannot be written.
        """
        assert self._file is not None, "a session is begun before frames are added"
        assert self._recorder is not None
        self._recorder.add(frame, faces, detected, fps)
        time_s = frame.time_s or 0.0
        line = json.dumps([round(time_s, _DECIMALS), [self._compact(face) for face in faces]])
        self._file.write(line + "\n")
        self.frames += 1
        self.size_wh, self.duration_s = frame.size_wh, time_s + 1 / fps

    def _compact(self, face: FaceEmotion) -> list[Any]:
        box = face.box
        probabilities = [round(face.probabilities[label], _DECIMALS) for label in self.labels]
        top = self.labels.index(face.emotion)
        place = [face.id, box.x, box.y, box.width, box.height]
        return [*place, top, int(face.uncertain), probabilities]

    def finish(self, state: str, error: str | None = None) -> None:
        """End the session.

        Args:
            state: One of the final states.
            error: Why it failed, or what could not be read.
        """
        if self._file is not None:
            self._file.close()
            self._file = None
        try:
            self._end_recorder(state, error)
        except DataError as problem:  # such as a full disk
            state, error = FAILED, error or str(problem)
        self.error = error
        self.state = state

    def _end_recorder(self, state: str, error: str | None) -> None:
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            kind = {DONE: None, CANCELLED: KeyboardInterrupt, FAILED: DataError}[state]
            try:
                recorder.end_video(problem=error)
            finally:
                recorder.__exit__(kind, None, None)

    @property
    def seconds_left(self) -> float | None:
        """Estimate of the time until the end; None if it is not known."""
        if self._started_s is None or not self.expected or not self.frames or self.is_final:
            return None
        per_frame = (time.monotonic() - self._started_s) / self.frames
        return max(self.expected - self.frames, 0) * per_frame

    def describe(self) -> dict[str, Any]:
        """Return the state for clients."""
        left = self.seconds_left
        return {
            "id": self.id,
            "kind": self.kind,
            "name": self.name,
            "state": self.state,
            "error": self.error,
            "note": self.note,
            "frames": self.frames,
            "expected": self.expected,
            "seconds_left": left if left is None else round(left, 1),
            "width": self.size_wh[0],
            "height": self.size_wh[1],
            "duration_s": self.duration_s,
            "labels": list(self.labels),
            "people": self.people,
            "annotated": self.annotated is not None,
        }

    def frames_json(self) -> Iterator[str]:
        """Yield the pieces of a JSON document with all frames so far, of which none is in memory.

        Each frame is [time in seconds, faces], each face [id, x, y, width, height, index of the
        emotion in labels, 1 if uncertain, probabilities].
        """
        head = {"labels": list(self.labels), "width": self.size_wh[0], "height": self.size_wh[1]}
        yield json.dumps(head)[:-1] + ', "frames": ['
        if self.frames_file.exists():
            with self.frames_file.open(encoding="utf-8") as file:
                for number, line in enumerate(file):
                    if not line.endswith("\n"):
                        break  # it is still being written
                    yield ("," if number else "") + line
        yield "]}"


class SessionStore:
    """All sessions of a running app.

    Args:
        folder: Folder of their folders.
        limits: The limits.
    """

    def __init__(self, folder: Path, limits: AppLimits) -> None:
        self._folder = folder
        self._limits = limits
        self._sessions: dict[str, AppSession] = {}

    def create(self, kind: str, name: str, labels: Sequence[str]) -> AppSession:
        """Create a session with an empty folder.

        Raises:
            RequestError: There are too many.
        """
        if len(self._sessions) >= self._limits.session_count:
            raise busy(f"there are {len(self._sessions)} sessions; delete one of them")
        id_ = secrets.token_urlsafe(16)
        folder = self._folder / id_
        (folder / "session").mkdir(parents=True, mode=0o700)
        session = AppSession(id_, kind, name, folder, labels)
        self._sessions[id_] = session
        return session

    def all(self) -> list[AppSession]:
        """Return all sessions, the oldest first."""
        return list(self._sessions.values())

    def get(self, id_: str) -> AppSession:
        """Return a session.

        Raises:
            RequestError: There is none of this id.
        """
        if id_ not in self._sessions:
            raise RequestError(404, "not_found", "no such session; it may have been deleted")
        return self._sessions[id_]

    def delete(self, id_: str) -> None:
        """End a session and remove its files; its work ends on its own.

        Raises:
            RequestError: There is none of this id.
        """
        session = self.get(id_)
        del self._sessions[id_]
        session.cancelled.set()
        if session.state != RUNNING:
            remove_files(session)

    def holds(self, session: AppSession) -> bool:
        """Return whether a session was not deleted."""
        return session.id in self._sessions

    def cancel_all(self) -> None:
        """End the work on all sessions."""
        for session in self._sessions.values():
            session.cancelled.set()


def remove_files(session: AppSession) -> None:
    """Remove the folder of a session."""
    shutil.rmtree(session.folder, ignore_errors=True)
