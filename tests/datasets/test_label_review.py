"""The file of doubtful labels."""

import csv
from pathlib import Path

import numpy as np
import pytest

from emorec.datasets.inspection import inspect
from emorec.datasets.label_review import (
    COLUMNS,
    LabelDoubt,
    content_hash,
    doubts_of_inspection,
    write_review,
)
from emorec.datasets.manifest import PreparedDataset, read_prepared
from emorec.datasets.prepared_files import VOTE_COLUMNS
from emorec.datasets.readers.image_files import FileImage
from emorec.errors import DataError


def data_at(root: Path, *paths: str) -> PreparedDataset:
    return PreparedDataset(
        root=root,
        paths=np.array(paths, np.str_),
        splits=np.array(["train"] * len(paths)),
        labels=np.array(["sad"] * len(paths)),
        votes=None,
        class_names=("happy", "sad"),
        policy=None,
    )


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_no_doubts_are_a_header(tmp_path: Path) -> None:
    assert write_review(tmp_path / "review.csv", data_at(tmp_path, "a.png"), []) == 0
    assert (tmp_path / "review.csv").read_bytes() == (
        b"\xef\xbb\xbf" + ",".join(COLUMNS).encode() + b"\r\n"
    )


def test_each_image_has_one_row_with_all_reasons(tmp_path: Path) -> None:
    (tmp_path / "=1.png").write_bytes(b"content")
    doubts = [
        LabelDoubt("=1.png", "first", "happy", "happy", 0.91, 0.02, 3.5),
        LabelDoubt("b.png", "second", "drop"),
        LabelDoubt("=1.png", "third", "drop", duplicate_of="b.png"),
        LabelDoubt("=1.png", "third", duplicate_of="c.png"),
    ]
    data = data_at(tmp_path, "b.png", "=1.png")
    assert write_review(tmp_path / "review.csv", data, doubts) == 2
    first, second = rows_of(tmp_path / "review.csv")
    assert first == {
        "path": "'=1.png",
        "split": "train",
        "label": "sad",
        "reason": "first; third",
        "suggestion": "happy",
        "new_label": "",
        "answer": "happy",
        "probability": "0.9100",
        "probability_of_label": "0.0200",
        "disagreement": "3.5000",
        "duplicate_of": "b.png",
        "file": "sha256-ed7002b439e9ac84",
    }
    assert (second["path"], second["suggestion"], second["file"]) == ("b.png", "drop", "")


def test_the_hash_is_of_the_content(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"content")
    (tmp_path / "b").write_bytes(b"other")
    found = [content_hash(FileImage(str(tmp_path / name), 0, 0)) for name in "abc"]
    assert found[0] == "sha256-ed7002b439e9ac84" != found[1]
    assert found[2] == ""  # no such file


def test_the_doubts_of_an_inspection(suspicious_data: Path, tmp_path: Path) -> None:
    # A copy of a sad image of train with another label.
    twin = suspicious_data / "train/happy/fer0000000.png"
    twin.write_bytes((suspicious_data / "train/sad/fer0000001.png").read_bytes())
    inspection = inspect(suspicious_data)
    doubts = doubts_of_inspection(inspection.facts)
    assert [
        (doubt.path, doubt.reason, doubt.suggestion, doubt.duplicate_of) for doubt in doubts
    ] == [
        (
            "train/happy/fer0000000.png",
            "near duplicate with another label",
            "",
            "train/sad/fer0000001.png",
        ),
        (
            "train/sad/fer0000001.png",
            "near duplicate with another label",
            "",
            "train/happy/fer0000000.png",
        ),
        (
            "train/sad/twin.png",
            "near duplicate in a later split",
            "drop",
            "test/sad/fer0000007.png",
        ),
        ("unlabelled/fer0000006.png", "not a face, by most votes", "drop", ""),
        ("train/sad/black.png", "blank", "drop", ""),
    ]
    assert write_review(tmp_path / "review.csv", read_prepared(suspicious_data), doubts) == 5
    row = rows_of(tmp_path / "review.csv")[1]
    assert [row[name] for name in VOTE_COLUMNS] == ["0", "0", "0", "10", *"000000"]


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none/review\.csv"):
        write_review(tmp_path / "none/review.csv", data_at(tmp_path), [])
