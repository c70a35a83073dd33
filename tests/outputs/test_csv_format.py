import csv
import io
from pathlib import Path

import pytest
from helpers.example_records import LABELS, RECORDS

from emorec.errors import DataError
from emorec.outputs.csv_format import CsvWriter, csv_groups
from emorec.types import LANDMARK_COLUMNS


def write(path: Path) -> None:
    with CsvWriter(str(path), LABELS) as writer:
        for record in RECORDS:
            writer.add(record)


def test_each_face_is_a_line(tmp_path: Path):
    write(tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["status"] for row in rows] == ["ok", "ok", "no_face", "unreadable", "ok"]
    assert [float(row["happy"]) for row in rows if row["happy"]] == [0.75, 0.125, 0.125]
    assert [row["face"] for row in rows] == ["1", "2", "", "", "1"]
    assert [row["id"] for row in rows] == ["", "7", "", "", "7"]


def test_landmarks_are_columns(tmp_path: Path):
    write(tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        first, second, *_ = csv.DictReader(file)
    assert {first[name] for name in LANDMARK_COLUMNS} == {""}
    assert (second["left_eye_x"], second["left_eye_y"]) == ("12.5", "11")
    assert (second["right_mouth_x"], second["left_mouth_y"]) == ("1.01", "27.5")


def test_a_file_without_landmarks_is_continued(tmp_path: Path):
    """Files of schema version 2 have no columns of landmarks."""
    write(tmp_path / "new.csv")
    with (tmp_path / "new.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    kept = [name for name in rows[0] if name not in LANDMARK_COLUMNS]
    text = io.StringIO()
    writer = csv.DictWriter(text, kept, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    complete = text.getvalue().encode()
    path = tmp_path / "a.csv"
    path.write_bytes(complete)
    groups = list(csv_groups(path, LABELS))
    assert [group.failed for group in groups] == [False, False, True, False]
    path.write_bytes(complete[: groups[1].end])
    with CsvWriter(str(path), LABELS, resume=True) as resumed:
        for record in RECORDS[2:]:
            resumed.add(record)
    assert path.read_bytes() == complete
    assert resumed.note == f"{path}: continued in its schema version 2, which has no landmarks"


def test_names_and_labels_are_no_formulas(tmp_path: Path):
    record = {**RECORDS[0], "source": "=cmd|'/c calc'!A0.jpg"}
    face = {**record["faces"][0], "emotion": "+sad", "probabilities": {"+sad": 0.5, "@x": 0.5}}
    with CsvWriter(str(tmp_path / "a.csv"), ("+sad", "@x")) as writer:
        writer.add({**record, "faces": [{**face, "box": [-5, 0, 9, 9]}]})
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["source"] == "'=cmd|'/c calc'!A0.jpg"
    assert (row["emotion"], row["'+sad"], row["'@x"]) == ("'+sad", "0.5", "0.5")
    assert row["x"] == "-5"  # a number


def test_lines_are_in_the_file_at_once(tmp_path: Path):
    path = tmp_path / "a.csv"
    with CsvWriter(str(path), LABELS) as writer:
        assert path.read_bytes().count(b"\n") == 1
        for record, count in zip(RECORDS, (3, 4, 5, 6), strict=True):
            writer.add(record)
            assert path.read_bytes().count(b"\n") == count


def test_other_columns(tmp_path: Path):
    write(tmp_path / "a.csv")
    with pytest.raises(DataError, match="columns are not those of this run"):
        list(csv_groups(tmp_path / "a.csv", ("happy",)))


@pytest.mark.parametrize("line", [b"a.jpg\n", b"a.jpg,x,,1,1,ok,1\n", b"\xff\n", b'"\n'])
def test_lines_of_another_kind(tmp_path: Path, line: bytes):
    path = tmp_path / "a.csv"
    write(path)
    size = path.stat().st_size
    with path.open("ab") as file:
        file.write(line)
    with pytest.raises(DataError, match=f"did not write the line after byte {size}"):
        list(csv_groups(path, LABELS))
