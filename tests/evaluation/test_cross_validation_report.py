from pathlib import Path

import numpy as np
from helpers.html_page import Page, assert_self_contained
from helpers.metadata_example import METADATA

from emorec.datasets.manifest import Examples
from emorec.evaluation.assessment import assess
from emorec.evaluation.cross_validation_report import render_cross_validation
from emorec.evaluation.fold_scores import CrossValidation, EpochChoice, cross_validation

HOSTILE = "<img src=x onerror=alert(1)>&\"'"


def figures(groups: list[str] | None) -> CrossValidation:
    names = METADATA.labels
    targets = np.eye(len(names), dtype=np.float32)[np.arange(28) % len(names)]
    logits = targets * 2
    logits[:8] = np.roll(logits[:8], 1, axis=1)
    found = np.array(groups, np.str_) if groups else None
    paths = [Path(f"data/{HOSTILE}{index}.png") for index in range(28)]
    evaluation = assess(
        Path(f"runs/{HOSTILE}/final/model.onnx"),
        METADATA.replaced(name=HOSTILE),
        Examples(paths, targets, names, None, found),
        images=np.zeros((28, 8, 8, 1), np.uint8),
        logits=logits,
    )
    accuracies = np.array([[0.25, 0.5, 0.5], [0.5, 0.75, 1.0]])
    choice = EpochChoice((3, 2), 3)
    return cross_validation(evaluation, np.arange(28) // 14 + 1, choice, accuracies)


def test_the_page_without_groups():
    found = figures(None)
    text = render_cross_validation(found, "my data", "no groups, seed 0", settings="epochs: 3")
    page = Page(text)
    assert_self_contained(text)
    scores = found.evaluation.scores
    for expected in (
        "28 images of my data, 7 classes, 2 folds (no groups, seed 0)",
        "2,000 bootstrap samples of the images.",
        f"{found.mean('accuracy'):.2%} ± {found.deviation('accuracy'):.2%}",
        f"{found.mean('balanced_accuracy'):.2%} ± ",
        f"{found.mean('macro_f1'):.4f} ± ",
        f"{found.folds[1].accuracy:.2%}",
        f"{scores.accuracy_interval[0]:.2%} to {scores.accuracy_interval[1]:.2%}",
        "all images together",
        found.worst_class.label,
        "epochs: 3",
    ):
        assert expected in page.text
    assert "lowest accuracy" not in page.text
    # Curves, matrix, reliability and coverage, and the mistakes.
    assert len(page.images()) == 4 + 8


def test_the_people_are_on_the_page_and_all_names_are_escaped():
    groups = [f"{HOSTILE}{index // 7}" for index in range(28)]
    found = figures(groups)
    page = Page(render_cross_validation(found, HOSTILE, HOSTILE, settings=HOSTILE))
    assert all("onerror" not in attributes for _, attributes in page.tags)
    assert "of the 4 groups (people, say), each with all its images" in page.text
    worst = found.worst_groups[0]
    assert worst.group == f"{HOSTILE}0"
    assert worst.accuracy == 0
    for entry in found.worst_groups:
        assert entry.group in page.text
