"""VideoTrack: what a container states about one of its video tracks."""

from dataclasses import dataclass


@dataclass(frozen=True)
class VideoTrack:
    """A video track of a file.

    Attributes:
        pixels: Width times height of its frames; 0 if the container does not state it.
        offset: Position of the bytes that hide the track.
        hiding_bytes: Bytes at `offset` with which decoders pass over the track.
        frames: Number of frames in the index; None without a complete index.
    """

    pixels: int
    offset: int
    hiding_bytes: bytes
    frames: int | None = None
