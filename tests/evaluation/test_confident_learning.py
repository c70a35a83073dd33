"""Confident learning on made-up probabilities."""

import numpy as np
import pytest

from emorec.evaluation.confident_learning import find_label_noise


def test_without_images_nothing_is_estimated() -> None:
    noise = find_label_noise(np.zeros((0, 3)), np.zeros(0, np.intp))
    assert noise.errors == 0
    assert noise.suspects.tolist() == []
    assert np.isnan(noise.thresholds).all()


def test_the_joint_is_that_of_an_example_by_hand() -> None:
    p = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8], [0.4, 0.6], [0.7, 0.3]])
    labels = np.array([0, 0, 0, 1, 1, 1])
    noise = find_label_noise(p, labels)
    assert noise.thresholds == pytest.approx([0.6, 1.7 / 3])
    assert noise.confident_joint.tolist() == [[2, 1], [1, 2]]
    assert noise.estimated == pytest.approx(np.array([[2, 1], [1, 2]]))
    assert noise.errors == pytest.approx(2)
    assert noise.disagreement == pytest.approx(-np.log([0.9, 0.8, 0.1, 0.8, 0.6, 0.3]))
    assert noise.suspects.tolist() == [2, 5]


def test_images_without_a_confident_class_are_left_out_of_the_joint() -> None:
    p = np.array([[0.9, 0.05, 0.05], [0.5, 0.3, 0.2], [0.3, 0.3, 0.4], [0.2, 0.5, 0.3]])
    noise = find_label_noise(p, np.array([0, 0, 2, 1]))
    # Thresholds 0.7, 0.5, 0.4: the model is confident of no class of the second image.
    assert noise.confident_joint.tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert noise.estimated.sum(axis=1).tolist() == [2, 1, 1]
    assert noise.suspects.tolist() == []


def test_a_class_without_images_is_never_suspected() -> None:
    p = np.array([[0.1, 0.9], [0.2, 0.8]])
    noise = find_label_noise(p, np.array([0, 0]))
    assert np.isnan(noise.thresholds[1])
    assert noise.suspects.tolist() == []


def test_votes_rank_images_on_which_people_agree_first() -> None:
    p = np.array([[0.05, 0.95]] * 2 + [[0.95, 0.05]] * 8 + [[0.05, 0.95]] * 10)
    labels = np.array([0] * 10 + [1] * 10)
    shares = np.eye(2, dtype=np.float32)[labels]
    shares[0] = (0.6, 0.4)
    noise = find_label_noise(p, labels, shares)
    assert noise.suspects.tolist() == [1, 0]
    assert noise.disagreement[1] == pytest.approx(-np.log(0.05))
    assert noise.disagreement[0] < noise.disagreement[1] / 2
    assert find_label_noise(p, labels).suspects.tolist() == [0, 1]


def test_known_flips_are_found() -> None:
    generator = np.random.default_rng(0)
    truth = generator.integers(0, 4, 2000)
    logits = 3 * np.eye(4)[truth] + generator.normal(0, 1, (2000, 4))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = truth.copy()
    flipped = generator.permutation(2000)[:200]
    labels[flipped] = (truth[flipped] + 1) % 4
    noise = find_label_noise(p, labels)
    found = np.isin(noise.suspects, flipped)
    assert found.mean() > 0.85
    assert found.sum() > 0.85 * 200
    assert noise.errors == pytest.approx(200, rel=0.2)
    pairs = noise.estimated[(np.arange(4) + 1) % 4, np.arange(4)]
    assert pairs.sum() > 0.8 * noise.errors
