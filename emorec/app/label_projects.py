"""The open label projects of the app.

Of each face an image with its surroundings is kept in a folder of the project, and of a video the
frames with faces, until the project is closed; the labels are stored.
"""

import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path

from emorec.app.label_choices import checked_labels
from emorec.app.label_project import RUNNING, LabelProject
from emorec.app.label_store import ChosenFile, LabelStore
from emorec.app.limits import AppLimits, busy
from emorec.app.responses import RequestError
from emorec.inference.recognizer import EmotionRecognizer


class LabelProjects:
    """The open projects of a running app.

    Args:
        folder: Folder of their folders.
        limits: The limits.
        store: Keeps the labels.
    """

    def __init__(self, folder: Path, limits: AppLimits, store: LabelStore) -> None:
        self._folder = folder
        self._limits = limits
        self._store = store
        self._projects: dict[str, LabelProject] = {}

    def open(
        self,
        name: str,
        files: Sequence[ChosenFile],
        is_video: bool,
        recognizer: EmotionRecognizer,
        labels: Sequence[str] | None = None,
    ) -> LabelProject:
        """Open a project, with the labels stored for its files.

        The same files cannot be open twice, as each would overwrite the labels of the other: an
        earlier project of them is closed.

        Args:
            name: Name of the folder or of the video, cleaned.
            files: The chosen files; one for a video.
            is_video: The file is a video.
            recognizer: Detects and classifies the faces.
            labels: The labels to choose from; None uses the stored ones, or those of the model.

        Raises:
            ConfigError: The labels are wrong, or one is missing that stored faces have.
            DataError: The stored labels are damaged.
            RequestError: Too many projects are open.
        """
        for other in list(self._projects.values()):
            if sorted(other.files) == sorted(files):
                self.close(other.id)
        if len(self._projects) >= self._limits.project_count:
            raise busy(f"{len(self._projects)} folders are open to be labelled; close one of them")
        stored = self._store.open(files)
        if labels is None:
            labels = stored.labels if stored else recognizer.labels
        id_ = secrets.token_urlsafe(16)
        folder = self._folder / id_
        project = LabelProject(
            id_,
            name,
            files,
            is_video,
            recognizer,
            folder,
            self._store,
            checked_labels(labels),
            self._limits.face_count,
        )
        if stored is not None:
            project.restore(stored.faces)
            project.set_labels(labels)
        folder.mkdir(mode=0o700)
        self._projects[id_] = project
        return project

    def get(self, id_: str) -> LabelProject:
        """Return an open project.

        Raises:
            RequestError: There is none of this id.
        """
        if id_ not in self._projects:
            raise RequestError(
                404, "not_found", "these photos are not open; another page may have opened them"
            )
        return self._projects[id_]

    def close(self, id_: str) -> None:
        """Close a project and remove its images; the stored labels stay.

        Raises:
            RequestError: There is none of this id.
        """
        project = self.get(id_)
        del self._projects[id_]
        project.cancelled.set()
        if project.state != RUNNING:
            remove_folder(project)

    def close_all(self) -> None:
        """End the work on all projects."""
        for project in self._projects.values():
            project.cancelled.set()


def remove_folder(project: LabelProject) -> None:
    """Remove the folder of a project."""
    shutil.rmtree(project.folder, ignore_errors=True)
