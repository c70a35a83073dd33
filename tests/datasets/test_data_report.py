"""The data report: files, images and hostile names."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.checkouts import noise_png
from helpers.html_page import Page, assert_self_contained
from helpers.marked_faces import MarkDetector, draw_marks

from emorec.datasets.data_report import render, write_report
from emorec.datasets.inspection import inspect
from emorec.datasets.prepare import prepare_data
from emorec.datasets.readers.rows import ReadOptions
from emorec.types import Box


def test_the_page_is_complete_and_self_contained(suspicious_data: Path, tmp_path: Path) -> None:
    inspection = inspect(suspicious_data)
    page = write_report(inspection, ["a note"], suspicious_data)
    text = page.read_text("utf-8")
    parsed = Page(text)
    assert len(parsed.images()) == len(inspection.sheets) + 1 == 4
    assert_self_contained(text)
    assert "a note" in parsed.text
    assert "1 image has its duplicate in a later split" in parsed.text
    assert "--drop-leaks removes them: 1 from train." in parsed.text
    stored = json.loads((suspicious_data / "report.json").read_text())
    assert stored == {**inspection.facts, "notes": ["a note"]}


def test_names_cannot_inject_html(tmp_path: Path) -> None:
    hostile = "<img src=x onerror=alert(1)>&\"'"
    folder = tmp_path / "data" / "train" / hostile
    folder.mkdir(parents=True)
    (folder / f"{hostile}.png").write_bytes(b"x")
    (folder / "a.png").write_bytes(noise_png(0))
    parsed = Page(render(hostile, inspect(tmp_path / "data"), [hostile]))
    assert all("onerror" not in attributes for _, attributes in parsed.tags)
    assert parsed.text.count(hostile) >= 4


def test_a_report_does_not_prevent_a_rerun(suspicious_data: Path, tmp_path: Path) -> None:
    write_report(inspect(suspicious_data), [], suspicious_data)
    assert not prepare_data(tmp_path / "FERPlus", suspicious_data).changed
    (tmp_path / "FERPlus/output/FER2013Train/fer0000000.png").unlink()
    assert prepare_data(tmp_path / "FERPlus", suspicious_data).changed
    assert not (suspicious_data / "report.html").exists()  # it was of other data


@pytest.mark.parametrize("shape", [(1, 1), (300, 20), (20, 300), (48, 48)])
def test_images_of_any_shape_fit_into_a_sheet(tmp_path: Path, shape: tuple[int, int]) -> None:
    folder = tmp_path / "train" / "happy"
    folder.mkdir(parents=True)
    cv2.imwrite(str(folder / "a.png"), np.full(shape, 7, np.uint8))
    sheet = inspect(tmp_path).sheets["happy"]
    assert cv2.imdecode(np.frombuffer(sheet, np.uint8), cv2.IMREAD_GRAYSCALE).min() == 7


def test_images_without_a_face_are_shown_alone(tmp_path: Path, marks: MarkDetector) -> None:
    root, out = tmp_path / "mine", tmp_path / "out"
    for number, boxes in enumerate([[Box(9, 9, 30, 30)], [Box(9, 9, 30, 30)], [], []]):
        label = "happy" if number % 2 else "sad"
        draw_marks(root / label / f"{number}.png", (160, 120), boxes, number)
    options = ReadOptions(validation=0, test=0)
    prepare_data(root, out, read_options=options)
    (out / "no-face/3.png").unlink()
    inspection = inspect(out)
    assert (inspection.facts["images"], inspection.facts["counts"]["train"]) == (
        4,
        {"happy": 1, "sad": 1, "": 2},
    )
    assert inspection.facts["faces"]["photos"] == 2
    sheet = cv2.imdecode(np.frombuffer(inspection.apart, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert (sheet[:, 56:] == 255).all()  # one image, of those that are still there
    parsed = Page(render("mine", inspection, []))
    assert "2 without a face, kept in no-face/" in parsed.text
    assert len(parsed.images()) == len(inspection.sheets) + 1
