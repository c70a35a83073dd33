"""The sequences of CK+: which frames are taken, and emotion files."""

from collections import Counter
from pathlib import Path

import pytest
from helpers.published_trees import make_ckplus_sequences

from emorec.datasets.prepare import prepare_data
from emorec.datasets.prepare_options import PrepareOptions
from emorec.datasets.readers.registry import read_source
from emorec.datasets.readers.rows import ReadOptions
from emorec.errors import ConfigError, DataError


@pytest.fixture(scope="module")
def ckplus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("raw") / "CK+"
    make_ckplus_sequences(root)
    return root


@pytest.mark.parametrize(
    ("frames", "taken", "labels"),
    [
        ("last", [5], {"angry": 3, "contempt": 3, "happy": 3, "": 3}),
        ("last3", [3, 4, 5], {"angry": 9, "contempt": 9, "happy": 9, "": 9}),
        (
            "first+last3",
            [1, 3, 4, 5],
            {"angry": 9, "contempt": 9, "happy": 9, "": 9, "neutral": 12},
        ),
    ],
)
def test_frames(ckplus: Path, frames: str, taken: list[int], labels: dict[str, int]) -> None:
    rows = read_source(ckplus, ReadOptions(frames=frames))
    folder = "cohn-kanade-images/S000/001/S000_001"
    assert [name for name in rows.names if name.startswith(folder)] == [
        f"{folder}_{frame:08}.png" for frame in taken
    ]
    assert Counter(rows.labels) == labels
    unused = 60 - len(rows.names)
    assert rows.notes == [f"frames that are not used (see --frames): {unused}"]
    assert rows.left_out == []


def test_nobody_is_in_two_splits(ckplus: Path, dest: Path) -> None:
    rows = read_source(ckplus)
    assert len({*zip(rows.groups or (), rows.usages, strict=True)}) == 3
    assert set(rows.groups or ()) == {"S000", "S001", "S002"}
    summary = prepare_data(ckplus, dest, PrepareOptions(classes=8)).summary
    assert sum(map(sum, (labels.values() for labels in summary["kept"].values()))) == 27
    assert sum(labels["no label in the source"] for labels in summary["unlabelled"].values()) == 9


@pytest.mark.parametrize("content", ["", "eight", "8.0", "1.5", "-1", "nan", "1 2", "1" * 300])
def test_a_broken_emotion_file_is_named(tmp_path: Path, content: str) -> None:
    make_ckplus_sequences(tmp_path, people=1)
    file = tmp_path / "Emotion/S000/001/S000_001_00000005_emotion.txt"
    file.write_text(content)
    with pytest.raises(DataError, match=r"S000_001_00000005_emotion\.txt: "):
        read_source(tmp_path)


def test_two_emotions_of_a_sequence_are_an_error(tmp_path: Path) -> None:
    make_ckplus_sequences(tmp_path, people=1)
    file = tmp_path / "Emotion/S000/001/S000_001_00000004_emotion.txt"
    file.write_text("3.0")
    with pytest.raises(DataError, match="a second emotion file of this sequence"):
        read_source(tmp_path)


def test_emotion_files_without_images_are_named(ckplus: Path, tmp_path: Path) -> None:
    make_ckplus_sequences(tmp_path)
    file = tmp_path / "Emotion/S999/001/S999_001_00000005_emotion.txt"
    file.parent.mkdir(parents=True)
    file.write_text("3.0")
    note = "emotion files of sequences without images: 1 (S999/001)"
    assert read_source(tmp_path).notes[0] == note


def test_frames_of_other_data_are_refused(checkout: Path, dest: Path) -> None:
    with pytest.raises(ConfigError, match="--frames last applies to the sequences of CK"):
        prepare_data(checkout, dest, read_options=ReadOptions(frames="last"))
    with pytest.raises(ConfigError, match="unknown frames 'all'"):
        ReadOptions(frames="all")
