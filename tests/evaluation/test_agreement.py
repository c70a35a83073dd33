import numpy as np
import pytest

from emorec.evaluation.agreement import vote_agreement
from emorec.labels import EMOTIONS_7, VOTE_CLASSES


def votes(*rows: dict[str, int]) -> np.ndarray:
    return np.array([[row.get(name, 0) for name in VOTE_CLASSES] for row in rows])


def one_hot(*labels: str) -> np.ndarray:
    return np.eye(7, dtype=np.float32)[[EMOTIONS_7.index(label) for label in labels]]


def test_probabilities_equal_to_the_votes_have_divergence_0() -> None:
    counts = votes({"happy": 10}, {"happy": 5, "sad": 5}, {"sad": 4, "not_face": 6})
    predicted = (one_hot("happy", "happy", "sad") + one_hot("happy", "sad", "sad")) / 2
    found = vote_agreement(predicted, one_hot("happy", "happy", "sad"), counts, 7)
    assert found is not None
    assert found.divergence == pytest.approx(0, abs=1e-9)
    assert found.images == 2  # most voted that the third is no face


def test_the_divergence_of_a_known_pair() -> None:
    counts = votes({"angry": 5, "disgust": 5})
    predicted = np.full((1, 7), 0.25 / 5)
    predicted[0, :2] = 0.5, 0.25
    found = vote_agreement(predicted, one_hot("angry"), counts, 7)
    assert found is not None
    assert found.divergence == pytest.approx(0.5 * np.log(1) + 0.5 * np.log(2))


def test_images_are_binned_by_the_share_of_the_most_frequent_vote() -> None:
    counts = votes(
        {"happy": 10},
        {"happy": 9, "unknown": 1},
        {"happy": 6, "sad": 4},
        {"happy": 6, "sad": 4},
        {"sad": 4, "happy": 3, "unknown": 3},
        {"unknown": 10},
    )
    targets = one_hot(*["happy"] * 4, "sad", "sad")
    predicted = one_hot("happy", "happy", "happy", "sad", "happy", "sad")
    found = vote_agreement(predicted, targets, counts, 7)
    assert found is not None
    assert found.images == 5  # nobody voted for an emotion in the last one
    assert [(b.lowest, b.below, b.images, b.accuracy) for b in found.bins] == [
        (0.0, 0.6, 1, 0.0),
        (0.6, 0.7, 2, 0.5),
        (0.9, 1.0, 1, 1.0),
        (1.0, None, 1, 1.0),
    ]


def test_no_votes_for_any_class() -> None:
    assert vote_agreement(one_hot("sad"), one_hot("sad"), votes({"unknown": 3}), 7) is None
