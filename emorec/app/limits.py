"""Limits of the app: sizes of uploads, numbers of files, parallel work."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from emorec import images
from emorec.app.responses import RequestError
from emorec.threads import default_threads

_SMALL_BYTES = 64 * 2**10
"""Largest body of a request that sends neither images nor a video."""

_LIST_BYTES = 4 * 2**20
"""Largest list of chosen photos: 5,000 paths of over 800 bytes."""


@dataclass(frozen=True)
class AppLimits:
    """What a client may send.

    Attributes:
        image_bytes: Size of one image file.
        images_bytes: Size of a request with several images.
        image_count: Number of images in a request.
        video_bytes: Size of a video file.
        video_s: Seconds of a video that are processed; the rest is left out.
        session_count: Sessions that are kept at a time.
        project_count: Choices of photos or videos that are open to be labelled at a time.
        photo_count: Photos of one of them.
        face_count: Faces of one of them.
        labelled_frames: Frames of a video that are looked at to be labelled.
        camera_count: Cameras at a time.
        frame_bytes: Size of a camera frame.
        frame_pixels: Pixels of a camera frame.
        working: Requests whose images are processed at a time.
        waiting: Requests that wait for their turn; more are refused.
        idle_s: Seconds without data after which an upload or a camera is ended.
        connection_s: Seconds without a request after which a connection is closed.
    """

    image_bytes: int = images.MAX_FILE_BYTES
    images_bytes: int = 2**30
    image_count: int = 500
    video_bytes: int = 4 * 2**30
    video_s: float = 4 * 3600.0
    session_count: int = 50
    project_count: int = 4
    photo_count: int = 5000
    face_count: int = 20_000
    labelled_frames: int = 200
    camera_count: int = 4
    frame_bytes: int = 4 * 2**20
    frame_pixels: int = 2**23
    working: int = default_threads()
    waiting: int = 64
    idle_s: float = 60.0
    connection_s: int = 30


class BodyLimit:
    """Middleware that refuses bodies that are too large, announced or not, and idle uploads.

    Args:
        app: The application.
        limits: The limits.
    """

    def __init__(self, app: ASGIApp, limits: AppLimits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._most(scope)
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if not announced.isdigit() or int(announced) > most:
            await too_large(most).response()(scope, receive, send)
            return
        received = 0

        async def limited_receive() -> Message:
            nonlocal received
            # Only a body can be idle: once it is complete, the next message is the disconnection.
            complete = received < 0
            try:
                async with asyncio.timeout(None if complete else self._limits.idle_s):
                    message = await receive()
            except TimeoutError:
                raise RequestError(408, "idle", "the upload has stopped; send it again") from None
            if message["type"] == "http.request" and not complete:
                received += len(message.get("body", b""))
                if received > most:
                    raise too_large(most)
                if not message.get("more_body", False):
                    received = -1
            return message

        await self._app(scope, limited_receive, send)

    def _most(self, scope: Scope) -> int:
        if scope["path"].endswith("/videos"):
            return self._limits.video_bytes
        if scope["path"].endswith("/recognize"):
            several = dict(scope["headers"]).get(b"content-type", b"").startswith(b"multipart/")
            return self._limits.images_bytes if several else self._limits.image_bytes
        if scope["path"].endswith(("/explain", "/photos")):
            return self._limits.image_bytes
        return _LIST_BYTES if scope["path"].endswith("/projects") else _SMALL_BYTES


def too_large(most_bytes: int) -> RequestError:
    """Return the error of a body or file beyond a limit."""
    size = f"{most_bytes // 2**20} MiB" if most_bytes >= 2**20 else f"{most_bytes // 2**10} KiB"
    return RequestError(413, "too_large", f"the upload is too large; the limit is {size}")


class WorkSlots:
    """Bounds the requests that are processed at a time, and those that wait.

    Args:
        working: Requests at a time.
        waiting: Requests that may wait.
    """

    def __init__(self, working: int, waiting: int) -> None:
        self._slots = asyncio.Semaphore(working)
        self._waiting = 0
        self._most_waiting = waiting

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """Wait for a free slot and hold it.

        Raises:
            RequestError: Too many requests wait already.
        """
        if self._waiting >= self._most_waiting and self._slots.locked():
            raise busy("too many images are being processed")
        self._waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._slots.release()


def busy(reason: str) -> RequestError:
    """Return the error of a request that should be sent again later."""
    return RequestError(503, "busy", f"{reason}; try again in a moment", {"Retry-After": "2"})
