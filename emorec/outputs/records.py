"""Tells what was found as plain records of native types: the contract of every output.

One `Record` describes one picture or frame; docs/output.md has its fields. `ImageResult` carries a
record, and what was written and went wrong on the way, from wherever a picture is looked at (this
process, a worker process, another machine) to the sinks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from emorec.types import FaceEmotion

SCHEMA_VERSION = 2
"""Raised with every change of the fields; docs/output.md says what changed."""

Record = dict[str, Any]


@dataclass(frozen=True)
class ImageResult:
    """What became of one picture or frame; nothing but plain data.

    Attributes:
        record: See `image_record`.
        written: Files written for it: annotated pictures and crops.
        problems: Messages for the user: it could not be read, or an output could not be written.
    """

    record: Record
    written: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def image_record(
    source: str,
    size_wh: tuple[int, int] | None,
    faces: Sequence[FaceEmotion],
    frame: int | None = None,
    time_s: float | None = None,
    error: str | None = None,
) -> Record:
    """Describe one picture or frame.

    Args:
        source: The picture, video or camera as the user named it.
        size_wh: Width and height of the full, upright picture in pixels; None if it could not be
            read.
        faces: What was found in it.
        frame: Number of the frame, from 0; None for a still picture.
        time_s: When the frame is shown, in seconds; None for a still picture.
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
        "faces": [_face_record(face) for face in faces],
    }


def _face_record(face: FaceEmotion) -> Record:
    box, prediction = face.face.box, face.prediction
    return {
        "id": face.id,
        "box": [box.x, box.y, box.width, box.height],
        "detector": face.face.detector,
        "detector_score": face.face.score,
        "emotion": prediction.emotion,
        "confidence": prediction.confidence,
        "probabilities": dict(prediction.probabilities),
        "uncertain": prediction.uncertain,
    }
