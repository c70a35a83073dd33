"""The part of the REST interface with which faces are labelled; docs/app-api.md describes it."""

import json
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from emorec.app.file_names import clean_name
from emorec.app.label_list import LIST_NAME, list_folder, prepare_command, write_list
from emorec.app.label_project import LabelProject
from emorec.app.label_projects import LabelProjects
from emorec.app.label_store import ChosenFile, LabelStore, labels_folder
from emorec.app.label_video import LabelVideos
from emorec.app.limits import AppLimits, WorkSlots
from emorec.app.project_faces import ProjectFace
from emorec.app.recognizers import Recognizers, read_options
from emorec.app.responses import RequestError
from emorec.app.uploads import StoredFile, new_folder, send_once, store_body, store_images
from emorec.datasets.prepared_files import MAX_PATH
from emorec.datasets.readers.shared import is_listable
from emorec.errors import ConfigError, DataError
from emorec.file_kinds import is_heif_name, is_readable_image_name
from emorec.installation import install_command
from emorec.media.reading import read_frames
from emorec.media.sources import MediaSource
from emorec.short_repr import short_repr

_MOST_BYTES = 2**50
"""Largest size of a chosen file that is believed."""


class LabelApi:
    """The routes below /projects, and what they share.

    Args:
        recognizers: Makes the recognizers.
        folder: Temporary folder.
        limits: The limits.
        slots: Bounds the work of all requests.
    """

    def __init__(
        self, recognizers: Recognizers, folder: Path, limits: AppLimits, slots: WorkSlots
    ) -> None:
        self._recognizers = recognizers
        self._folder = folder
        self._limits = limits
        self._slots = slots
        self._projects = LabelProjects(folder, limits, LabelStore(labels_folder()))
        self._videos = LabelVideos(limits)

    def routes(self) -> list[BaseRoute]:
        """Return the routes."""
        one = "/projects/{id}"
        return [
            Route("/projects", self.open, methods=["POST"]),
            Route(one, self.project, methods=["GET"]),
            Route(one, self.close_project, methods=["DELETE"]),
            Route(f"{one}/photos", self.add_photo, methods=["POST"]),
            Route(f"{one}/videos", self.add_video, methods=["POST"]),
            Route(f"{one}/labels", self.set_labels, methods=["PUT"]),
            Route(f"{one}/labels", self.forget_labels, methods=["DELETE"]),
            Route(f"{one}/faces/{{number:int}}", self.set_face, methods=["PUT"]),
            Route(f"{one}/faces/{{number:int}}/image", self.face_image, methods=["GET"]),
            Route(f"{one}/download", self.download, methods=["GET"]),
        ]

    def close(self) -> None:
        """End all work."""
        self._projects.close_all()
        self._videos.close()

    def _get(self, request: Request) -> LabelProject:
        return self._projects.get(request.path_params["id"])

    async def open(self, request: Request) -> Response:
        """Open the project of chosen photos or of a video."""
        options = read_options(dict(request.query_params), ("blur",))
        content = await _read_object(request, ("name", "kind", "files", "labels"))
        kind = content.get("kind", "photos")
        if kind not in ("photos", "video"):
            raise ConfigError(f"kind must be photos or video; received {short_repr(kind)}")
        is_video = kind == "video"
        files = _read_files(content.get("files"), 1 if is_video else self._limits.photo_count)
        labels = None if content.get("labels") is None else _read_texts(content, "labels")
        name = clean_name(_text(content.get("name", ""), "name"), kind)
        refused = {} if is_video else _refused(files)
        chosen = [file for file in files if file[0] not in refused]
        if not chosen:
            reason = next(iter(refused.values()), "there are none")
            raise DataError(f"none of the {len(files):,} files can be labelled: {reason}")
        recognizer = await run_in_threadpool(self._recognizers.open, options)
        project = await run_in_threadpool(
            self._projects.open, name, chosen, is_video, recognizer, labels
        )
        described = _describe(project)
        location = {"Location": f"{request.url.path}/{project.id}"}
        return JSONResponse({**described, "refused": refused}, 201, location)

    async def project(self, request: Request) -> Response:
        """Describe a project, with its faces from the number `first` on."""
        first = request.query_params.get("first", "0")
        if not first.isdecimal() or len(first) > 9:
            raise ConfigError(f"first must be the number of a face, from 0; received {first!r:.50}")
        return JSONResponse(_describe(self._get(request), int(first)))

    async def close_project(self, request: Request) -> Response:
        """Close a project: its images are removed, its labels stay stored."""
        self._projects.close(request.path_params["id"])
        return Response(status_code=204)

    async def add_photo(self, request: Request) -> Response:
        """Find the faces of a photo; the photo itself is not kept."""
        project = self._get(request)
        path = request.query_params.get("path", "")
        project.require_chosen(path)
        with new_folder(self._folder) as folder:
            image, *others = await store_images(request, folder, self._limits)
            if others:
                raise ConfigError("send one photo at a time")
            async with self._slots.taken():
                faces = await run_in_threadpool(_find_faces, project, path, image)
        return JSONResponse({"faces": [face.describe() for face in faces]})

    async def add_video(self, request: Request) -> Response:
        """Store the video of a project and begin to find its faces."""
        project = self._get(request)
        project.require_waiting()
        with new_folder(self._folder) as folder:
            await store_body(request, folder / "upload")
            # It may have been closed, or got another upload meanwhile.
            self._get(request).require_waiting()
            path = (folder / "upload").replace(project.folder / "upload")
        self._videos.add(project, path)
        return JSONResponse(_describe(project), 202)

    async def set_labels(self, request: Request) -> Response:
        """Replace the labels to choose from."""
        project = self._get(request)
        labels = _read_texts(await _read_object(request, ("labels",)), "labels")
        await run_in_threadpool(project.set_labels, labels)
        return JSONResponse(_describe(project, len(project.faces)))

    async def forget_labels(self, request: Request) -> Response:
        """Delete the labels of all faces, the stored ones too."""
        await run_in_threadpool(self._get(request).forget)
        return Response(status_code=204)

    async def set_face(self, request: Request) -> Response:
        """Label a face, skip it, or remove its labels."""
        project = self._get(request)
        content = await _read_object(request, ("labels", "skipped"))
        skipped = content.get("skipped", False)
        if not isinstance(skipped, bool):
            raise ConfigError(f"skipped must be true or false; received {short_repr(skipped)}")
        labels = _read_texts(content, "labels")
        number = request.path_params["number"]
        face = await run_in_threadpool(project.set_face, number, labels, skipped)
        return JSONResponse(face.describe())

    async def face_image(self, request: Request) -> Response:
        """Return a face with its surroundings, as JPEG."""
        return FileResponse(self._get(request).image(request.path_params["number"]))

    async def download(self, request: Request) -> Response:
        """Return the list of labels; of a video, a zip file with its frames too."""
        project = self._get(request)
        with new_folder(self._folder) as folder:
            async with self._slots.taken():
                path = await run_in_threadpool(write_list, project, folder)
            if project.is_video:
                return send_once(
                    path, self._folder, f"{list_folder(project)}.zip", "application/zip"
                )
            return send_once(path, self._folder, LIST_NAME, "text/csv; charset=utf-8")


