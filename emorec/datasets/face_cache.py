"""Keeps the faces detected in images, so that no image is searched twice, in the user's cache.

A file holds the results of one detector with its default options, one image a line: the hash of
the image file's content and its faces. Lines are appended while a run goes on, so that a killed run
keeps them. Damaged lines are ignored.
"""

import hashlib
import json
import logging
import math
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, cast

import cv2

from emorec import __version__, resources
from emorec.atomic_files import write_bytes
from emorec.errors import DataError
from emorec.types import Box, Face, Landmarks

_log = logging.getLogger(__name__)

SCHEMA_VERSION = "1"
"""Part of the name of the file: change it when detectors or the decoding change."""

FOLDER = "faces"

MAX_BYTES = 64 * 2**20
"""Size of a file above which its older half is dropped; a face takes about 300 bytes."""

_KEY_BYTES = 32


class FaceCache:
    """The faces that a detector has found in images; several threads may use it.

    Use it in a `with` block, which closes the file. A cache that cannot be read or written is
    empty, with a warning.

    Args:
        detector: Name of the detector, which has its default options.
    """

    def __init__(self, detector: str) -> None:
        settings = f"{SCHEMA_VERSION} {__version__} {cv2.__version__} {detector}"
        name = hashlib.sha256(settings.encode()).hexdigest()[:_KEY_BYTES]
        self._lines: dict[bytes, bytes] = {}
        self._stream: BinaryIO | None = None
        try:
            folder = resources.cache_folder() / FOLDER
            folder.mkdir(parents=True, exist_ok=True)
            self._open(folder / f"{name}.txt")
        except (OSError, DataError) as error:
            _log.warning(
                "the cache of detected faces cannot be used (%s), so an interrupted run begins "
                "again; set EMOREC_CACHE to another folder",
                error,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._stream is not None:
            with suppress(OSError):
                self._stream.close()
            self._stream = None

    @staticmethod
    def key(data: bytes) -> bytes:
        """Return the key of an image by the content of its file."""
        return hashlib.blake2b(data, digest_size=_KEY_BYTES // 2).hexdigest().encode()

    def find(self, key: bytes) -> list[Face] | None:
        """Return the faces of an image; None if it was not searched, or its line is damaged."""
        line = self._lines.get(key)
        if line is None:
            return None
        try:
            rows = json.loads(line)
            return [_face(values) for values in rows] if isinstance(rows, list) else None
        except (ValueError, TypeError, RecursionError):
            return None

    def add(self, key: bytes, faces: list[Face]) -> None:
        """Keep the faces of an image."""
        if self._stream is None:
            return
        line = json.dumps([_values(face) for face in faces], separators=(",", ":")).encode()
        self._lines[key] = line
        # One write of a whole line: threads, and other processes, append theirs between.
        with suppress(OSError):
            self._stream.write(b"%b %b\n" % (key, line))

    def _open(self, file: Path) -> None:
        data = file.read_bytes() if file.exists() else b""
        if len(data) > MAX_BYTES:
            data = data[-MAX_BYTES // 2 :].partition(b"\n")[2]
            write_bytes(file, data)
        for entry in data.split(b"\n"):
            key, _, line = entry.partition(b" ")
            if len(key) == _KEY_BYTES:
                self._lines[key] = line
        self._stream = file.open("ab", buffering=0)
        if data and not data.endswith(b"\n"):  # the last line was not written whole
            self._stream.write(b"\n")


def _values(face: Face) -> list[object]:
    box, points = face.box, None
    if face.landmarks is not None:
        points = [value for point in face.landmarks.points.values() for value in point]
    return [[box.x, box.y, box.width, box.height], face.detector, face.score, points]


def _face(values: object) -> Face:
    """Convert what `_values` returned back.

    Raises:
        ValueError, TypeError: It is something else.
    """
    box, detector, score, points = cast(tuple[Any, Any, Any, Any], values)
    if not all(type(value) is int for value in box) or not isinstance(detector, str):
        raise ValueError("not a face")
    if not all(math.isfinite(value) for value in (score, *(points or ()))):
        raise ValueError("not a face")
    landmarks = None
    if points is not None:
        landmarks = Landmarks(*zip(points[::2], points[1::2], strict=True))
    return Face(Box(*box), detector, float(score), landmarks)
