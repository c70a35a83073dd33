"""Records a session while faces are detected: frames.csv row by row, and session.json."""

import os
import platform
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from emorec import __version__
from emorec.atomic_files import is_partial
from emorec.errors import DataError, ModelError
from emorec.frames import Frame, shown_seconds
from emorec.labels import is_printable
from emorec.media.addresses import is_camera, is_url, output_stem, shown_name
from emorec.models.registry import hash_of
from emorec.outputs.base import ReportingModel
from emorec.outputs.session import session_file
from emorec.outputs.session.frame_table import (
    SessionFace,
    SessionFrame,
    csv_line,
    frame_lines,
)
from emorec.outputs.session.person_names import default_person
from emorec.outputs.session.session_columns import FRAMES, header
from emorec.outputs.session.session_file import Derivation, Session, SessionVideo
from emorec.outputs.session.sharpness import face_sharpness
from emorec.outputs.source_groups import escaped_name
from emorec.outputs.text_writer import TextWriter
from emorec.types import FaceEmotion

MAX_HASHED_BYTES = 4 * 2**30
"""Larger videos get no SHA-256, which would take long to compute."""

_MAX_NAME = 100
"""Longest name of a video in a session, in characters; files are named after it."""

_PACKAGES = ("numpy", "onnxruntime", "opencv-python", "opencv-python-headless")


