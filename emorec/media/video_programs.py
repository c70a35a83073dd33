"""The programs that encode H.264 and copy sound: ffmpeg, or PyAV in a process of its own.

Both get raw frames through a pipe, so that a crash or a hang costs one video.
"""

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from emorec.child_process import own_group, python_command

H264_ENCODERS = ("libx264", "libopenh264")
"""Encoders of H.264 in FFmpeg's words, the preferred one first; all run on the processor."""

CONTAINERS = {
    ".avi": "avi",
    ".m4v": "mp4",
    ".mkv": "matroska",
    ".mov": "mov",
    ".mp4": "mp4",
}
"""FFmpeg's name of the container by file suffix."""

_COPIED_SOUND = {"mp4": ("aac", "mp3", "opus", "flac"), "mov": ("aac", "mp3")}
"""Sound that browsers play in a container; other sound becomes AAC there."""

_CRF = "20"
"""Constant quality of x264: 0 is lossless, 51 the worst, 23 its default."""
_KEYFRAME_S = 2.0
"""Time between two frames at which a player can start to seek, in seconds."""
_BITS_PER_PIXEL = 0.15
"""Bit rate of encoders without a constant quality."""

_PROBE_TIMEOUT_S = 20

_CHILD = "emorec.media.pyav_child"


@dataclass(frozen=True)
class RawVideo:
    """What an encoder receives: frames of packed BGR pixels, one after another.

    Attributes:
        size_wh: Width and height in pixels, both even.
        fps: Frames per second.
    """

    size_wh: tuple[int, int]
    fps: float


@dataclass(frozen=True)
class Sound:
    """The sound of a file that a video is to have.

    Attributes:
        video: The video, without sound.
        source: The file with the sound.
        begin_s: Time in the source at which the video begins, in seconds.
        seconds: Length of the video.
    """

    video: Path
    source: Path
    begin_s: float
    seconds: float

    @property
    def container(self) -> str:
        """FFmpeg's name of the container of the video."""
        return CONTAINERS[self.video.suffix.lower()]

    def must_encode(self, codecs: Sequence[str]) -> bool:
        """Return whether sound in these codecs must be encoded to be played in the container."""
        played = _COPIED_SOUND.get(self.container)
        return played is not None and not set(codecs) <= set(played)


class VideoProgram(Protocol):
    """A program that encodes videos.

    Attributes:
        name: Its name, for messages.
    """

    name: str

    def encoders(self) -> frozenset[str]:
        """Return the names of the encoders it has; empty if it does not run."""
        ...

    def encoding(self, encoder: str, video: RawVideo, target: Path) -> list[str]:
        """Return the command that encodes frames from standard input to a file."""
        ...

    def adding_sound(self, sound: Sound, target: Path) -> list[list[str]]:
        """Return the commands that copy a video with its sound; one is run if those before fail."""
        ...


