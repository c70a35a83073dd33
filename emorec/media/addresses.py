"""Recognition of videos, cameras and network streams by their names."""

import re
from pathlib import Path

from emorec.file_kinds import VIDEO_SUFFIXES, is_video_name

_STREAM_SUFFIXES = (*VIDEO_SUFFIXES, ".m3u8", ".mjpeg", ".mjpg", ".mpd", ".sdp")
"""Suffixes of addresses that are not images: the server is not asked."""

_URL = re.compile(r"(rtsps?|rtmps?|https?|udp|srt)://", re.IGNORECASE)
_PASSWORD = re.compile(r"(?<=://)[^/@]*@")


def is_url(source: str) -> bool:
    """Report whether a source is the address of a network stream."""
    return _URL.match(source) is not None


def is_camera(source: str) -> bool:
    """Report whether a source is a camera number, and not a file of that name."""
    return source.isascii() and source.isdecimal() and len(source) < 4 and not Path(source).exists()


def is_video(source: str) -> bool:
    """Report whether a source is a camera, a stream or named like a video file."""
    if is_url(source):
        return not is_image_address(source)
    return is_camera(source) or is_video_name(source)


def is_image_address(source: str) -> bool:
    """Report whether an http or https address is an image, which the server says; it is asked."""
    if not source.lower().startswith(("http://", "https://")):
        return False
    if re.split(r"[?#]", source)[0].lower().endswith(_STREAM_SUFFIXES):
        return False
    from emorec.media.http_address import is_image_answer  # slow to import

    return is_image_answer(source)


def shown_name(source: str) -> str:
    """Return a source for records and messages: an address without user and password."""
    return _PASSWORD.sub("", source) if is_url(source) else source


def output_stem(source: str) -> str:
    """Return the file name, without suffix, for the outputs of a video source."""
    if is_camera(source):
        return f"camera-{source}"
    if is_url(source):
        last = re.split(r"[?#]", source)[0].rstrip("/").rpartition("/")[2].rpartition("@")[2]
        return re.sub(r"[^\w.-]", "_", Path(last).stem).strip(".") or "stream"
    return Path(source).stem
