"""Chooses the video programs that a test finds, fakes among them, and asks ffprobe about files."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from emorec.media import video_programs

FFMPEG = shutil.which("ffmpeg")
_FFPROBE = shutil.which("ffprobe") or "ffprobe"

needs_ffmpeg = pytest.mark.skipif(FFMPEG is None, reason="ffmpeg is not installed")


def hide(monkeypatch: pytest.MonkeyPatch, *, ffmpeg: bool = False, av: bool = False) -> None:
    """Hide installed programs from emorec."""
    if ffmpeg:
        monkeypatch.setenv("PATH", "")
    if av:
        monkeypatch.setattr(video_programs, "find_spec", lambda name: None)


def fake_ffmpeg(
    monkeypatch: pytest.MonkeyPatch, folder: Path, encode: str, encoders: str = "libx264"
) -> None:
    """Put a fake ffmpeg first in the PATH.

    Args:
        monkeypatch: Restores the PATH.
        folder: Folder of the program.
        encode: What it does instead of encoding or copying, as a shell script.
        encoders: The encoder that it lists.
    """
    program = folder / "ffmpeg"
    folder.mkdir(exist_ok=True)
    program.write_text(
        '#!/bin/sh\ncase "$*" in\n'
        f'*-encoders*) echo " V....D {encoders}  a description"; exit;;\n'
        "esac\n"
        f"{encode}\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def probe(path: Path) -> dict[str, Any]:
    """Return what ffprobe says of a file: `format` and `streams`."""
    command = [_FFPROBE, "-v", "error", "-of", "json", "-show_format", "-show_streams", str(path)]
    done = subprocess.run(command, capture_output=True, check=True)
    return json.loads(done.stdout)


def codecs(path: Path) -> list[str]:
    """Return the codecs of the tracks of a file, as ffprobe names them."""
    return [stream["codec_name"] for stream in probe(path)["streams"]]
