"""Label errors of a data set by the answers of a model."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.noisy_labels import AMBIGUOUS, COUNT, WRONG, answers, noisy_data

from emorec.datasets.manifest import read_prepared
from emorec.errors import ConfigError, DataError
from emorec.evaluation.evaluate import evaluate
from emorec.evaluation.label_errors import (
    ALL,
    DOUBT,
    answers_of_model,
    find_label_errors,
    labelled_rows,
)


def test_no_labelled_image_is_an_error(tmp_path: Path) -> None:
    data = noisy_data(tmp_path)
    with pytest.raises(DataError, match="none of the split test"):
        labelled_rows(data, "test", ())
    with pytest.raises(DataError, match="no readable image has a label"):
        labelled_rows(data, ALL, data.paths.tolist())


def test_rows_are_those_of_the_split_that_are_readable_and_labelled(tmp_path: Path) -> None:
    data = noisy_data(tmp_path)
    data.labels[31] = ""
    assert labelled_rows(data, ALL, ()).tolist() == [*range(31), *range(32, COUNT)]
    found = labelled_rows(data, "validation", [str(data.paths[30])])
    assert found.tolist() == list(range(32, COUNT))


def test_the_wrong_label_is_found_and_the_ambiguous_one_is_less_doubtful(tmp_path: Path) -> None:
    data = noisy_data(tmp_path)
    found = find_label_errors(data, answers(), ALL)
    first, second = found.doubts
    assert first.path == f"train/happy/{WRONG:02}.png"
    assert (first.reason, first.suggestion, first.answer) == (DOUBT, "sad", "sad")
    assert (first.probability, first.probability_of_label) == pytest.approx((0.95, 0.05))
    assert first.disagreement == pytest.approx(-np.log(0.05))
    assert second.path == f"train/sad/{AMBIGUOUS:02}.png"
    expected = 0.4 * np.log(0.4 / 0.98) + 0.6 * np.log(0.6 / 0.02)
    assert second.disagreement == pytest.approx(expected, abs=1e-5)
    assert found.agreement == pytest.approx(38 / 40)
    assert found.pairs == [
        ("happy", "sad", pytest.approx(1)),
        ("sad", "happy", pytest.approx(1)),
    ]
    # Without votes the label alone counts, and the ambiguous image comes first.
    labels_alone = find_label_errors(noisy_data(tmp_path, voted=False), answers(), ALL)
    assert [doubt.path for doubt in labels_alone.doubts] == [second.path, first.path]
    assert labels_alone.doubts[0].disagreement == pytest.approx(-np.log(0.02))


def test_an_image_without_votes_counts_by_its_label(tmp_path: Path) -> None:
    data = noisy_data(tmp_path)
    assert data.votes is not None
    data.votes[WRONG] = 0
    assert find_label_errors(data, answers(), ALL).doubts[0].disagreement == pytest.approx(
        -np.log(0.05)
    )


def test_the_result_is_json(tmp_path: Path) -> None:
    found = find_label_errors(noisy_data(tmp_path), replace(answers(), unanswered=2), "train")
    facts = json.loads(json.dumps(found.to_dict()))
    assert (facts["model"], facts["split"], facts["images"]) == ("known", "train", COUNT)
    assert (facts["images_without_answer"], facts["estimated_errors"]) == (2, 2)
    assert facts["confident_joint"] == [[20, 1], [1, 18]]
    assert facts["pairs"][0] == {"label": "happy", "class": "sad", "images": 1}
    assert facts["suspects"][0] == {
        "path": "train/happy/03.png",
        "split": "train",
        "label": "happy",
        "answer": "sad",
        "probability": pytest.approx(0.95),
        "probability_of_label": pytest.approx(0.05),
        "disagreement": pytest.approx(-np.log(0.05)),
    }


def test_a_model_answers_with_natural_probabilities(tiny_data: Path) -> None:
    data = read_prepared(tiny_data)
    left_out = str(data.paths[data.splits == "test"][0])
    found = answers_of_model(Path("emorec-nano"), data, "test", [left_out])
    (expected,) = evaluate([Path("emorec-nano")], data, "test", classes=7, prior=0)
    assert (found.model, found.out_of_fold) == ("emorec-nano", False)
    assert found.rows.tolist() == np.flatnonzero(data.splits == "test")[1:].tolist()
    np.testing.assert_allclose(found.probabilities, expected.probabilities[1:], atol=1e-6)


def test_other_classes_are_refused(tmp_path: Path) -> None:
    data = replace(noisy_data(tmp_path), class_names=("bored", "sad"))
    with pytest.raises(ConfigError, match="has the classes"):
        answers_of_model(Path("emorec-nano"), data, ALL, ())
