"""Describes results as plain records of native types: the contract of every output.

A `Record` describes one image or frame; docs/output.md lists its fields. An `ImageResult` passes it
on, with the files written and the problems met, from the thread, process or machine that processed
the image.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from emorec.types import FaceEmotion, Undrawn

SCHEMA_VERSION = 3
"""Raised with every change of the fields; docs/output.md lists the changes."""

RESUMABLE_VERSIONS = (2, SCHEMA_VERSION)
"""Versions of files that a run can be resumed from; see `record_of_version`."""

Record = dict[str, Any]


@dataclass(frozen=True)
class ImageResult:
    """The result of one image or frame, as plain data.

    Attributes:
        record: See `image_record`.
        written: Files written for it: annotated images and face crops.
        problems: Error messages: it could not be read, or an output could not be written.
        notes: What a user may not expect, though nothing failed.
        undrawn: Labels and bars that its annotated images lack.
    """

    record: Record
    written: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    undrawn: Undrawn = field(default_factory=Undrawn)

    @classmethod
    def unreadable(cls, source: str, problem: str) -> Self:
        """Describe an image or video that could not be read."""
        return cls(image_record(source, None, [], error=problem), problems=(problem,))


def image_record(
    source: str,
    size_wh: tuple[int, int] | None,
    faces: Sequence[FaceEmotion],
    *,
    frame: int | None = None,
    time_s: float | None = None,
    error: str | None = None,
) -> Record:
    """Describe one image or frame.

    Args:
        source: The image, video or camera as the user named it.
        size_wh: Width and height of the full, upright image in pixels; None if it could not be
            read.
        faces: The detected faces.
        frame: Number of the frame, from 0; None for a still image.
        time_s: Time at which the frame is shown, in seconds; None for a still image.
        error: Why it could not be read.

    Returns:
        A record of native types. `status` is "ok", "no_face" or "unreadable".
    """
    width, height = size_wh or (None, None)
    status = "unreadable" if size_wh is None else "ok" if faces else "no_face"
    return {
        "source": source,
        "width": width,
        "height": height,
        "frame": frame,
        "time_s": time_s,
        "status": status,
        "error": error,
        "faces": [face.to_dict() for face in faces],
    }


def record_of_version(record: Record, version: int) -> Record:
    """Convert a record to an earlier schema version, in which a resumed file was begun.

    Args:
        record: From `image_record`.
        version: One of `RESUMABLE_VERSIONS`.

    Returns:
        A record with the fields of that version.
    """
    if version == SCHEMA_VERSION:
        return record
    faces = [
        {name: value for name, value in face.items() if name != "landmarks"}
        for face in record["faces"]
    ]
    return {**record, "faces": faces}
