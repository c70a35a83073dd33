"""Converts results to a pandas table, one face a row."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

from emorec.errors import MissingDependencyError
from emorec.inference.stream import FrameResult
from emorec.outputs.record_table import FACE_COLUMNS, FRAME_COLUMNS, record_rows
from emorec.outputs.records import ImageResult, Record, image_record
from emorec.short_repr import short_repr
from emorec.types import FaceEmotion

if TYPE_CHECKING:
    import pandas

_INTEGERS = ("frame", "width", "height", "face", "id", "x", "y", "box_width", "box_height")
_TYPES = {
    **dict.fromkeys(("source", "status", "detector", "emotion"), "object"),
    **dict.fromkeys(_INTEGERS, "Int64"),
    "uncertain": "boolean",
}
"""Types of the columns that are not float64; all of them can hold missing values."""


def to_pandas(results: Any) -> "pandas.DataFrame":
    """Convert results to a pandas table, one face a row.

    The columns are those of the CSV files of `emorec detect`: source, frame, time_s, width, height,
    status; face, id, x, y, box_width, box_height, detector, detector_score, emotion, confidence,
    uncertain, the landmarks; and the probability of each emotion, in a column of its name. An image
    or frame without faces is one row whose columns after `status` are missing.

    Args:
        results: The faces of one image, from `EmotionRecognizer.recognize`; a result of
            `EmotionRecognizer.stream`; an `ImageResult`, or a record of the JSON files of `emorec
            detect`. Or an iterable of these, or a mapping of them by source; an iterable is
            consumed one by one. In a list of the faces of several images, `source` is the number
            of the image, from 0.

    Returns:
        The table; without rows for an empty list.

    Raises:
        MissingDependencyError: pandas is not installed.
        TypeError: `results` is something else.
    """
    try:
        import pandas
    except ModuleNotFoundError as error:
        if error.name != "pandas":
            raise
        raise MissingDependencyError(
            "to_pandas needs the package 'pandas'; install it with: pip install pandas"
        ) from error
    records = list(_records(results))
    labels = list(
        dict.fromkeys(
            label
            for record in records
            for face in record["faces"]
            for label in face["probabilities"]
        )
    )
    names = [*FRAME_COLUMNS, *FACE_COLUMNS, *labels]
    rows = [row for record in records for row in record_rows(record, labels)]
    types = [_TYPES.get(name, "float64") for name in (*FRAME_COLUMNS, *FACE_COLUMNS)]
    types += ["float64"] * len(labels)
    columns: list[pandas.Series[Any]] = [
        pandas.Series([row[i] for row in rows], name=name, dtype=cast(Any, type_))
        for i, (name, type_) in enumerate(zip(names, types, strict=True))
    ]
    return pandas.concat(columns, axis=1)


def _records(results: Any, source: str | None = None) -> Iterator[Record]:
    """Yield the records of results, with the source where they do not name it."""
    if isinstance(results, ImageResult):
        yield results.record
    elif isinstance(results, FrameResult):
        frame = results.frame
        yield _record(source, results.faces, frame.size_wh, frame.number, frame.time_s)
    elif isinstance(results, FaceEmotion):
        yield _record(source, [results])
    elif isinstance(results, Mapping) and {*FRAME_COLUMNS, "faces"} <= results.keys():
        yield dict(results)
    elif isinstance(results, Mapping):
        for name, entry in results.items():
            yield from _records(entry, str(name))
    elif isinstance(results, Iterable) and not isinstance(results, str | bytes):
        entries = iter(results)
        first = next(entries, None)
        if isinstance(first, FaceEmotion):
            yield _record(source, [first, *entries])
        elif first is not None:
            for number, entry in enumerate(chain([first], entries)):
                faces_alone = source is None and isinstance(entry, list | tuple)
                yield from _records(entry, str(number) if faces_alone else source)
        elif source is not None:  # an image without faces; an empty list alone is no image
            yield _record(source, [])
    else:
        raise _type_error(results)


def _record(
    source: str | None,
    faces: Sequence[FaceEmotion],
    size_wh: tuple[int, int] | None = None,
    frame: int | None = None,
    time_s: float | None = None,
) -> Record:
    """Describe an image or frame, whose size and source may be unknown."""
    for face in faces:
        if not isinstance(face, FaceEmotion):
            raise _type_error(face)
    record = image_record(source or "", size_wh or (0, 0), faces, frame=frame, time_s=time_s)
    unknown = {} if size_wh else {"width": None, "height": None}
    return {**record, "source": source, **unknown}


def _type_error(received: object) -> TypeError:
    return TypeError(
        "to_pandas needs results of an EmotionRecognizer, or an iterable or a mapping of them; "
        f"received {short_repr(received)}"
    )
