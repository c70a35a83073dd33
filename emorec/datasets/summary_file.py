"""Reads summary.json of a prepared data set: its content, and the framing of its face crops."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from emorec.datasets.prepared_files import SUMMARY
from emorec.errors import DataError
from emorec.short_repr import short_repr
from emorec.types import MAX_CROP_MARGIN, MIN_CROP_MARGIN

_COUNTS = ("photos", "faces_cut", "face_crops")
_LISTS = ("no_face_images", "several_faces_images")
"""Keys of "faces" that are there if one of them is."""


class Framing(NamedTuple):
    """How faces are cut out of images; see `emorec.detection.framing.crop_regions`.

    Attributes:
        margin: Fraction of the box added on each side.
        align: Whether crops of tilted faces are rotated so that the eyes are level.
    """

    margin: float
    align: bool


def read_summary(root: Path) -> dict[str, Any]:
    """Read the summary of a prepared data set; empty without one.

    Raises:
        DataError: The summary is broken.
    """
    path = root / SUMMARY
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise DataError(f"{path}: cannot read the summary ({error})") from error
    return parse_summary(str(path), data)


def parse_summary(location: str, data: bytes) -> dict[str, Any]:
    """Parse the content of a summary.

    Args:
        location: Its file, for messages.
        data: Bytes of the file.

    Raises:
        DataError: It is not a JSON object, or its settings of faces are invalid.
    """
    try:
        summary = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{location}: cannot read the summary ({error})") from error
    if not isinstance(summary, dict):
        raise DataError(f"{location}: the summary is not a JSON object")
    faces = summary.get("faces")
    if faces is not None and not (isinstance(faces, dict) and _is_valid(faces)):
        raise DataError(
            f"{location}: invalid settings of faces; received {short_repr(faces)}; prepare the "
            "data set again"
        )
    return summary


def framing_of(summary: Mapping[str, Any]) -> Framing | None:
    """Return the framing of the crops of a data set; None where no faces were cut out."""
    faces = summary.get("faces") or {}
    margin = faces.get("margin")
    return None if margin is None else Framing(float(margin), faces["align"])


def _is_valid(faces: Mapping[str, Any]) -> bool:
    margin, align = faces.get("margin"), faces.get("align")
    if margin is not None and not (
        _is_number(margin, MIN_CROP_MARGIN, MAX_CROP_MARGIN)
        and isinstance(align, bool)
        and "detector" in faces
    ):
        return False
    share = faces.get("median_share")
    texts = all(isinstance(faces.get(name, ""), str) for name in ("mode", "detector", "several"))
    counted = "photos" not in faces or (
        all(_is_number(faces.get(name), 0, math.inf) for name in _COUNTS)
        and all(isinstance(faces.get(name), list) for name in _LISTS)
    )
    return texts and counted and (share is None or _is_number(share, 0, 1))


def _is_number(value: object, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
