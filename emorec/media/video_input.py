"""Opening of video files, cameras and network streams with OpenCV."""

import os
import sys
from contextlib import suppress
from pathlib import Path

import cv2

from emorec.errors import DataError
from emorec.media.addresses import is_camera, is_url, shown_name
from emorec.media.containers import Container, TrackFilter, read_container
from emorec.media.native_paths import native_path
from emorec.media.video_tracks import VideoTrack

OPEN_TIMEOUT_S = 10
READ_TIMEOUT_S = 10
"""Seconds for a server to answer, and to send the next frame."""


class VideoInput:
    """A source that can be opened several times.

    Args:
        source: As for `VideoReader`.

    Attributes:
        name: Name of the source in messages.
        is_url: The source is the address of a network stream.
        is_file: The source is a file.
        container: What the container of a file states.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self.name = shown_name(source)
        self.is_url = is_url(source)
        self.is_file = not self.is_url and not is_camera(source)
        self.container = Container()
        self._streams: list[TrackFilter] = []
        self._hidden: list[VideoTrack] = []
        if self.is_file:
            with suppress(OSError), Path(source).open("rb") as file:
                self.container = read_container(file)
            self._hidden = self._other_tracks()

    def _other_tracks(self) -> list[VideoTrack]:
        """Return all tracks but the largest that has more than one frame: others are covers."""
        by_size = sorted(self.container.tracks, key=lambda track: track.pixels, reverse=True)
        for track in by_size if len(by_size) > 1 else ():
            self._hidden = [other for other in by_size if other is not track]
            with suppress(DataError):
                capture = self.open()
                several = grab(capture) and grab(capture)
                capture.release()
                if several:
                    return self._hidden
        return []

    def open(self) -> cv2.VideoCapture:
        """Open the source.

        Raises:
            DataError: It cannot be opened.
        """
        if is_camera(self._source):
            number = int(self._source)
            return self._opened(number, cv2.CAP_ANY, [], _camera_question(number))
        # Other backends read a file name as a pattern, or a file as a list of images.
        ffmpeg = cv2.videoio_registry.hasBackend(cv2.CAP_FFMPEG)
        backend = cv2.CAP_FFMPEG if ffmpeg else cv2.CAP_ANY
        waits = {
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC: OPEN_TIMEOUT_S * 1000,
            cv2.CAP_PROP_READ_TIMEOUT_MSEC: READ_TIMEOUT_S * 1000,
        }
        options = [value for pair in waits.items() for value in pair] if ffmpeg else []
        if self.is_url:
            question = f"does it answer within {OPEN_TIMEOUT_S} s?"
            try:
                return self._opened(self._source, backend, options, question)
            except DataError as error:
                if self._source.lower().startswith("http"):
                    from emorec.media.http_address import refusal  # slow to import

                    raise DataError(refusal(self._source) or str(error)) from error
                raise
        path = Path(self._source)
        question = "is it damaged or of another type?"
        if backend in cv2.videoio_registry.getStreamBufferedBackends():
            try:
                stream = TrackFilter(path.open("rb"), self._hidden)
            except OSError as error:
                raise DataError(f"{path}: {error.strerror or error}") from error
            # OpenCV drops its reference without holding the GIL: it must not be the last one.
            self._streams.append(stream)
            return self._opened(stream, backend, options, question)
        # An absolute path, as FFmpeg reads "concat:a|b" as a protocol.
        with native_path(path.absolute()) as name:
            return self._opened(name, backend, options, question)

    def _opened(
        self, target: str | int | TrackFilter, backend: int, options: list[int], question: str
    ) -> cv2.VideoCapture:
        what = "the camera" if isinstance(target, int) else "the video"
        try:
            capture = cv2.VideoCapture(target, backend, options)  # type: ignore[arg-type]
        except cv2.error as error:
            raise DataError(f"{self.name}: {what} cannot be opened ({error.err})") from error
        if not capture.isOpened():
            raise DataError(f"{self.name}: {what} cannot be opened; {question}")
        return capture


def _camera_question(number: int) -> str:
    """Return what may keep a camera from being opened."""
    device = f"/dev/video{number}"
    if os.path.exists(device) and not os.access(device, os.R_OK | os.W_OK):  # noqa: PTH110
        return f"no permission for {device}; add your user to the group video"
    question = "is it connected and not in use?"
    if sys.platform in ("darwin", "win32"):
        return f"{question} May this program use it, by the privacy settings of the system?"
    return question


def check_file(path: Path) -> None:
    """Check that a video file can be read.

    Raises:
        DataError: It cannot.
    """
    try:
        if not path.exists():
            raise DataError(f"{path}: no such file")
        if not path.is_file():
            raise DataError(f"{path}: not a regular file")
        if path.stat().st_size == 0:
            raise DataError(f"{path}: the file is empty (0 bytes)")
        with path.open("rb"):
            pass
    except OSError as error:
        raise DataError(f"{path}: {os.strerror(error.errno or 0)}") from error


def grab(capture: cv2.VideoCapture) -> bool:
    """Decode the next frame; report whether there is one.

    Raises:
        MemoryError: Decoding needs more memory than the process may take.
    """
    try:
        return capture.grab()
    except cv2.error as error:
        raise_memory_error(error)
        return False


def raise_memory_error(error: cv2.error) -> None:
    """Raise a MemoryError if an error of OpenCV means that memory is lacking."""
    if error.code == cv2.Error.STS_NO_MEM:
        raise MemoryError from error
