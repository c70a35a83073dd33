"""Flipped labels and how well they are found."""

from dataclasses import replace
from pathlib import Path

import measure_label_errors as script
import numpy as np
import pytest
from helpers.noisy_labels import COUNT, NAMES, answers, noisy_data

from emorec.datasets.manifest import read_prepared
from emorec.evaluation.label_errors import answers_of_model


def test_nothing_is_flipped_without_rows(tmp_path: Path) -> None:
    data = noisy_data(tmp_path)
    flipped = script.flip(data, np.zeros(0, np.intp), np.random.default_rng(0))
    assert (flipped.labels == data.labels).all()


def test_a_flip_exchanges_label_and_votes(tmp_path: Path) -> None:
    data = noisy_data(tmp_path)
    flipped = script.flip(data, np.array([0]), np.random.default_rng(0))
    assert (data.labels[0], flipped.labels[0]) == NAMES
    assert data.votes is not None
    assert flipped.votes is not None
    assert (data.votes[0, 1], flipped.votes[0, 1], flipped.votes[0, 3]) == (10, 0, 10)
    assert (flipped.votes[1:] == data.votes[1:]).all()


def test_the_flips_of_a_model_that_knows_all_are_found(tmp_path: Path) -> None:
    data = noisy_data(tmp_path)
    truth = np.arange(COUNT) % 2
    sure = replace(answers(), probabilities=0.1 + 0.8 * np.eye(2)[truth])
    clean = replace(data, labels=np.array(NAMES)[truth], votes=None)
    found = script.measure(clean, sure, COUNT, 0.1, 0)
    assert (found.suspects, found.precision, found.recall, found.found_first) == (4, 1, 1, 1)
    assert (found.estimated_before, found.estimated) == pytest.approx((0, 4))
    assert script.mean([found, found])["recall"] == 1


@pytest.mark.slow
def test_flipped_labels_are_found_by_a_trained_model(tiny_run: Path, tiny_data: Path) -> None:
    data = read_prepared(tiny_data)
    answers_of_run = answers_of_model(tiny_run / "model.onnx", data, "validation", ())
    found = script.measure(data, answers_of_run, 42, 0.1, 0)
    # A model that is nearly sure of each of so few images is sure enough, by the thresholds of
    # confident learning, of only some of the flipped ones.
    assert found.estimated_before == 0
    assert found.precision == 1
    assert found.recall >= 0.25