def _describe(project: LabelProject, first: int = 0) -> dict[str, Any]:
    return {**project.describe(first), "command": prepare_command(project)}


def _find_faces(project: LabelProject, path: str, image: StoredFile) -> list[ProjectFace]:
    """Add the faces of an uploaded photo to a project.

    Raises:
        DataError: The photo cannot be read.
        ModelError: The model fails.
        RequestError: It was added before, or there are too many faces.
    """
    try:
        frame = read_frames(MediaSource(str(image.path), image.path.name)).frames[0]
    except DataError as error:
        raise DataError(str(error).replace(str(image.path), path)) from error
    return project.add(path, frame, project.recognizer.recognize_frame(frame))


def _refused(files: list[ChosenFile]) -> dict[str, str]:
    """Return the paths that cannot be in a list of images, each with the reason."""
    reasons = {}
    for path, _ in files:
        if not is_listable(path) or len(path) > MAX_PATH:
            reasons[path] = (
                "no list of images can hold its path: it leads out of the folder, is too long, or "
                "has a backslash or a character that cannot be printed; rename it"
            )
        elif not is_readable_image_name(path):
            needs_extra = f"install the extra heic: {install_command('heic')}"
            reasons[path] = needs_extra if is_heif_name(path) else "not an image"
    return reasons


async def _read_object(request: Request, known: tuple[str, ...]) -> dict[str, Any]:
    """Read the JSON object in the body of a request.

    Raises:
        RequestError: The body is no JSON object, or has an unknown key.
    """
    try:
        content = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise RequestError(400, "form", f"the body is not JSON ({error})") from error
    if not isinstance(content, dict) or not set(content) <= set(known):
        raise RequestError(400, "form", f"the body must be a JSON object with {', '.join(known)}")
    return content


def _text(value: Any, name: str) -> str:
    """Return a value that must be a text of which UTF-8 can be made.

    Raises:
        ConfigError: It is something else.
    """
    if not isinstance(value, str) or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise ConfigError(f"{name} must be text; received {short_repr(value)}")
    return value


def _read_texts(content: dict[str, Any], name: str) -> list[str]:
    """Return a value that must be a list of texts.

    Raises:
        ConfigError: It is something else.
    """
    values = content.get(name)
    if not isinstance(values, list):
        raise ConfigError(f"{name} must be a list of texts; received {values!r:.50}")
    return [_text(value, name) for value in values]


def _read_files(value: Any, most: int) -> list[ChosenFile]:
    """Return the chosen files, each [path, size].

    Raises:
        ConfigError: It is no such list, or one of too many files, or a path is there twice.
    """
    if not isinstance(value, list) or not all(
        isinstance(pair, list) and len(pair) == 2 and type(pair[1]) is int for pair in value
    ):
        raise ConfigError("files must be a list of [path, size in bytes]")
    if not 1 <= len(value) <= most:
        raise ConfigError(f"choose 1 to {most:,} files; received {len(value):,}")
    files = [(_text(path, "a path"), size) for path, size in value]
    if not all(0 <= size <= _MOST_BYTES for _, size in files):
        raise ConfigError("the size of a file must be its number of bytes")
    if len({path for path, _ in files}) < len(files):
        raise ConfigError("a path is there twice")
    return files
