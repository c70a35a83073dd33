"""Writes frames.parquet, where the package pyarrow of the extra `tables` is installed."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from emorec.outputs.session.frame_table import SessionFrame, frame_cells
from emorec.outputs.session.session_columns import (
    BOOLEAN,
    FRAMES,
    INTEGER,
    NUMBER,
    TEXT,
    columns,
)

NAME = "frames.parquet"

_ROWS = 4096
"""Rows of a batch."""


def is_installed() -> bool:
    """Return whether the package is installed."""
    return importlib.util.find_spec("pyarrow") is not None


class ParquetTable:
    """Writes the rows of frames.csv with their types, batch by batch; it must be closed.

    Args:
        target: File to write.
        labels: The emotions reported.
    """

    def __init__(self, target: Path, labels: Sequence[str]) -> None:
        import pyarrow
        from pyarrow import parquet

        types = {
            TEXT: pyarrow.string(),
            INTEGER: pyarrow.int64(),
            NUMBER: pyarrow.float64(),
            BOOLEAN: pyarrow.bool_(),
        }
        self._labels = tuple(labels)
        self._schema: Any = pyarrow.schema(
            [(column.name, types[column.type]) for column in columns(FRAMES, labels)]
        )
        self._writer: Any = parquet.ParquetWriter(target, self._schema)
        self._rows: list[list[object]] = []

    def add(self, frame: SessionFrame) -> None:
        """Write the rows of a frame."""
        self._rows += frame_cells(frame, self._labels)
        if len(self._rows) >= _ROWS:
            self._write()

    def close(self) -> None:
        """Write the last rows and finish the file."""
        self._write()
        self._writer.close()

    def _write(self) -> None:
        import pyarrow

        values = zip(*self._rows, strict=True) if self._rows else [[] for _ in self._schema]
        arrays = [
            pyarrow.array(column, type=field.type)
            for column, field in zip(values, self._schema, strict=True)
        ]
        self._writer.write_batch(pyarrow.record_batch(arrays, schema=self._schema))
        self._rows = []
