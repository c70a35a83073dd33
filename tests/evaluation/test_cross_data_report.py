"""The page of models on several data sets."""

from dataclasses import replace
from pathlib import Path

import pytest
from helpers.html_page import Page, assert_self_contained
from helpers.metadata_example import METADATA
from helpers.onnx_models import write_tiny_model

from emorec.datasets.manifest import read_prepared
from emorec.evaluation.cross_data import cross_evaluate
from emorec.evaluation.cross_data_report import render_cross_data
from emorec.labels import EMOTIONS_8

HOSTILE = "<img src=x onerror=alert(1)>&\"'"


@pytest.mark.slow
def test_the_page_of_two_data_sets(tiny_data: Path, tmp_path: Path) -> None:
    metadata = METADATA.replaced(labels=EMOTIONS_8, name=HOSTILE)
    model = write_tiny_model(tmp_path / "m.onnx", metadata)
    data = read_prepared(tiny_data)
    found = cross_evaluate([model], [data, data], "validation", classes=7, limit=14)
    found = replace(found, datasets=(Path("here", HOSTILE), Path("CKPLUS")))
    text = render_cross_data(found)
    assert_self_contained(text)
    page = Page(text)
    scores = found.columns[0][0].scores
    low, high = scores.accuracy_interval
    for expected in (
        "1 model on the validation split of 2 data sets",
        f"{scores.accuracy:.2%} ({low:.2%} to {high:.2%})",
        f"{scores.macro_f1:.4f} (",
        "CKPLUS: 7 classes: angry, disgust",
        "Removed from the answer of the model, and the rest renormalised: contempt.",
        HOSTILE,
    ):
        assert expected in page.text
    # The intervals, and of each data set matrix, reliability, coverage and mistakes.
    mistakes = sum(min(8, len(column[0].mistakes)) for column in found.columns)
    assert len(page.images()) == 1 + 2 * 3 + mistakes