def prepare_folder(folder: Path) -> None:
    """Check that a session can be written to a folder, and create it.

    The files of an earlier session are removed.

    Raises:
        DataError: The folder holds anything but a session, or cannot be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = sorted(path.name for path in folder.iterdir())
        if not found:
            return
        own: set[str] = set()
        if session_file.is_session(folder):
            own = {session_file.NAME, *session_file.read_session(folder).files}
        own |= {name for name in found if is_partial(name) or session_file.is_lock(name)}
        others = [name for name in found if name not in own or (folder / name).is_dir()]
        if others:
            raise DataError(
                f"{folder}: holds {others[0]!r}, which is not part of a session; name a new folder"
            )
        with session_file.session_locked(folder):
            for name in found:
                if not session_file.is_lock(name):
                    (folder / name).unlink()
    except OSError as error:
        raise DataError(f"{folder}: cannot be used: {error.strerror or error}") from error


def session_names(sources: Sequence[str]) -> list[str]:
    """Return a name for each video that no other one has: that of its file, or camera-0.

    Args:
        sources: Files, cameras and streams.
    """
    names: list[str] = []
    for source in sources:
        named = is_camera(source) or is_url(source)
        base = output_stem(source) if named else Path(source).name
        base = "".join(c if is_printable(c) else "?" for c in escaped_name(base)) or "video"
        stem, suffix = Path(base).stem, Path(base).suffix
        stem = stem[: max(_MAX_NAME - len(suffix), 1)]
        name, count = f"{stem}{suffix}", 1
        while name.casefold() in {known.casefold() for known in names}:
            count += 1
            name = f"{stem}-{count}{suffix}"
        names.append(name)
    return names


class SessionRecorder:
    """Writes frames.csv and session.json; used in a `with` block.

    Each frame is written as soon as the next one says how long it was shown, so that memory does
    not grow, and a killed run leaves all but its last frame. The other files are made from these
    two by `emorec.outputs.session.derived_files.write_session_files`.

    Args:
        folder: The folder, prepared by `prepare_folder`.
        sources: All videos, cameras and streams that will be recorded, in order.
        model: The model whose results are recorded.
        model_file: The file of the model. Its folder is not recorded: sessions are shared.
        command: Words of the command.
        settings: All settings of detection and tracking, of native types.
        max_gap_s: As for `shown_seconds`.
        derivation: How the tables will be derived.

    Raises:
        DataError: The files cannot be written.
    """

    def __init__(
        self,
        folder: Path,
        sources: Sequence[str],
        model: ReportingModel,
        model_file: Path,
        command: Sequence[str] = (),
        settings: Mapping[str, Any] | None = None,
        max_gap_s: float = 1.0,
        derivation: Derivation | None = None,
    ) -> None:
        self.folder = folder
        self._labels = tuple(model.labels)
        self._names = session_names(sources)
        self._sources = list(sources)
        self._video: SessionVideo | None = None
        self._pending: SessionFrame | None = None
        self._frames = 0
        self._text = TextWriter(str(folder / FRAMES))
        self._stack = ExitStack()
        self._session = Session(
            status=session_file.RUNNING,
            labels=self._labels,
            model={
                "name": model.metadata.name,
                "version": model.metadata.version,
                "file": model_file.name,
                "sha256": _hash(model_file),
            },
            created=_now(),
            versions=_versions(),
            command=tuple(command),
            settings={**(settings or {}), **model.settings},
            max_gap_s=max_gap_s,
            derivation=derivation or Derivation(),
            files=(FRAMES,),
        )

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(session_file.session_locked(self.folder))
            # First, so that the folder is known as a session from the beginning.
            self._session.write(self.folder)
            text = stack.enter_context(self._text)
            text.write(csv_line(header(FRAMES, self._labels)))
            self._stack = stack.pop_all()
        return self

    def begin_video(self, index: int, file: Path | None = None) -> None:
        """Begin a video; it is hashed.

        Args:
            index: Its place among the sources, from 0.
            file: The file if it is not the source, such as one in a temporary folder; the session
                then refers to the source as a file beside it.

        Raises:
            DataError: session.json cannot be written.
        """
        source = self._sources[index]
        video = SessionVideo(self._names[index], escaped_name(shown_name(source)))
        if not is_camera(source) and not is_url(source):
            path = Path(source) if file is None else file
            known = os.path.abspath(path) if file is None else source  # noqa: PTH100
            video = replace(video, path=escaped_name(known))
            with suppress(OSError):
                status = path.stat()
                modified = datetime.fromtimestamp(status.st_mtime, UTC).isoformat()
                hashed = path.is_file() and status.st_size <= MAX_HASHED_BYTES
                video = replace(
                    video,
                    bytes=status.st_size,
                    modified=modified,
                    sha256=_hash(path) if hashed else None,
                )
        self._keep(video)
        self._frames = 0

    def add(
        self,
        frame: Frame,
        faces: Sequence[FaceEmotion],
        detected: bool,
        fps: float,
        every: int = 1,
    ) -> None:
        """Record the next frame of the video.

        Args:
            frame: Its pixels, number and time.
            faces: Its faces with their ids.
            detected: Whether faces were detected in it.
            fps: Frame rate of the source, in frames per second.
            every: Only every Nth frame is analysed.

        Raises:
            DataError: A file cannot be written.
        """
        assert self._video is not None, "begin_video comes first"
        if self._frames == 0:
            width, height = frame.size_wh
            self._keep(
                replace(self._video, fps=fps, frame_s=every / fps, width=width, height=height)
            )
        time_s = frame.time_s or 0.0
        self._write_pending(time_s)
        self._pending = SessionFrame(
            self._video.name,
            frame.number or 0,
            time_s,
            every / fps,
            detected,
            [self._face(frame, face) for face in faces if face.id is not None],
        )
        self._frames += 1

    def end_video(
        self, gaps: Sequence[tuple[float, float]] = (), problem: str | None = None
    ) -> None:
        """End the video.

        Args:
            gaps: Begin and end, in seconds, of the times in which a stream was reconnected.
            problem: Why it could not be read, or not to its end.

        Raises:
            DataError: A file cannot be written.
        """
        if self._video is None:
            return
        self._write_pending(None)
        rounded = tuple((float(begin), float(end)) for begin, end in gaps)
        self._keep(replace(self._video, frames=self._frames, gaps=rounded, problem=problem))
        self._video = None

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        status = session_file.COMPLETE
        if kind is not None:
            failed = issubclass(kind, Exception)
            status = session_file.FAILED if failed else session_file.INTERRUPTED
        with self._stack:
            self.end_video()
            self._session = self._session.replaced(status=status, finished=_now())
            self._session.write(self.folder)

    def _write_pending(self, next_s: float | None) -> None:
        """Write the last frame, now that the time of the next one, in its video, is known."""
        frame, self._pending = self._pending, None
        if frame is None:
            return
        if next_s is not None:
            frame.duration_s = shown_seconds(
                next_s - frame.time_s, frame.duration_s, self._session.max_gap_s
            )
        self._text.write(frame_lines(frame, self._labels))

    def _face(self, frame: Frame, face: FaceEmotion) -> SessionFace:
        box = face.box
        assert self._video is not None
        assert face.id is not None
        known = self._session.derivation.persons.get((self._video.name, face.id))
        return SessionFace(
            person=known or default_person(self._video.name, face.id),
            id=face.id,
            box=(box.x, box.y, box.width, box.height),
            detector=face.detector,
            score=face.score,
            emotion=face.emotion,
            confidence=face.confidence,
            uncertain=face.uncertain,
            size=(box.width * box.height) ** 0.5,
            sharpness=face_sharpness(frame, face),
            probabilities=tuple(face.probabilities[label] for label in self._labels),
        )

    def _keep(self, video: SessionVideo) -> None:
        self._video = video
        self._session = self._session.with_video(video)
        self._session.write(self.folder)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _hash(path: Path) -> str | None:
    try:
        return hash_of(path)
    except ModelError:
        return None  # reading the video says so


def _versions() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    found = {"emorec": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found
