"""Labels of faces that the app keeps in emorec's cache: names, sizes, boxes and labels, no pixels.

A file holds the labels of one choice of photos, or of one video. Its name is a hash of the names
and sizes of the chosen files, so that the same choice finds its labels again.
"""

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from emorec.atomic_files import is_partial, write_bytes
from emorec.errors import DataError
from emorec.resources import cache_folder
from emorec.types import Box

_log = logging.getLogger(__name__)

SCHEMA_VERSION = 1

_MAX_BYTES = 64 * 2**20

ChosenFile = tuple[str, int]
"""Relative path with forward slashes, and size in bytes."""


@dataclass(frozen=True)
class FaceLabels:
    """The labels of a face.

    Attributes:
        path: The image, as the list of labels names it.
        box: The face, in pixels of the upright image.
        labels: Its labels; empty for a face that is skipped.
    """

    path: str
    box: Box
    labels: tuple[str, ...]


@dataclass(frozen=True)
class StoredLabels:
    """What is kept of a project.

    Attributes:
        files: The chosen files.
        labels: The labels to choose from.
        faces: The faces with a label, and those that are skipped.
    """

    files: tuple[ChosenFile, ...]
    labels: tuple[str, ...]
    faces: tuple[FaceLabels, ...] = ()


def labels_folder() -> Path:
    """Return the folder of the stored labels in emorec's cache."""
    return cache_folder() / "labels"


class LabelStore:
    """The stored labels of all projects.

    Args:
        folder: Folder of the files; created with the first one, for this user alone.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self, files: Sequence[ChosenFile]) -> StoredLabels | None:
        """Return the labels of the chosen files; None if there are none.

        Without labels of exactly these files, those of the most similar choice are moved to them,
        such as of the same folder before a photo was added: at least half of the files of each must
        be in both. Labels of files that have another size now are dropped then.

        Raises:
            DataError: The labels of these files are damaged, or a file cannot be written.
        """
        exact = self._file(files)
        if exact.exists():
            return _read(exact)
        similar = self._most_similar(files)
        if similar is None:
            return None
        sizes = dict(files)
        changed = {path for path, size in similar.files if sizes.get(path, size) != size}
        faces = tuple(face for face in similar.faces if face.path not in changed)
        moved = StoredLabels(tuple(files), similar.labels, faces)
        self.save(moved)
        self.delete(similar.files)
        return moved

    def _most_similar(self, files: Sequence[ChosenFile]) -> StoredLabels | None:
        known = set(files)
        best, most = None, 0
        for path in sorted(self._folder.glob("*.json")):
            if is_partial(path.name):  # such as of another tab, at this moment
                continue
            try:
                stored = _read(path)
            except DataError as error:  # it belongs to other photos
                _log.warning("%s", error)
                continue
            common = len(known.intersection(stored.files))
            if common > most and 2 * common >= max(len(known), len(stored.files)):
                best, most = stored, common
        return best

    def save(self, stored: StoredLabels) -> None:
        """Write the labels of a project atomically.

        Raises:
            DataError: The file cannot be written.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            reason = error.strerror or error
            raise DataError(f"{self._folder}: cannot create: {reason}") from error
        content = {"schema_version": SCHEMA_VERSION, **asdict(stored)}
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        write_bytes(self._file(stored.files), text.encode())

    def delete(self, files: Sequence[ChosenFile]) -> None:
        """Delete the labels of the chosen files.

        Raises:
            DataError: The file cannot be deleted.
        """
        path = self._file(files)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise DataError(f"{path}: cannot delete: {error.strerror or error}") from error

    def _file(self, files: Sequence[ChosenFile]) -> Path:
        text = json.dumps(sorted(files), ensure_ascii=False)
        return self._folder / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.json"


def _read(path: Path) -> StoredLabels:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError(f"larger than {_MAX_BYTES // 2**20} MiB")
        return _parse(json.loads(path.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(
            f"{path}: not labels that this version of emorec wrote ({error}); move the file away"
        ) from error


def _parse(content: dict[str, Any]) -> StoredLabels:
    """Convert the content of a file.

    Raises:
        ValueError, KeyError, TypeError: It is no such content.
    """
    if content["schema_version"] != SCHEMA_VERSION:
        raise ValueError(f"schema version {content['schema_version']!r:.20}")
    files = tuple((str(path), int(size)) for path, size in content["files"])
    faces = tuple(
        FaceLabels(
            str(face["path"]),
            Box(*(int(face["box"][name]) for name in ("x", "y", "width", "height"))),
            tuple(map(str, face["labels"])),
        )
        for face in content["faces"]
    )
    return StoredLabels(files, tuple(map(str, content["labels"])), faces)
