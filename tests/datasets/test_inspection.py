"""Inspecting a data set: counts, agreement of the voters, suspicious images, samples."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.checkouts import HAPPY, NOT_A_FACE, make_checkout

from emorec.datasets.inspection import inspect
from emorec.datasets.prepare import prepare_data
from emorec.errors import DataError


def test_no_data_set_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        inspect(tmp_path / "none")
    with pytest.raises(DataError, match=r"holds no image and no CSV file"):
        inspect(tmp_path)


def test_the_figures_are_those_of_the_data(suspicious_data: Path) -> None:
    facts = inspect(suspicious_data).facts
    assert facts["images"] == 10
    assert facts["counts"]["train"] == {
        **dict.fromkeys(("angry", "disgust", "fear", "surprise"), 0),
        "happy": 1,
        "neutral": 1,
        "sad": 3,
        "": 1,
    }
    assert facts["suspicious"] == {
        "unreadable": {},
        "blank": ["train/sad/black.png"],
        "not a face by votes": ["unlabelled/fer0000006.png"],
    }
    assert facts["near_duplicates"] == {
        "pairs": 1,
        "images": 2,
        "leaks": [
            {
                "path": "train/sad/twin.png",
                "split": "train",
                "duplicate_of": "test/sad/fer0000007.png",
            }
        ],
        "different_labels": [],
    }
    assert facts["votes"]["entropy_bits_by_class"]["sad"] == 0
    assert facts["votes"]["entropy_bits_by_class"]["neutral"] == 1
    assert facts["votes"]["entropy_bits_by_class"]["happy"] == pytest.approx(0.469, abs=1e-4)
    assert facts["votes"]["agreement_by_class"]["happy"] == 0.9
    assert facts["votes"]["agreement_by_class"]["angry"] is None
    assert sum(facts["votes"]["entropy_histogram"].values()) == 10


def test_a_damaged_image_is_listed(suspicious_data: Path) -> None:
    (suspicious_data / "train/sad/fer0000001.png").write_bytes(b"x")
    (suspicious_data / "train/happy/fer0000000.png").unlink()
    assert inspect(suspicious_data).facts["suspicious"]["unreadable"] == {
        "train/happy/fer0000000.png": "No such file or directory",
        "train/sad/fer0000001.png": "not a readable image (damaged, or of an unsupported format)",
    }


def test_samples_are_the_same_for_the_same_seed(tmp_path: Path) -> None:
    rows = [("Training", f"{i}.png", HAPPY) for i in range(60)]
    rows.append(("Training", "none.png", NOT_A_FACE))
    prepare_data(make_checkout(tmp_path / "FERPlus", rows), tmp_path / "data")
    first, again, other = (inspect(tmp_path / "data", seed=seed).sheets for seed in (0, 0, 1))
    assert first == again
    assert first != other
    sheet = cv2.imdecode(np.frombuffer(first["happy"], np.uint8), cv2.IMREAD_GRAYSCALE)
    assert sheet.shape == (2 * 56, 18 * 56)
