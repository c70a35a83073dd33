import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emorec.evaluation.metrics import intervals_text, majority_problem, roc_auc, score

LABELS = ("a", "b", "c")


def one_hot(labels: list[int]) -> np.ndarray:
    return np.eye(3, dtype=np.float32)[labels]


def test_known_metrics() -> None:
    probabilities = np.array(
        [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.6, 0.3, 0.1], [0.2, 0.5, 0.3]], np.float32
    )
    found = score(probabilities, one_hot([0, 1, 1, 1]), LABELS)
    assert found.images == 4
    assert found.accuracy == 0.75
    np.testing.assert_array_equal(found.confusion_matrix, [[1, 0, 0], [1, 2, 0], [0, 0, 0]])
    a, b, c = found.per_class
    assert (a.precision, a.recall, a.images) == (0.5, 1.0, 1)
    assert (b.precision, b.recall, b.images) == (1.0, pytest.approx(2 / 3), 3)
    assert (c.precision, c.recall, c.f1, c.images) == (0, 0, 0, 0)
    # Classes without images are excluded.
    assert found.macro_f1 == pytest.approx((2 / 3 + 0.8) / 2)
    assert found.balanced_accuracy == pytest.approx((1 + 2 / 3) / 2)
    expected = -(math.log(0.7) + math.log(0.8) + math.log(0.3) + math.log(0.5)) / 4
    assert found.loss == pytest.approx(expected)


@pytest.mark.parametrize(
    ("right", "beats"),
    [(0, False), (40, False), (45, False), (60, True), (80, True)],
)
def test_a_model_is_compared_with_the_majority_label(right: int, beats: bool) -> None:
    truth = np.arange(80) % 4 % 3  # 40 times a, 20 times b and c
    predicted = np.where(np.arange(80) < right, truth, (truth + 1) % 3)
    found = score(np.eye(3)[predicted] * 0.8 + 0.05, one_hot(truth.tolist()), LABELS)
    assert found.majority == ("a", 0.5)
    assert found.beats_majority is beats
    values = found.to_dict()
    assert (values["majority_label"], values["majority_share"]) == ("a", 0.5)
    assert values["beats_majority"] is beats
    problem = majority_problem(found)
    if beats:
        assert problem is None
    else:
        assert problem is not None
        assert problem.startswith(
            "This model is not better than always predicting 'a', the label of 50.0% of the images"
        )
        assert f"its accuracy is {right / 80:.1%} (95 % interval" in problem


def test_one_label_alone_is_no_comparison() -> None:
    found = score(np.array([[0.0, 1.0, 0.0]]), one_hot([0]), LABELS)
    assert found.beats_majority is None
    assert majority_problem(found) is None


def test_one_image() -> None:
    found = score(np.array([[1.0, 0.0, 0.0]]), one_hot([1]), LABELS)
    assert (found.accuracy, found.macro_f1) == (0, 0)
    assert math.isfinite(found.loss)


def test_the_metrics_are_native_types() -> None:
    found = score(np.array([[1.0, 0.0, 0.0]]), one_hot([0]), LABELS).to_dict()
    assert type(found["accuracy"]) is float
    assert found["confusion_matrix"] == [[1, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert found["per_class"][0] == {
        "label": "a",
        "precision": 1.0,
        "recall": 1.0,
        "f1": 1.0,
        "images": 1,
        "roc_auc": None,
    }
    assert found["confusion_matrix_row_shares"] == [[1, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert found["accuracy_interval"] == (1.0, 1.0)
    json.dumps(found, allow_nan=False)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=50))
def test_metrics_agree_with_counting(pairs: list[tuple[int, int]]) -> None:
    truth = [pair[0] for pair in pairs]
    predicted = [pair[1] for pair in pairs]
    found = score(one_hot(predicted) * 0.9 + 0.1 / 3, one_hot(truth), LABELS)
    assert found.accuracy == pytest.approx(sum(t == p for t, p in pairs) / len(pairs))
    for index, entry in enumerate(found.per_class):
        hits = sum(t == p == index for t, p in pairs)
        assert entry.images == truth.count(index)
        assert entry.recall == pytest.approx(hits / max(truth.count(index), 1))
        assert entry.precision == pytest.approx(hits / max(predicted.count(index), 1))


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=40))
def test_the_area_is_the_share_of_pairs_in_order(pairs: list[tuple[int, bool]]) -> None:
    scores = np.array([value / 5 for value, _ in pairs])
    positive = np.array([is_positive for _, is_positive in pairs])
    wins = [(p > n) + (p == n) / 2 for p in scores[positive] for n in scores[~positive]]
    found = roc_auc(scores, positive)
    assert found == (pytest.approx(sum(wins) / len(wins)) if wins else None)


@pytest.mark.parametrize(
    ("row", "label", "expected"),
    [
        ([0.5, 0.3, 0.2], 1, 1.0),
        ([0.5, 0.3, 0.2], 2, 0.0),
        ([0.4, 0.2, 0.4], 2, 1.0),
        ([1.0, 0.0, 0.0], 2, 0.0),  # the first of equal ones counts, as for the top class
    ],
)
def test_the_two_most_probable(row: list[float], label: int, expected: float) -> None:
    assert score(np.array([row]), one_hot([label]), LABELS).top2_accuracy == expected


@pytest.mark.parametrize(
    ("groups", "resampled"),
    [
        (None, None),
        (["", "", "", ""], None),
        (["a", "a", "a", "a"], None),
        (["a", "a", "b", "b"], 2),
        (["a", "", "", "a"], 3),
    ],
)
def test_intervals_resample_groups(groups: list[str] | None, resampled: int | None) -> None:
    labels = [0, 1, 0, 1]
    probabilities = one_hot([0, 1, 1, 0])
    names = None if groups is None else np.array(groups)
    found = score(probabilities, one_hot(labels), LABELS, names)
    assert found.resampled_groups == resampled
    assert found.accuracy == 0.5
    assert ("groups" in intervals_text(found)) == (resampled is not None)
    if groups == ["a", "a", "b", "b"]:
        # All images of one are right, all of the other wrong.
        assert found.accuracy_interval == (0, 1)


def test_intervals_contain_the_metrics_and_shrink_with_more_images() -> None:
    generator = np.random.default_rng(0)
    widths = []
    for count in (50, 5000):
        labels = generator.integers(0, 3, count)
        probabilities = 0.4 * np.eye(3)[labels] + 0.6 * generator.dirichlet(np.ones(3), count)
        found = score(probabilities, one_hot(labels.tolist()), LABELS)
        for value, (low, high) in (
            (found.accuracy, found.accuracy_interval),
            (found.macro_f1, found.macro_f1_interval),
            (found.balanced_accuracy, found.balanced_accuracy_interval),
        ):
            assert low < value < high
        widths.append(found.accuracy_interval[1] - found.accuracy_interval[0])
    assert widths[1] < widths[0] / 5
