"""Writes and reads frames.csv: one face a row, a frame without faces as one row."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from emorec.errors import DataError
from emorec.outputs.session.session_columns import FRAMES, header
from emorec.table_cells import plain_cell, safe_cell

_DECIMALS = 6
"""Decimals of times and probabilities."""

_FRAME_CELLS = 6
"""Columns before those of the box."""


@dataclass(slots=True)
class SessionFace:
    """A face of a frame; docs/sessions.md and the codebook describe the values.

    Attributes:
        person: Name of the person.
        id: Number of the tracked face.
        box: x, y, width and height, in pixels of the full frame.
        detector: Name of the detector.
        score: The detector's score.
        emotion: The most probable emotion.
        confidence: Its probability.
        uncertain: The confidence is below the requested minimum.
        size: Square root of the area of the box, in pixels.
        sharpness: As `face_sharpness` returns it.
        probabilities: In the order of the labels.
    """

    person: str
    id: int
    box: tuple[int, int, int, int]
    detector: str
    score: float
    emotion: str
    confidence: float
    uncertain: bool
    size: float
    sharpness: float
    probabilities: tuple[float, ...]


@dataclass(slots=True)
class SessionFrame:
    """A frame of a video.

    Attributes:
        video: Name of the video.
        number: Number of the frame, from 0.
        time_s: Time at which it is shown, in seconds.
        duration_s: How long it is shown, in seconds.
        detected: Whether faces were detected in it, and not tracked to it.
        faces: The faces.
    """

    video: str
    number: int
    time_s: float
    duration_s: float
    detected: bool
    faces: list[SessionFace]

    @property
    def end_s(self) -> float:
        """Time at which it is no longer shown, in seconds."""
        return self.time_s + self.duration_s


def csv_line(cells: Iterable[object], delimiter: str = ",") -> str:
    """Return the line of a table, with its line end; texts are safe in spreadsheet programs."""
    line = io.StringIO()
    csv.writer(line, delimiter=delimiter, lineterminator="\n").writerow(map(csv_cell, cells))
    return line.getvalue()


def csv_cell(value: object) -> object:
    """Return a value as the cell of a table: numbers rounded, text safe, None as nothing."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return round(value, _DECIMALS)
    return safe_cell(value) if isinstance(value, str) else value


def frame_cells(frame: SessionFrame, labels: Sequence[str]) -> list[list[object]]:
    """Return the rows of a frame in frames.csv, in the order of its columns.

    Args:
        frame: The frame.
        labels: The emotions reported.
    """
    rows: list[list[object]] = []
    for face in frame.faces:
        rows.append(
            [
                *(frame.video, face.person, face.id),
                *(frame.number, frame.time_s, frame.duration_s, *face.box),
                *(face.detector, face.score, frame.detected),
                *(face.emotion, face.confidence, face.uncertain, face.size, face.sharpness),
                *face.probabilities,
            ]
        )
    if not rows:
        width = len(header(FRAMES, labels))
        row: list[object] = [None] * width
        row[0], row[3:_FRAME_CELLS] = frame.video, [frame.number, frame.time_s, frame.duration_s]
        row[_FRAME_CELLS + 6] = frame.detected
        rows.append(row)
    return rows


def frame_lines(frame: SessionFrame, labels: Sequence[str]) -> str:
    """Return the lines of a frame in frames.csv."""
    return "".join(map(csv_line, frame_cells(frame, labels)))


def read_frames(path: Path, labels: Sequence[str]) -> Iterator[SessionFrame]:
    """Read the frames of a session one by one, in constant memory.

    A torn last line, which a killed run leaves, is passed over.

    Args:
        path: The file frames.csv.
        labels: The emotions reported, as session.json names them.

    Raises:
        DataError: The file cannot be read, or is not of this kind.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            yield from _frames(path, csv.reader(_complete(file)), labels)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = (isinstance(error, OSError) and error.strerror) or error
        raise DataError(f"{path}: cannot be read: {reason}") from error


def _complete(lines: Iterable[str]) -> Iterator[str]:
    return (line for line in lines if line.endswith("\n"))


def _frames(
    path: Path, rows: Iterable[Sequence[str]], labels: Sequence[str]
) -> Iterator[SessionFrame]:
    expected = header(FRAMES, labels)
    rows = iter(rows)
    if next(rows, None) != [str(csv_cell(name)) for name in expected]:
        raise DataError(f"{path}: its columns are not those of this session")
    frame: SessionFrame | None = None
    for number, cells in enumerate(rows, 2):
        try:
            video, index = plain_cell(cells[0]), int(cells[3])
            if frame is None or (frame.video, frame.number) != (video, index):
                if frame is not None:
                    yield frame
                times = float(cells[4]), float(cells[5])
                frame = SessionFrame(video, index, *times, cells[12] == "true", [])
            if cells[2]:
                frame.faces.append(_face(cells, len(labels)))
        except (ValueError, IndexError) as error:
            raise DataError(f"{path}: line {number} is not one that emorec wrote") from error
    if frame is not None:
        yield frame


def _face(cells: Sequence[str], labels: int) -> SessionFace:
    x, y, width, height = (int(cell) for cell in cells[6:10])
    probabilities = tuple(float(cell) for cell in cells[18:])
    if len(probabilities) != labels:
        raise ValueError
    return SessionFace(
        person=plain_cell(cells[1]),
        id=int(cells[2]),
        box=(x, y, width, height),
        detector=plain_cell(cells[10]),
        score=float(cells[11]),
        emotion=plain_cell(cells[13]),
        confidence=float(cells[14]),
        uncertain=cells[15] == "true",
        size=float(cells[16]),
        sharpness=float(cells[17]),
        probabilities=probabilities,
    )
