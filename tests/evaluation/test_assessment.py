from pathlib import Path

import numpy as np
import pytest
from helpers.metadata_example import METADATA

from emorec.datasets.manifest import Examples
from emorec.evaluation.assessment import ADJUSTMENT_STRENGTHS, assess
from emorec.labels import EMOTIONS_7, EMOTIONS_8, VOTE_CLASSES

PRIOR = (0.4, 0.2, 0.1, 0.1, 0.1, 0.06, 0.04)
TARGETS = np.eye(7, dtype=np.float32)[np.arange(30) % 7]
EXAMPLES = Examples([Path(f"{n}.png") for n in range(30)], TARGETS, EMOTIONS_7)
IMAGES = np.zeros((30, 24, 24, 1), np.uint8)
LOGITS = np.random.default_rng(0).normal(0, 2, (30, 7)) + 2 * TARGETS


def softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits)
    return exponentials / exponentials.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0])
def test_probabilities_and_metrics_by_adjustment_strength(strength: float) -> None:
    metadata = METADATA.replaced(prior=PRIOR)
    found = assess(
        Path("m.onnx"),
        metadata,
        EXAMPLES,
        images=IMAGES,
        logits=LOGITS,
        adjustment_strength=strength,
    )
    expected = softmax(LOGITS / METADATA.temperature - strength * np.log(PRIOR))
    np.testing.assert_allclose(found.probabilities, expected)
    right = expected.argmax(axis=1) == TARGETS.argmax(axis=1)
    np.testing.assert_array_equal(found.correct, right)
    assert found.scores.accuracy == right.mean()
    assert [e.strength for e in found.adjustments] == sorted({*ADJUSTMENT_STRENGTHS, strength})
    figures = found.to_dict()
    assert figures["tau"] == strength
    assert [e["accuracy"] for e in figures["priors"] if e["tau"] == strength] == [right.mean()]
    assert len(found.mistakes) == 30 - right.sum()


def test_a_model_without_prior_has_no_adjustments() -> None:
    found = assess(Path("m.onnx"), METADATA, EXAMPLES, images=IMAGES, logits=LOGITS)
    assert found.adjustments == ()
    assert (found.votes, found.groups) == (None, ())


def test_other_labels_of_the_model_are_ignored() -> None:
    metadata = METADATA.replaced(labels=EMOTIONS_8[::-1])
    logits = np.concatenate([np.full((30, 1), 9.0), LOGITS[:, ::-1]], axis=1)
    found = assess(Path("m.onnx"), metadata, EXAMPLES, images=IMAGES, logits=logits)
    np.testing.assert_allclose(found.probabilities, softmax(LOGITS / METADATA.temperature))


def test_votes_and_groups() -> None:
    votes = np.zeros((30, len(VOTE_CLASSES)), np.int64)
    votes[:, :7] = 10 * TARGETS
    examples = Examples(EXAMPLES.paths, TARGETS, EMOTIONS_7, votes)
    groups = {"group": np.array(["a", "b"] * 15)}
    found = assess(
        Path("m.onnx"), METADATA, examples, images=IMAGES, logits=LOGITS, flip=True, groups=groups
    )
    assert found.votes is not None
    assert found.votes.images == 30
    assert [(entry.group, entry.images) for entry in found.group_comparisons[0].groups] == [
        ("a", 15),
        ("b", 15),
    ]
    assert found.to_dict()["flip"] is True
