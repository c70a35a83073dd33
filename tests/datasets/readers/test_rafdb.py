"""RAF-DB: its list, its split, aligned faces and original photos."""

from collections import Counter
from pathlib import Path

import pytest
from helpers.published_trees import make_rafdb, write_images, write_lines

from emorec.datasets.readers.registry import read_source
from emorec.errors import DataError


@pytest.mark.parametrize("images", ["aligned", "original"])
def test_test_is_kept_and_validation_held_out(tmp_path: Path, images: str) -> None:
    make_rafdb(tmp_path / "basic", images)
    rows = read_source(tmp_path)
    assert Counter(rows.usages) == {"train": 27, "held-out": 3, "test": 6}
    assert None not in rows.images
    assert (rows.labels or [])[:3] == ["surprise", "fear", "disgust"]
    assert rows.usages[-6:] == ["test"] * 6


def test_aligned_faces_are_preferred(tmp_path: Path) -> None:
    make_rafdb(tmp_path, "original")
    make_rafdb(tmp_path, "aligned")
    assert {Path(name).parts[1] for name in read_source(tmp_path).names} == {"aligned"}


def test_every_number_is_known(tmp_path: Path) -> None:
    names = [f"test_{number}" for number in range(1, 8)]
    write_images(tmp_path, [f"Image/aligned/{name}_aligned.jpg" for name in names])
    lines = [f"{name}.jpg {number}" for number, name in enumerate(names, 1)]
    write_lines(tmp_path / "EmoLabel/list_partition_label.txt", lines)
    labels = read_source(tmp_path).labels
    assert labels == ["surprise", "fear", "disgust", "happy", "sad", "angry", "neutral"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "the file is empty"),
        ("train_1.jpg 0", "row 1: unknown label '0'; known: 1, 2, 3, 4, 5, 6, 7"),
        ("val_1.jpg 1", "unknown beginning of an image name 'val'; known: train, test"),
        ("train_1.jpg", "line 1 must have the 2 values path label"),
        ("../train_1.jpg 1", "unsafe path|unknown beginning"),
    ],
)
def test_a_broken_list_is_named(tmp_path: Path, line: str, message: str) -> None:
    write_lines(tmp_path / "EmoLabel/list_patition_label.txt", [line])
    with pytest.raises(DataError, match=message):
        read_source(tmp_path)
