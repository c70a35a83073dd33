"""Receives files and sends them; they are stored under names of the app's own."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse

from emorec.app.file_names import clean_name
from emorec.app.limits import AppLimits, too_large
from emorec.app.responses import RequestError


@dataclass(frozen=True)
class StoredFile:
    """An uploaded file.

    Attributes:
        path: Where it is stored.
        name: What the client calls it, cleaned; never a path.
    """

    path: Path
    name: str


@contextmanager
def new_folder(parent: Path) -> Iterator[Path]:
    """Create a folder with a name that nobody can guess; it is removed after the block."""
    folder = parent / secrets.token_hex(16)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def store_body(request: Request, path: Path) -> None:
    """Write the body of a request to a file, piece by piece.

    Raises:
        RequestError: It is empty, or the disk is full.
    """
    size = 0
    try:
        with path.open("xb") as file:
            async for piece in request.stream():
                size += len(piece)
                await run_in_threadpool(file.write, piece)
    except OSError as error:
        raise RequestError(507, "storage", f"cannot store the upload: {error.strerror}") from error
    if not size:
        raise RequestError(400, "empty", "the request has no body; send the bytes of the file")


async def store_images(request: Request, folder: Path, limits: AppLimits) -> list[StoredFile]:
    """Store the images of a request: its body, or each file of a multipart form.

    The query parameter `name` names the image of a body.

    Raises:
        RequestError: There is no image, too many of them, or one is too large.
    """
    if not request.headers.get("content-type", "").startswith("multipart/"):
        path = folder / "1"
        await store_body(request, path)
        return [StoredFile(path, clean_name(request.query_params.get("name"), "image"))]
    stored = []
    try:
        async with request.form(max_files=limits.image_count, max_fields=0) as form:
            for number, (_, part) in enumerate(form.multi_items(), 1):
                if not isinstance(part, UploadFile):
                    continue
                if (part.size or 0) > limits.image_bytes:
                    raise too_large(limits.image_bytes)
                path = folder / str(number)
                await run_in_threadpool(_copy, part, path)
                stored.append(StoredFile(path, clean_name(part.filename, f"image-{number}")))
    except HTTPException as error:
        raise RequestError(400, "form", f"not a valid form of images: {error.detail}") from error
    except OSError as error:
        raise RequestError(507, "storage", f"cannot store the upload: {error.strerror}") from error
    if not stored:
        raise RequestError(400, "empty", "the form has no file; add one with its name")
    return stored


def send_once(path: Path, folder: Path, name: str, media_type: str) -> FileResponse:
    """Send a file of a folder that is about to be removed, and remove it afterwards.

    Args:
        path: The file.
        folder: Folder that it is moved to.
        name: What the client gets to call it.
        media_type: Its content type; JSON is shown by browsers, and other files are saved.
    """
    kept = folder / f"{secrets.token_hex(16)}{path.suffix}"
    path.replace(kept)
    return FileResponse(
        kept,
        media_type=media_type,
        filename=name,
        content_disposition_type="inline" if media_type == "application/json" else "attachment",
        background=BackgroundTask(kept.unlink, missing_ok=True),
    )


def _copy(part: UploadFile, path: Path) -> None:
    with path.open("xb") as file:
        shutil.copyfileobj(part.file, file)
