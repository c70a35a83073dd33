import csv
from pathlib import Path

import pytest
from helpers.example_records import LABELS
from helpers.example_sessions import HAPPY, session_frame

from emorec.outputs.session.parquet_table import ParquetTable, is_installed

parquet = pytest.importorskip("pyarrow.parquet")


def test_it_has_the_values_of_frames_csv(one_video: Path):
    table = parquet.read_table(one_video / "frames.parquet")
    rows = table.to_pylist()
    with (one_video / "frames.csv").open() as file:
        texts = list(csv.DictReader(file))
    assert table.column_names == list(texts[0])
    assert [row["person"] or "" for row in rows] == [row["person"] for row in texts]
    assert [row["happy"] for row in rows] == [
        float(row["happy"]) if row["happy"] else None for row in texts
    ]
    assert rows[0]["detected"] is True
    assert rows[0]["frame"] == 0


def test_texts_need_no_apostrophe(tmp_path: Path):
    table = ParquetTable(tmp_path / "x.parquet", LABELS)
    table.add(session_frame("a", 0, 0.0, 0.1, {"=1+1": HAPPY}))
    table.close()
    assert parquet.read_table(tmp_path / "x.parquet")["person"].to_pylist() == ["=1+1"]


def test_no_frames(tmp_path: Path):
    ParquetTable(tmp_path / "x.parquet", LABELS).close()
    assert parquet.read_table(tmp_path / "x.parquet").num_rows == 0
    assert is_installed()
