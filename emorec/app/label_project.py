"""A label project: the faces of chosen photos or of a video, which are labelled one by one."""

import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emorec.app.label_choices import checked_labels, most_labels
from emorec.app.label_store import ChosenFile, FaceLabels, LabelStore, StoredLabels
from emorec.app.project_faces import ProjectFace, cut_with_surroundings
from emorec.app.responses import RequestError
from emorec.errors import ConfigError
from emorec.frames import Frame
from emorec.images import write_image
from emorec.inference.recognizer import EmotionRecognizer
from emorec.short_repr import short_repr
from emorec.types import Box, FaceEmotion

_SAME_FACE = 0.5
"""Least intersection over union of the boxes of a face that is found again."""

WAITING, RUNNING, DONE, FAILED = "waiting", "running", "done", "failed"
"""States: a video is waited for, read, and read to its end or not; photos are always done."""


@dataclass
class LabelProject:
    """The faces of chosen photos or of a video, and their labels.

    Attributes:
        id: Name in addresses, which nobody can guess.
        name: Name of the chosen folder or of the video, cleaned.
        files: The chosen files; one for a video.
        is_video: The file is a video.
        recognizer: Detects and classifies the faces.
        folder: Folder of its images.
        store: Keeps the labels.
        labels: The labels to choose from.
        most_faces: Largest number of faces.
        faces: The faces so far.
        state: One of the states above.
        error: Why the video failed, or what of it could not be read.
        frames: Number of frames of the video so far.
        expected: Number of frames to look at; None if the video does not say so.
        seconds_left: Estimate of the time until all are read; None if it is not known.
        cancelled: Set to end the work early.
    """

    id: str
    name: str
    files: Sequence[ChosenFile]
    is_video: bool
    recognizer: EmotionRecognizer
    folder: Path
    store: LabelStore
    labels: tuple[str, ...]
    most_faces: int
    faces: list[ProjectFace] = field(default_factory=list)
    state: str = field(init=False)
    error: str | None = None
    frames: int = 0
    expected: int | None = None
    seconds_left: float | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)
    _earlier: defaultdict[str, list[FaceLabels]] = field(default_factory=lambda: defaultdict(list))
    _read: set[str] = field(default_factory=set)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.state = WAITING if self.is_video else DONE

    def restore(self, faces: Sequence[FaceLabels]) -> None:
        """Remember stored labels of faces, which get them when they are found again."""
        for face in faces:
            self._earlier[face.path].append(face)

    def add(self, path: str, frame: Frame, faces: Sequence[FaceEmotion]) -> list[ProjectFace]:
        """Add the faces of an image, with the labels that they had before.

        Args:
            path: The image, as the list of labels names it.
            frame: Its pixels.
            faces: Its faces, boxes in pixels of the full image.

        Raises:
            DataError: The images of the faces cannot be written.
            RequestError: The image was added before, or there are too many faces.
        """
        cut = [cut_with_surroundings(frame, face.box) for face in faces]
        with self._lock:
            if path in self._read:
                raise RequestError(409, "exists", f"{path}: the image was sent before")
            if len(self.faces) + len(faces) > self.most_faces:
                raise RequestError(
                    413,
                    "too_large",
                    f"there are over {self.most_faces:,} faces; choose fewer photos",
                )
            self._read.add(path)
            added = []
            for (image, view), face in zip(cut, faces, strict=True):
                number = len(self.faces)
                write_image(self._image(number), image)
                new = ProjectFace(number, path, face.box, face.prediction, view)
                new.landmarks = face.landmarks
                if earlier := self._found_again(path, face.box):
                    new.labels, new.skipped = earlier.labels, not earlier.labels
                self.faces.append(new)
                added.append(new)
            return added

    def _image(self, number: int) -> Path:
        return self.folder / f"face-{number}.jpg"

    def _found_again(self, path: str, box: Box) -> FaceLabels | None:
        known = self._earlier[path]
        best = max(known, key=lambda face: face.box.iou(box), default=None)
        if best is None or best.box.iou(box) < _SAME_FACE:
            return None
        known.remove(best)
        return best

    def require_waiting(self) -> None:
        """Check that the project waits for its video.

        Raises:
            RequestError: It is of photos, or has its video.
        """
        if self.state != WAITING:
            raise RequestError(409, "exists", "the project is of photos, or has its video already")

    def require_chosen(self, path: str) -> None:
        """Check that a photo is one of those chosen.

        Raises:
            ConfigError: It is not, or the project is of a video.
        """
        if self.is_video or path not in dict(self.files):
            raise ConfigError(f"{short_repr(path)} is none of the chosen photos")

    def face(self, number: int) -> ProjectFace:
        """Return a face.

        Raises:
            RequestError: There is no such face.
        """
        if not 0 <= number < len(self.faces):
            raise RequestError(404, "not_found", f"there is no face {number}")
        return self.faces[number]

    def image(self, number: int) -> Path:
        """Return the JPEG file of a face with its surroundings.

        Raises:
            RequestError: There is no such face.
        """
        return self._image(self.face(number).number)

    def set_face(self, number: int, labels: Sequence[str], skipped: bool) -> ProjectFace:
        """Label a face, skip it or remove its labels, and store that.

        Args:
            number: Its number.
            labels: Its labels; several for emotions only.
            skipped: It is no face, or not to be used; it has no labels then.

        Raises:
            ConfigError: A label is unknown or there are too many.
            DataError: The labels cannot be stored.
            RequestError: There is no such face.
        """
        with self._lock:
            face = self.face(number)
            if unknown := set(labels) - set(self.labels):
                known = ", ".join(self.labels)
                raise ConfigError(f"unknown label {short_repr(min(unknown))}; known: {known}")
            most = most_labels(self.labels)
            if len(labels) > most or len(set(labels)) < len(labels) or (skipped and labels):
                raise ConfigError(
                    f"a face has up to {most} different labels, and none if it is skipped; "
                    f"received {len(labels)}"
                )
            before = face.labels, face.skipped
            face.labels, face.skipped = tuple(labels), skipped
            try:
                self._save()
            except BaseException:
                face.labels, face.skipped = before
                raise
            return face

    def set_labels(self, labels: Sequence[str]) -> None:
        """Replace the labels to choose from, and store them.

        Raises:
            ConfigError: A label is wrong, or one is missing that faces have.
            DataError: The labels cannot be stored.
        """
        with self._lock:
            names = checked_labels(labels)
            marked = self._marked()
            used = {label for face in marked for label in face.labels}
            if missing := used - set(names):
                raise ConfigError(
                    f"faces have the label {min(missing)!r}: keep it among the labels, or go on "
                    "with the earlier labels and label these faces again first"
                )
            if any(len(face.labels) > most_labels(names) for face in marked):
                raise ConfigError(
                    "faces have several labels, which only emotions can be; label them again first"
                )
            self.labels = names
            self._save()

    def forget(self) -> None:
        """Delete the stored labels, and those of the faces.

        Raises:
            DataError: They cannot be deleted.
        """
        with self._lock:
            self.store.delete(self.files)
            self._earlier.clear()
            for face in self.faces:
                face.labels, face.skipped = (), False

    def _marked(self) -> list[FaceLabels]:
        """Return all faces with labels or skipped, those too whose photos are not sent yet."""
        now = [
            FaceLabels(face.path, face.box, face.labels)
            for face in self.faces
            if face.labels or face.skipped
        ]
        return now + [face for faces in self._earlier.values() for face in faces]

    def _save(self) -> None:
        marked = tuple(self._marked())
        if not marked:
            self.store.delete(self.files)
            return
        self.store.save(StoredLabels(tuple(self.files), self.labels, marked))

    def describe(self, first: int = 0) -> dict[str, Any]:
        """Return the project for clients, with the faces from a number on."""
        return {
            "id": self.id,
            "kind": "video" if self.is_video else "photos",
            "name": self.name,
            "state": self.state,
            "error": self.error,
            "frames": self.frames,
            "expected": self.expected,
            "seconds_left": self.seconds_left,
            "labels": list(self.labels),
            "most_labels": most_labels(self.labels),
            "faces": [face.describe() for face in self.faces[first:]],
        }
