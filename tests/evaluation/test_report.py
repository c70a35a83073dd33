"""The page of evaluated models; that browsers show it well is in test_report_in_browser.py."""

from pathlib import Path

import pytest
from helpers.html_page import Page, assert_self_contained
from helpers.metadata_example import METADATA
from helpers.onnx_models import write_tiny_model

from emorec.datasets.manifest import read_prepared
from emorec.evaluation.assessment import Evaluation
from emorec.evaluation.evaluate import evaluate
from emorec.evaluation.report import OUT_OF_FOLD, TrainingHistory, render

HOSTILE = "<img src=x onerror=alert(1)>&\"'"
KNOWN = METADATA.replaced(prior=(0.4, 0.2, 0.1, 0.1, 0.1, 0.06, 0.04))


@pytest.fixture
def found(tiny_data: Path, tmp_path: Path) -> list[Evaluation]:
    models = [
        write_tiny_model(tmp_path / "first.onnx", KNOWN),
        write_tiny_model(tmp_path / "second.onnx", KNOWN.replaced(version="2"), seed=1),
    ]
    return evaluate(models, read_prepared(tiny_data), "validation", group="usage")


def test_one_model(found: list[Evaluation]) -> None:
    text = render(found[:1], "my data", "validation")
    page = Page(text)
    assert_self_contained(text)
    scores = found[0].scores
    for expected in (
        "42 images of the validation split of my data",
        f"{scores.accuracy:.2%}",
        f"{scores.accuracy_interval[0]:.2%} to {scores.accuracy_interval[1]:.2%}",
        f"{scores.per_class[3].roc_auc:.4f}",
        f"{found[0].adjustments[2].balanced_accuracy:.2%}",
        "80% to below 90%",
        "PublicTest",
        found[0].mistakes[0].path.name,
    ):
        assert expected in page.text
    # Matrix, reliability and coverage, the groups, and the mistakes.
    assert len(page.images()) == 4 + len(found[0].mistakes)
    assert "Training" not in page.text
    assert "not calibrated" not in page.text


def test_a_confidence_that_is_not_calibrated_is_said(tiny_data: Path, tmp_path: Path) -> None:
    metadata = KNOWN.replaced(calibration_images=18)
    model = write_tiny_model(tmp_path / "few.onnx", metadata)
    (entry,) = evaluate([model], read_prepared(tiny_data), "validation")
    assert entry.to_dict()["calibration_images"] == 18
    assert "confidence not calibrated: the model had 18" in Page(render([entry], "", "")).text


def test_the_page_of_a_run(found: list[Evaluation]) -> None:
    row = {"epoch": 1.0, "loss": 2.0, "val_loss": 1.5, "accuracy": 0.3, "val_accuracy": 0.4}
    page = Page(
        render(found[:1], "data", "validation", TrainingHistory([row], 1, f"name: {HOSTILE}"))
    )
    assert "In the last epoch the loss was 2.000 on training images and 1.500" in page.text
    assert f"name: {HOSTILE}" in page.text
    assert len(page.images()) == 5 + len(found[0].mistakes)


def test_the_page_of_a_run_that_was_not_validated(found: list[Evaluation]) -> None:
    history = TrainingHistory([{"epoch": 1.0, "loss": 2.0, "accuracy": 0.3}], 1, "")
    page = Page(render(found[:1], "data", OUT_OF_FOLD, history))
    assert "42 images of data, each classified by a model that was not trained on it" in page.text
    assert "In the last epoch the loss was 2.000 on training images." in page.text


def test_several_models(found: list[Evaluation]) -> None:
    text = render(found, "data", "validation")
    page = Page(text)
    assert_self_contained(text)
    assert "Comparison of 2 models" in page.text
    assert page.text.count("McNemar") == 1
    assert "example 1 / example 2" in page.text
    shown = sum(min(len(entry.mistakes), 16) for entry in found)
    assert len(page.images()) == 1 + 2 * 4 + shown


def test_names_are_escaped(tiny_data: Path, tmp_path: Path) -> None:
    metadata = KNOWN.replaced(
        name=HOSTILE,
        version=HOSTILE,
        architecture=HOSTILE,
        training_data=HOSTILE,
        license=HOSTILE,
    )
    models = [write_tiny_model(tmp_path / f"{n}<b>&.onnx", metadata) for n in "ab"]
    found = evaluate(models, read_prepared(tiny_data), "test")
    for entries in (found, found[:1]):
        page = Page(render(entries, HOSTILE, "test"))
        assert all("onerror" not in attributes for _, attributes in page.tags)
        assert page.text.count(HOSTILE) >= 4
