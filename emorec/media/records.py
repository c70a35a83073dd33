"""Writes what was found in pictures as plain records, ready for JSON."""

import json
from collections.abc import Sequence
from typing import Any

from emorec import __version__
from emorec.metadata import ModelMetadata
from emorec.types import FaceEmotion

SCHEMA_VERSION = 1


def image_record(
    source: str, size_wh: tuple[int, int] | None, faces: Sequence[FaceEmotion]
) -> dict[str, Any]:
    """Describe one picture.

    Args:
        source: The picture as the user named it.
        size_wh: Width and height of the upright picture in pixels; None if it could not be read.
        faces: What was found in it.

    Returns:
        A record of native types. `status` is "ok", "no_face" or "unreadable"; `frame`, `time_s`
        and a face's `id` belong to video and are None.
    """
    width, height = size_wh or (None, None)
    status = "unreadable" if size_wh is None else "ok" if faces else "no_face"
    return {
        "source": source,
        "width": width,
        "height": height,
        "frame": None,
        "time_s": None,
        "status": status,
        "faces": [_face_record(face) for face in faces],
    }


def _face_record(face: FaceEmotion) -> dict[str, Any]:
    box, prediction = face.face.box, face.prediction
    return {
        "id": None,
        "box": [box.x, box.y, box.width, box.height],
        "detector": face.face.detector,
        "detector_score": face.face.score,
        "emotion": prediction.emotion,
        "confidence": prediction.confidence,
        "probabilities": dict(prediction.probabilities),
        "uncertain": False,
    }


def to_json(
    records: Sequence[dict[str, Any]], metadata: ModelMetadata, labels: Sequence[str]
) -> str:
    """Write records as one JSON document.

    Args:
        records: What `image_record` gave.
        metadata: The model that was used.
        labels: The emotions that were reported.

    Returns:
        ASCII text with a final line break.
    """
    model = {"name": metadata.name, "version": metadata.version, "labels": list(labels)}
    document = {
        "schema_version": SCHEMA_VERSION,
        "emorec_version": __version__,
        "model": model,
        "images": list(records),
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"
