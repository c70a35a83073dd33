"""Encoders of videos: H.264 by another program, MPEG-4 and Motion JPEG by OpenCV."""

import contextlib
import signal
import subprocess
import tempfile
from typing import IO, Protocol, cast

import cv2
import numpy as np

from emorec.child_process import Watchdog, own_group
from emorec.images import Image
from emorec.media.video_programs import RawVideo

FOURCC = {".avi": "MJPG", ".m4v": "mp4v", ".mkv": "mp4v", ".mov": "mp4v", ".mp4": "mp4v"}
"""OpenCV's codec by file suffix; every build of OpenCV can write these."""

_FRAME_TIMEOUT_S = 60.0
_FINISH_TIMEOUT_S = 1800.0
"""Longest time for the last frames and for moving the index to the beginning of a large file."""
_END_TIMEOUT_S = 5.0

_EMPTY_MESSAGES = ("Conversion failed!",)


class EncoderError(Exception):
    """An encoder failed; the message is the reason."""


class VideoEncoder(Protocol):
    """Encodes the frames of one video; it must be finished or aborted."""

    def write(self, image_bgr: Image) -> None:
        """Encode a frame.

        Raises:
            EncoderError: It cannot be encoded or written.
        """
        ...

    def finish(self) -> None:
        """Complete the file.

        Raises:
            EncoderError: It cannot be completed.
        """
        ...

    def abort(self) -> None:
        """End the encoder; the file may be incomplete."""
        ...


class OpenCvEncoder:
    """Encodes with OpenCV, which does not report failed writes.

    Args:
        name: File to write.
        suffix: Its suffix, of `FOURCC`.
        video: Size and rate of the frames.

    Raises:
        EncoderError: The file cannot be opened.
    """

    def __init__(self, name: str, suffix: str, video: RawVideo) -> None:
        code = cv2.VideoWriter.fourcc(*FOURCC[suffix])
        self._writer = cv2.VideoWriter(name, code, video.fps, video.size_wh)
        if not self._writer.isOpened():
            width, height = video.size_wh
            reason = f"OpenCV cannot write {width}x{height} pixels at {video.fps:g} frames/s there"
            raise EncoderError(reason)

    def write(self, image_bgr: Image) -> None:
        """Encode a frame; see `VideoEncoder.write`."""
        try:
            self._writer.write(image_bgr)
        except cv2.error as error:
            raise EncoderError(f"the codec failed ({error.err})") from error

    def finish(self) -> None:
        """Complete the file."""
        self._writer.release()

    abort = finish


class ProgramEncoder:
    """Encodes with another program, which receives the pixels on its standard input.

    A program that takes no frame for a minute is ended. Ctrl-C in a terminal does not reach it.

    Args:
        command: The command; if it fails, it prints the reason on standard error.
        name: Name of the program, for messages.

    Raises:
        EncoderError: The program cannot be started.
    """

    def __init__(self, command: list[str], name: str) -> None:
        self._name = name
        try:
            # A pipe that nobody reads would fill up. `abort` closes the file.
            self._messages = tempfile.TemporaryFile()  # noqa: SIM115
            self._process = subprocess.Popen(
                command,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=self._messages,
                **own_group(),
            )
        except OSError as error:
            raise EncoderError(f"{name} cannot be started ({error.strerror or error})") from error
        self._watchdog = Watchdog(self._process, _FRAME_TIMEOUT_S)

    def write(self, image_bgr: Image) -> None:
        """Encode a frame; see `VideoEncoder.write`."""
        pixels = np.ascontiguousarray(image_bgr).data.cast("B")
        stream = cast(IO[bytes], self._process.stdin)
        try:
            with self._watchdog.waiting():
                while pixels:
                    pixels = pixels[stream.write(pixels) :]
        except OSError as error:
            self._wait(_END_TIMEOUT_S)
            raise self._error() from error

    def finish(self) -> None:
        """Complete the file; see `VideoEncoder.finish`."""
        with contextlib.suppress(OSError):  # it ended early, as its exit code says
            cast(IO[bytes], self._process.stdin).close()
        self._wait(_FINISH_TIMEOUT_S)
        if self._process.returncode:
            raise self._error()
        self.abort()

    def abort(self) -> None:
        """End the program; see `VideoEncoder.abort`."""
        self._watchdog.stopped.set()
        self._process.kill()
        with contextlib.suppress(OSError):
            cast(IO[bytes], self._process.stdin).close()
        self._process.wait()
        self._messages.close()

    def _wait(self, seconds: float) -> None:
        """Wait for the program; it is killed after that time."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._watchdog.expired = True
            self._process.kill()
            self._process.wait()

    def _error(self) -> EncoderError:
        """Explain why the program ended, and close what belongs to it."""
        self._messages.seek(0)
        reason = last_line(self._messages.read())
        code = self._process.returncode
        expired = self._watchdog.expired
        self.abort()
        if expired:
            return EncoderError(f"{self._name} did not answer and was ended")
        if code < 0:
            return EncoderError(f"{self._name} was ended by {_signal_name(-code)}")
        return EncoderError(f"{self._name} failed ({reason or f'exit code {code}'})")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def last_line(messages: bytes) -> str:
    """Return the last line of a program's messages that gives a reason; empty without one."""
    lines = (line.strip() for line in messages.decode(errors="replace").splitlines())
    return next((line for line in [*lines][::-1] if line and line not in _EMPTY_MESSAGES), "")
