"""Writes openface.csv: the faces with the columns that readers of OpenFace's output expect.

They are frame, face_id, timestamp, confidence and success (https://github.com/TadasBaltrusaitis/
OpenFace/wiki/Output-Format), followed by emorec's own.
"""

from collections.abc import Callable, Sequence

from emorec.outputs.session.frame_table import SessionFrame, csv_line
from emorec.outputs.session.session_columns import OPENFACE, header


class OpenFaceTable:
    """Writes the rows of one video.

    Args:
        write: Writes text.
        labels: The emotions reported.
    """

    def __init__(self, write: Callable[[str], object], labels: Sequence[str]) -> None:
        self._write = write
        self._columns = len(header(OPENFACE, labels))
        write(csv_line(header(OPENFACE, labels)))

    def add(self, frame: SessionFrame) -> None:
        """Write the rows of a frame."""
        number = frame.number + 1
        for face in frame.faces:
            confidence = min(max(face.score, 0.0), 1.0)
            cells = [number, face.id, frame.time_s, confidence, 1, face.person, *face.box]
            cells += [frame.detected, face.emotion, face.confidence, face.uncertain]
            cells += [face.size, face.sharpness, *face.probabilities]
            self._write(csv_line(cells))
        if not frame.faces:
            cells = [number, 0, frame.time_s, 0, 0]
            self._write(csv_line([*cells, *[None] * (self._columns - len(cells))]))
