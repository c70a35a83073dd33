"""The data report: its figures, its pictures, and that nothing in the data can steer the page."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.checkouts import HAPPY, NOT_A_FACE, ROWS, SAD, make_checkout, picture
from helpers.html_page import Page, assert_self_contained

from emorec.datasets.data_report import render, write_report
from emorec.datasets.inspection import inspect
from emorec.datasets.prepare import prepare_data
from emorec.errors import DataError

SPLIT_VOTES = (5, 5, 0, 0, 0, 0, 0, 0, 0, 0)


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    rows = [
        *ROWS,
        ("Training", "torn.png", SPLIT_VOTES),
        ("Training", "black.png", SAD),
        ("Training", "twin.png", SAD),
    ]
    root = make_checkout(tmp_path / "FERPlus", rows)
    train = root / "output/FER2013Train"
    cv2.imwrite(str(train / "black.png"), np.zeros((48, 48), np.uint8))
    (train / "twin.png").write_bytes(picture(7))  # that of fer0000007.png, which is test
    prepare_data(root, tmp_path / "data")
    return tmp_path / "data"


def test_nothing_has_no_report(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        inspect(tmp_path / "none")
    with pytest.raises(DataError, match=r"neither a manifest\.csv"):
        inspect(tmp_path)


def test_the_figures_are_those_of_the_data(prepared: Path) -> None:
    facts = inspect(prepared).facts
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
    }
    assert facts["votes"]["entropy_bits_by_class"]["sad"] == 0
    assert facts["votes"]["entropy_bits_by_class"]["neutral"] == 1
    assert facts["votes"]["entropy_bits_by_class"]["happy"] == pytest.approx(0.469, abs=1e-4)
    assert facts["votes"]["agreement_by_class"]["happy"] == 0.9
    assert facts["votes"]["agreement_by_class"]["angry"] is None
    assert sum(facts["votes"]["entropy_histogram"].values()) == 10


def test_a_damaged_image_is_listed(prepared: Path) -> None:
    (prepared / "train/sad/fer0000001.png").write_bytes(b"x")
    (prepared / "train/happy/fer0000000.png").unlink()
    assert inspect(prepared).facts["suspicious"]["unreadable"] == {
        "train/happy/fer0000000.png": "No such file or directory",
        "train/sad/fer0000001.png": "not a readable image: damaged, or an unsupported format",
    }


def test_the_page_is_whole_and_needs_nothing_else(prepared: Path, tmp_path: Path) -> None:
    inspection = inspect(prepared)
    page = write_report(prepared, inspection, ["a note"], prepared)
    text = page.read_text("utf-8")
    parsed = Page(text)
    assert len(parsed.pictures()) == len(inspection.sheets) + 1 == 4
    assert_self_contained(text)
    assert "a note" in parsed.text
    stored = json.loads((prepared / "report.json").read_text())
    assert stored == {**inspection.facts, "notes": ["a note"]}


def test_names_cannot_steer_the_page(tmp_path: Path) -> None:
    hostile = "<img src=x onerror=alert(1)>&\"'"
    folder = tmp_path / "data" / "train" / hostile
    folder.mkdir(parents=True)
    (folder / f"{hostile}.png").write_bytes(b"x")
    (folder / "a.png").write_bytes(picture(0))
    parsed = Page(render(hostile, inspect(tmp_path / "data"), [hostile]))
    assert all("onerror" not in attributes for _, attributes in parsed.tags)
    assert parsed.text.count(hostile) >= 4


def test_a_report_does_not_stand_in_the_way(prepared: Path, tmp_path: Path) -> None:
    write_report(prepared, inspect(prepared), [], prepared)
    assert not prepare_data(tmp_path / "FERPlus", prepared).changed
    (tmp_path / "FERPlus/output/FER2013Train/fer0000000.png").unlink()
    assert prepare_data(tmp_path / "FERPlus", prepared).changed
    assert not (prepared / "report.html").exists()  # it was of other data


def test_samples_are_the_same_for_the_same_seed(tmp_path: Path) -> None:
    rows = [("Training", f"{i}.png", HAPPY) for i in range(60)]
    rows.append(("Training", "none.png", NOT_A_FACE))
    prepare_data(make_checkout(tmp_path / "FERPlus", rows), tmp_path / "data")
    first, again, other = (inspect(tmp_path / "data", seed=seed).sheets for seed in (0, 0, 1))
    assert first == again
    assert first != other
    sheet = cv2.imdecode(np.frombuffer(first["happy"], np.uint8), cv2.IMREAD_GRAYSCALE)
    assert sheet.shape == (2 * 56, 18 * 56)


@pytest.mark.parametrize("shape", [(1, 1), (300, 20), (20, 300), (48, 48)])
def test_images_of_any_shape_fit_into_a_sheet(tmp_path: Path, shape: tuple[int, int]) -> None:
    folder = tmp_path / "train" / "happy"
    folder.mkdir(parents=True)
    cv2.imwrite(str(folder / "a.png"), np.full(shape, 7, np.uint8))
    sheet = inspect(tmp_path).sheets["happy"]
    assert cv2.imdecode(np.frombuffer(sheet, np.uint8), cv2.IMREAD_GRAYSCALE).min() == 7
