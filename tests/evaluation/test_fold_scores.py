import json

import numpy as np
import pytest
from helpers.example_folds import figures
from hypothesis import given
from hypothesis import strategies as st

from emorec.evaluation.fold_scores import choose_epochs


@pytest.mark.parametrize(
    ("correct", "of_folds", "final"),
    [
        ([[5], [6]], (1, 1), 1),
        ([[1, 2, 3], [1, 2, 3]], (3, 3), 3),
        # Each fold alone would choose the epoch that suits its own images.
        ([[9, 0, 0], [0, 9, 1]], (2, 1), 2),
        ([[9, 0, 0], [0, 9, 0], [0, 0, 8]], (2, 1, 2), 2),
        # Of equal ones the last counts.
        ([[4, 4, 1], [4, 4, 1]], (2, 2), 2),
    ],
)
def test_the_other_folds_choose(correct: list[list[int]], of_folds: tuple[int, ...], final: int):
    choice = choose_epochs(np.array(correct))
    assert (choice.of_folds, choice.final) == (of_folds, final)


@given(
    st.lists(st.lists(st.integers(0, 50), min_size=4, max_size=4), min_size=2, max_size=6),
    st.lists(st.integers(0, 50), min_size=4, max_size=4),
    st.data(),
)
def test_the_images_of_a_fold_do_not_choose_its_epoch(
    correct: list[list[int]], other: list[int], data: st.DataObject
):
    fold = data.draw(st.integers(0, len(correct) - 1))
    before = choose_epochs(np.array(correct)).of_folds[fold]
    correct[fold] = other
    assert choose_epochs(np.array(correct)).of_folds[fold] == before


# scikit-learn 1.9.1 computed these from the same labels and predictions: accuracy_score,
# recall_score and f1_score with average="macro", and confusion_matrix.
POOLED = (0.6, 0.5972222222222222, 0.5814664867296446)
OF_FOLDS = (
    (0.6, 0.5714285714285714, 0.5557823129251701),
    (0.55, 0.5476190476190476, 0.5129251700680272),
    (0.65, 0.6666666666666666, 0.6530612244897959),
)
CONFUSION = [
    [5, 1, 1, 0, 1, 1, 0],
    [0, 7, 0, 0, 0, 0, 1],
    [1, 1, 4, 2, 0, 1, 0],
    [1, 0, 0, 4, 1, 1, 1],
    [0, 1, 1, 0, 7, 0, 0],
    [1, 0, 0, 2, 1, 2, 2],
    [1, 1, 0, 0, 0, 0, 7],
]


@pytest.mark.parametrize("grouped", [False, True])
def test_the_figures_are_those_of_scikit_learn(grouped: bool):
    groups = np.array([f"S{index // 6:03}" for index in range(60)]) if grouped else None
    found = figures(groups)
    scores = found.evaluation.scores
    assert (scores.accuracy, scores.balanced_accuracy, scores.macro_f1) == pytest.approx(POOLED)
    assert scores.confusion_matrix.tolist() == CONFUSION
    assert scores.resampled_groups == (10 if grouped else None)
    for fold, expected in zip(found.folds, OF_FOLDS, strict=True):
        assert (fold.accuracy, fold.balanced_accuracy, fold.macro_f1) == pytest.approx(expected)
        assert (fold.images, fold.groups) == (20, 10 if grouped else None)
    assert found.mean("accuracy") == pytest.approx(0.6)
    assert found.deviation("accuracy") == pytest.approx(0.05)


def test_the_worst_class_and_the_worst_people():
    groups = np.array([""] * 6 + [f"S{index // 6:03}" for index in range(6, 60)])
    found = figures(groups)
    recalls = [entry.recall for entry in found.evaluation.scores.per_class]
    assert found.worst_class.recall == min(recalls)
    accuracies = [entry.accuracy for entry in found.worst_groups]
    assert accuracies == sorted(accuracies)
    assert {entry.group for entry in found.worst_groups} == set(groups) - {""}
    for entry in found.worst_groups:
        assert entry.images == 6
        assert entry.accuracy == found.evaluation.correct[groups == entry.group].mean()
    assert figures(None).worst_groups == ()


def test_everything_is_in_the_json():
    text = json.dumps(figures(None).to_dict(), allow_nan=False)
    found = json.loads(text)
    assert [fold["epoch"] for fold in found["folds"]] == [1, 2, 1]
    assert found["epochs"] == 1
    assert found["over_folds"]["accuracy"].keys() == {"mean", "standard_deviation"}
    assert found["pooled"]["images"] == 60
    assert found["accuracy_by_epoch"] == [0.5, 0.5]
