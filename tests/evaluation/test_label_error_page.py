"""The section of label errors in the data report."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from helpers.html_page import Page, assert_self_contained
from helpers.noisy_labels import answers, noisy_data

from emorec.evaluation.label_error_page import label_error_section
from emorec.evaluation.label_errors import ALL, find_label_errors
from emorec.pages import page


def test_without_suspects_there_is_no_image(tmp_path: Path) -> None:
    data = noisy_data(tmp_path)
    sure = np.eye(2)[(data.labels == "sad").astype(int)]
    found = find_label_errors(data, replace(answers(), probabilities=sure), "train")
    text = Page(page("Report", [label_error_section(found)])).text
    assert "0 labels (0.0%)" in text
    assert "of the split train" in text
    assert "Most frequent confusions" not in text


def test_the_suspects_are_shown_with_label_votes_and_answer(tmp_path: Path) -> None:
    found = find_label_errors(noisy_data(tmp_path), replace(answers(), unanswered=5), ALL)
    text = page("Report", [label_error_section(found)])
    assert_self_contained(text)
    parsed = Page(text)
    assert "2 labels (5.0%)" in parsed.text
    assert "5 labelled images have no prediction" in parsed.text
    assert "sad 95%, label happyvotes: happy 1003.png" in parsed.text
    assert "happy 98%, label sadvotes: sad 6, happy 407.png" in parsed.text
    first, second = parsed.images()
    assert (first == 15).all()  # row 3 is drawn in grey level 15
    assert (second == 35).all()


def test_names_cannot_inject_html(tmp_path: Path) -> None:
    data = noisy_data(tmp_path)
    hostile = "<img src=x onerror=alert(1)>"
    path = f"train/happy/{hostile}.png"
    cv2.imwrite(str(tmp_path / path), np.zeros((8, 8), np.uint8))
    longer = replace(data, paths=np.array([*data.paths[:3], path, *data.paths[4:]]))
    named = replace(answers(), model=hostile)
    parsed = Page(page("Report", [label_error_section(find_label_errors(longer, named, ALL))]))
    assert all("onerror" not in attributes for _, attributes in parsed.tags)
    assert parsed.text.count(hostile) == 2
