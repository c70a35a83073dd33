"""Reads and writes session.json: what is needed to repeat a session, and to derive its files."""

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from emorec.atomic_files import write_bytes
from emorec.errors import DataError
from emorec.locks import locked

NAME = "session.json"

_KIND = "emorec session"
_VERSION = 1

_LOCK = ".session-lock"

RUNNING, COMPLETE, INTERRUPTED, FAILED = "running", "complete", "interrupted", "failed"
"""States of a session. A killed run leaves it running."""

ALL_VIDEOS = "(all)"
"""In the table of people, in place of the name of a video."""


@dataclass(frozen=True)
class SessionVideo:
    """A recording of a session.

    Attributes:
        name: Its name in the session, which no other one has.
        source: The file, camera or stream as the user named it, without a password.
        path: Absolute path of a file, or a relative one of a file beside the session; None for a
            camera or stream.
        bytes: Size of the file.
        modified: Time of its last change (UTC, ISO 8601).
        sha256: Its hash; None for a camera or stream, and for a file above the limit.
        fps: Frame rate of the source, in frames per second.
        frame_s: Nominal length of an analysed frame, in seconds.
        width: Width of its upright frames in pixels; None until one was analysed.
        height: Height of these in pixels.
        frames: Number of analysed frames; None until the video ends.
        gaps: Begin and end, in seconds, of the times in which a stream was reconnected.
        problem: Why it could not be read, or not to its end; None if it could.
    """

    name: str
    source: str
    path: str | None = None
    bytes: int | None = None
    modified: str | None = None
    sha256: str | None = None
    fps: float | None = None
    frame_s: float | None = None
    width: int | None = None
    height: int | None = None
    frames: int | None = None
    gaps: tuple[tuple[float, float], ...] = ()
    problem: str | None = None


@dataclass(frozen=True)
class Derivation:
    """How the tables are derived from frames.csv.

    Attributes:
        bin_s: Length of a bin of bins.csv, in seconds.
        baseline_s: Begin and end of the baseline in each video, in seconds; None for none.
        persons: Name of a person by the name of the video and the number of the tracked face.
    """

    bin_s: float = 1.0
    baseline_s: tuple[float, float] | None = None
    persons: Mapping[tuple[str, int], str] = field(default_factory=dict)


@dataclass(frozen=True)
class Session:
    """A session, as session.json describes it.

    Attributes:
        status: One of `RUNNING`, `COMPLETE`, `INTERRUPTED` and `FAILED`.
        labels: The emotions reported, in order.
        model: Name, version, path and SHA-256 of the model.
        created: Begin of the run (UTC, ISO 8601).
        finished: End of the run; None until then.
        versions: Version by the name of the package.
        command: Words of the command.
        settings: All settings of detection and tracking.
        max_gap_s: As for `shown_seconds`.
        videos: The recordings.
        derivation: How the tables are derived.
        files: Names of the files that were written beside session.json.
    """

    status: str
    labels: tuple[str, ...]
    model: Mapping[str, Any]
    created: str
    finished: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    max_gap_s: float = 1.0
    videos: tuple[SessionVideo, ...] = ()
    derivation: Derivation = field(default_factory=Derivation)
    files: tuple[str, ...] = ()

    def replaced(self, **changes: Any) -> Self:
        """Return a copy with other values."""
        return replace(self, **changes)

    def with_video(self, video: SessionVideo) -> Self:
        """Return a copy in which a video stands in place of that of its name, or is added."""
        others = [video if old.name == video.name else old for old in self.videos]
        return self.replaced(videos=tuple(others if video in others else [*others, video]))

    def write(self, folder: Path) -> None:
        """Write session.json atomically.

        Raises:
            DataError: It cannot be written.
        """
        document = {
            "kind": _KIND,
            "schema_version": _VERSION,
            **asdict(self),
            "derivation": {
                "bin_s": self.derivation.bin_s,
                "baseline_s": self.derivation.baseline_s,
                "persons": [
                    {"video": video, "id": id_, "person": person}
                    for (video, id_), person in sorted(self.derivation.persons.items())
                ],
            },
        }
        # ASCII: names may hold bytes that are no text.
        write_bytes(folder / NAME, (json.dumps(document, indent=2) + "\n").encode())


def session_locked(folder: Path) -> AbstractContextManager[None]:
    """Hold the lock of a session, so that no two processes write to it.

    Args:
        folder: Its folder, which exists.

    Raises:
        DataError: Another process holds it.
    """
    return locked(folder / _LOCK, f"{folder}: another emorec writes this session")


def is_lock(name: str) -> bool:
    """Return whether a file of this name belongs to the lock, which a killed run may leave."""
    return name.startswith(_LOCK)


def is_session(folder: Path) -> bool:
    """Return whether a folder holds a session."""
    try:
        document = json.loads((folder / NAME).read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(document, dict) and document.get("kind") == _KIND


def read_session(folder: Path) -> Session:
    """Read session.json.

    Raises:
        DataError: The folder holds no session, or one of another version.
    """
    path = folder / NAME
    try:
        document = json.loads(path.read_bytes())
        if document["kind"] != _KIND:
            raise ValueError
        version = document["schema_version"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(
            f"{folder}: not a session; name a folder that emorec detect --session wrote"
        ) from error
    if version != _VERSION:
        raise DataError(
            f"{path}: schema version {version!r}; this emorec reads {_VERSION}; upgrade emorec"
        )
    try:
        return _session(document)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path}: damaged; detect again with --session") from error


def _session(document: Mapping[str, Any]) -> Session:
    derivation = document["derivation"]
    baseline = derivation["baseline_s"]
    values = {name: document[name] for name in Session.__dataclass_fields__}
    return Session(
        **{
            **values,
            "labels": _texts(document["labels"]),
            "command": _texts(document["command"]),
            "files": _texts(document["files"]),
            "max_gap_s": float(document["max_gap_s"]),
            "videos": tuple(_video(entry) for entry in document["videos"]),
            "derivation": Derivation(
                float(derivation["bin_s"]),
                None if baseline is None else (float(baseline[0]), float(baseline[1])),
                {
                    (str(row["video"]), int(row["id"])): str(row["person"])
                    for row in derivation["persons"]
                },
            ),
        }
    )


def _video(entry: Mapping[str, Any]) -> SessionVideo:
    gaps = tuple((float(begin), float(end)) for begin, end in entry["gaps"])
    return SessionVideo(**{**entry, "gaps": gaps})


def _texts(values: Sequence[Any]) -> tuple[str, ...]:
    if not all(isinstance(value, str) for value in values):
        raise TypeError
    return tuple(values)