class Ffmpeg:
    """An installed ffmpeg.

    Args:
        path: The program.
    """

    name = "ffmpeg"

    def __init__(self, path: str) -> None:
        self._path = path

    def encoders(self) -> frozenset[str]:
        """Return the names of its encoders; empty if it does not run."""
        text = _output_once(self._path, "-hide_banner", "-encoders")
        # Such as " V....D libx264   libx264 H.264 / AVC".
        return frozenset(re.findall(r"(?m)^ [VAS]\S{5} (\S+)", text))

    def encoding(self, encoder: str, video: RawVideo, target: Path) -> list[str]:
        """Return the command that encodes frames from standard input to a file."""
        width, height = video.size_wh
        command = [self._path, "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "bgr24"]
        command += ["-s", f"{width}x{height}", "-r", f"{video.fps:g}", "-i", "pipe:0"]
        command += ["-c:v", encoder, "-pix_fmt", "yuv420p"]
        for name, value in encoder_options(encoder, video).items():
            command += [f"-{name}:v", value]
        return [*command, *_output_arguments(target)]

    def adding_sound(self, sound: Sound, target: Path) -> list[list[str]]:
        """Return the commands that copy a video with its sound; one is run if those before fail."""
        command = [self._path, "-nostdin", "-v", "error", "-y", "-i", _address(sound.video)]
        command += ["-ss", f"{sound.begin_s:.3f}", "-i", _address(sound.source)]
        command += ["-map", "0:v:0", "-map", "1:a?", "-c:v", "copy", "-t", f"{sound.seconds:.3f}"]
        # Not the place and the time of the recording.
        command += ["-map_metadata", "-1", "-map_chapters", "-1"]
        encode = sound.must_encode(self._sound_codecs(sound.source))
        codecs = ["aac"] if encode else ["copy", "aac"]
        return [[*command, "-c:a", codec, *_output_arguments(target)] for codec in codecs]

    def _sound_codecs(self, source: Path) -> list[str]:
        command = [self._path, "-nostdin", "-hide_banner", "-i", _address(source)]
        # Such as "  Stream #0:1[0x2](und): Audio: aac (LC) (mp4a / 0x6134706D), 8000 Hz, mono".
        return re.findall(r"Stream #\S+ Audio: (\w+)", _output(command, stderr=True))


class PyAv:
    """The package PyAV, which brings FFmpeg's libraries, in a process of its own."""

    name = "PyAV"

    def encoders(self) -> frozenset[str]:
        """Return the names of its encoders; empty if it does not run."""
        return frozenset(_output_once(*python_command(f"{_CHILD}:print_encoders")).split())

    def encoding(self, encoder: str, video: RawVideo, target: Path) -> list[str]:
        """Return the command that encodes frames from standard input to a file."""
        width, height = video.size_wh
        options = [f"{name}={value}" for name, value in encoder_options(encoder, video).items()]
        container = CONTAINERS[target.suffix.lower()]
        return python_command(
            f"{_CHILD}:encode",
            *(_address(target), container, encoder, f"{width}", f"{height}", f"{video.fps:g}"),
            *options,
        )

    def adding_sound(self, sound: Sound, target: Path) -> list[list[str]]:
        """Return the commands that copy a video with its sound; one is run if those before fail."""
        played = _COPIED_SOUND.get(sound.container, ())
        files = (_address(sound.video), _address(sound.source), _address(target))
        times = (f"{sound.begin_s:.3f}", f"{sound.seconds:.3f}")
        return [python_command(f"{_CHILD}:copy_sound", *files, sound.container, *times, *played)]


@dataclass(frozen=True)
class H264:
    """A program with an encoder of H.264.

    Attributes:
        program: The program.
        encoder: Its encoder, of `H264_ENCODERS`.
    """

    program: VideoProgram
    encoder: str

    def command(self, video: RawVideo, target: Path) -> list[str]:
        """Return the command that encodes frames from standard input to a file."""
        return self.program.encoding(self.encoder, video, target)

    def __str__(self) -> str:
        return f"{self.encoder} of {self.program.name}"


def find_h264() -> H264 | None:
    """Find an encoder of H.264, of ffmpeg rather than of PyAV; None if there is none."""
    for program in installed_programs():
        available = program.encoders()
        for encoder in H264_ENCODERS:
            if encoder in available:
                return H264(program, encoder)
    return None


def encoder_options(encoder: str, video: RawVideo) -> dict[str, str]:
    """Return the options of an encoder, by FFmpeg's names of them."""
    # Without frames that depend on later ones, whose order Matroska files do not state.
    options = {"g": str(max(round(_KEYFRAME_S * video.fps), 1)), "bf": "0"}
    if encoder == "libx264":
        return {**options, "preset": "veryfast", "crf": _CRF}
    width, height = video.size_wh
    return {**options, "b": str(round(_BITS_PER_PIXEL * width * height * video.fps))}


def installed_programs() -> list[VideoProgram]:
    """Return the installed programs, the preferred one first."""
    programs: list[VideoProgram] = []
    path = shutil.which("ffmpeg")
    if path is not None:
        programs.append(Ffmpeg(path))
    if find_spec("av") is not None:
        programs.append(PyAv())
    return programs


@cache
def _output_once(*command: str) -> str:
    """Return what a command always prints on standard output; encoders take 0.1 s to list."""
    return _output(command)


def _output(command: Sequence[str], stderr: bool = False) -> str:
    """Return what a command prints on standard output or error; empty if it does not run."""
    try:
        done: subprocess.CompletedProcess[bytes] = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PROBE_TIMEOUT_S,
            check=False,
            **own_group(),
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stderr if stderr else done.stdout).decode(errors="replace")


def _address(path: Path) -> str:
    """Return the address of a file, of which FFmpeg takes no part for a protocol or an option."""
    return f"file:{path.absolute()}"


def _output_arguments(target: Path) -> list[str]:
    container = CONTAINERS[target.suffix.lower()]
    # The index at the beginning: players start before they have read the whole file.
    faststart = ["-movflags", "+faststart"] if container in ("mp4", "mov") else []
    return [*faststart, "-f", container, _address(target)]
