"""Labels from votes, compared with a plain row-by-row version of the FER+ rules."""

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emorec.errors import ConfigError, DataError
from emorec.labels import (
    EMOTIONS_7,
    EMOTIONS_8,
    FERPLUS_COLUMNS,
    POLICIES,
    VOTE_CLASSES,
    canonical_emotion,
    emotions,
    label_key,
    labels_from_votes,
    soft_targets_from_votes,
    targets_from_votes,
)

Row = list[int]

rows_of_votes = st.lists(
    st.lists(st.one_of(st.integers(0, 3), st.integers(0, 10)), min_size=10, max_size=10),
    max_size=8,
)


def as_array(rows: list[Row]) -> np.ndarray:
    return np.array(rows, np.int64).reshape(-1, 10)


def plain_majority(row: Row, classes: int) -> dict[int, int]:
    cleaned = [count if count > 1 else 0 for count in row]
    top = cleaned.index(max(cleaned))
    return {top: 1} if cleaned[top] > 0.5 * sum(cleaned) and top < 8 else {}


def plain_dominant(row: Row, classes: int) -> dict[int, int]:
    top = row.index(max(row))
    return {top: 1} if row[top] > 0 and top < 8 else {}


def plain_emotion_first(row: Row, classes: int) -> dict[int, int]:
    if plain_dominant(row, classes) == {0: 1}:
        best = max(range(1, classes), key=lambda column: (row[column], -column))
        if row[best] >= 1:
            return {best: 1}
    return plain_dominant(row, classes)


def plain_crossentropy(row: Row, classes: int) -> dict[int, int]:
    cleaned = [count if count > 1 else 0 for count in row]
    total, taken, ended = sum(cleaned), {}, False
    while not ended and sum(taken.values()) < 0.75 * total and len(taken) < 3:
        highest = max(count for column, count in enumerate(cleaned) if column not in taken)
        for column in range(10):
            if cleaned[column] == highest and column not in taken:
                if column >= 8:
                    if not taken:
                        return {}
                    ended = True
                    break
                taken[column] = highest
    few_votes = sum(taken.values()) <= 0.5 * total
    return {} if few_votes or len(taken) > 3 else taken


def plain_multi_target(row: Row, classes: int) -> dict[int, int]:
    cleaned = [count if count > 1 else 0 for count in row]
    total = sum(cleaned)
    taken = {i: count for i, count in enumerate(cleaned) if count and count >= 0.3 * total}
    if sum(taken.values()) <= 0.5 * total or max(taken, key=lambda i: (taken[i], -i)) >= 8:
        return {}
    return taken


PLAIN = {
    "majority": plain_majority,
    "dominant": plain_dominant,
    "emotion-first": plain_emotion_first,
    "crossentropy": plain_crossentropy,
    "probability": plain_crossentropy,
    "multi-target": plain_multi_target,
}


def plain_target(row: Row, policy: str, classes: int) -> list[float]:
    taken = {
        VOTE_CLASSES[i]: 1 if policy == "multi-target" else count
        for i, count in PLAIN[policy](row, classes).items()
        if VOTE_CLASSES[i] in emotions(classes)
    }
    total = sum(taken.values()) or 1
    return [taken.get(name, 0) / total for name in emotions(classes)]


def plain_label(row: Row, policy: str, classes: int) -> int:
    taken = {i: n for i, n in PLAIN[policy](row, classes).items() if i < classes}
    if not taken:
        return -1
    top = max(taken, key=lambda i: (taken[i], -i))
    return emotions(classes).index(VOTE_CLASSES[top])


def test_every_policy_has_a_restatement():
    assert set(POLICIES) == set(PLAIN)


@pytest.mark.parametrize("classes", [7, 8])
@pytest.mark.parametrize("policy", POLICIES)
@given(rows=rows_of_votes)
def test_targets_and_labels_follow_the_rules(policy: str, classes: int, rows: list[Row]):
    votes = as_array(rows)
    targets = targets_from_votes(votes, policy, classes)
    expected = [plain_target(row, policy, classes) for row in rows]
    assert targets.dtype == np.float32
    np.testing.assert_allclose(targets, np.reshape(expected, (-1, classes)), atol=1e-6)
    assert labels_from_votes(votes, policy, classes).tolist() == [
        plain_label(row, policy, classes) for row in rows
    ]


@pytest.mark.parametrize("classes", [7, 8])
@pytest.mark.parametrize("policy", POLICIES)
@given(rows=rows_of_votes)
def test_soft_targets_keep_the_same_images(policy: str, classes: int, rows: list[Row]):
    soft = soft_targets_from_votes(as_array(rows), policy, classes)
    for row, shares in zip(rows, soft, strict=True):
        kept = plain_label(row, policy, classes) >= 0
        if policy in ("majority", "dominant", "emotion-first") and kept:
            votes = {VOTE_CLASSES[i]: row[i] for i in range(classes)}
            expected = [votes[name] / sum(votes.values()) for name in emotions(classes)]
        else:
            expected = plain_target(row, policy, classes)
        np.testing.assert_allclose(shares, expected, atol=1e-6)
        assert shares.sum() == pytest.approx(float(kept), abs=1e-6)


#       neutral happy surprise sad angry disgust fear contempt unknown NF
TABLE = [
    ([0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "dominant", {}),
    ([0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "crossentropy", {}),
    ([1, 1, 1, 1, 1, 1, 1, 1, 1, 1], "majority", {}),
    ([1, 1, 1, 1, 1, 1, 1, 1, 1, 1], "dominant", {"neutral": 1.0}),
    ([1, 1, 1, 1, 1, 1, 1, 1, 1, 1], "emotion-first", {"happy": 1.0}),
    ([5, 5, 0, 0, 0, 0, 0, 0, 0, 0], "majority", {}),
    ([6, 4, 0, 0, 0, 0, 0, 0, 0, 0], "majority", {"neutral": 1.0}),
    ([9, 1, 0, 0, 0, 0, 0, 0, 0, 0], "emotion-first", {"happy": 1.0}),
    ([10, 0, 0, 0, 0, 0, 0, 0, 0, 0], "emotion-first", {"neutral": 1.0}),
    ([0, 0, 0, 0, 0, 0, 0, 0, 6, 4], "dominant", {}),
    ([4, 0, 0, 0, 0, 0, 0, 0, 0, 6], "majority", {}),
    # unknown ties with the leading emotion, which has no more than half of the votes
    ([3, 0, 0, 0, 0, 0, 0, 0, 3, 0], "crossentropy", {}),
    ([0, 5, 3, 2, 0, 0, 0, 0, 0, 0], "crossentropy", {"happy": 0.625, "surprise": 0.375}),
    # four tied classes are more than three
    ([2, 2, 2, 2, 0, 0, 0, 0, 0, 0], "crossentropy", {}),
    ([6, 0, 0, 0, 0, 0, 0, 0, 4, 0], "crossentropy", {"neutral": 1.0}),
    ([0, 6, 3, 0, 0, 0, 0, 0, 0, 0], "multi-target", {"happy": 0.5, "surprise": 0.5}),
    ([0, 0, 0, 0, 0, 0, 4, 6, 0, 0], "multi-target", {"fear": 0.5, "contempt": 0.5}),
]


@pytest.mark.parametrize(("row", "policy", "expected"), TABLE)
def test_known_rows(row: Row, policy: str, expected: dict[str, float]):
    (target,) = targets_from_votes(as_array([row]), policy, 8)
    assert {name: float(x) for name, x in zip(EMOTIONS_8, target, strict=True) if x} == expected


def test_contempt_is_removed_after_the_policy():
    votes = as_array([[0, 0, 0, 0, 0, 0, 4, 6, 0, 0], [0, 0, 0, 0, 0, 0, 3, 7, 0, 0]])
    assert labels_from_votes(votes, "dominant", 7).tolist() == [-1, -1]
    assert targets_from_votes(votes, "crossentropy", 7)[:, 2].tolist() == [1, 1]


@pytest.mark.parametrize("function", [targets_from_votes, labels_from_votes])
def test_unknown_policy_and_classes_are_refused(function):
    votes = as_array([[1] * 10])
    with pytest.raises(ConfigError, match="unknown vote policy 'mean'; choose one of majority"):
        function(votes, "mean", 8)
    for policy in POLICIES:
        for classes in (0, 1, 6, 9):
            with pytest.raises(ConfigError, match=f"7 or 8; received {classes}"):
                function(votes, policy, classes)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("happiness", "happy"),
        (" Anger ", "angry"),
        ("SADNESS", "sad"),
        ("Fear", "fear"),
        ("afraid", "fear"),
        ("contempt", "contempt"),
        *[(name, name) for name in EMOTIONS_8],
    ],
)
def test_names_of_other_data_sets(name: str, expected: str):
    assert canonical_emotion(name) == expected


@pytest.mark.parametrize("name", ["", " ", "unknown", "NF", "smile", "../happy"])
def test_unknown_names_are_refused(name: str):
    with pytest.raises(DataError, match="unknown emotion name"):
        canonical_emotion(name)


def test_canonical_order():
    assert EMOTIONS_7 == ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
    assert emotions(7) == EMOTIONS_7
    assert emotions(8) == (*EMOTIONS_7, "contempt")
    assert [canonical_emotion(name) for name in FERPLUS_COLUMNS[:8]] == list(VOTE_CLASSES[:8])


# Counts that the README of the real data states for fer2013new.csv.
COUNTS = [
    ("majority", 8, (25057, 3199, 3152), [1182, 865, 415, 351, 287, 24, 62, 13]),
    ("majority", 7, (24938, 3186, 3136), [1182, 865, 415, 351, 287, 24, 62]),
    ("dominant", 7, (28221, 3529, 3518), [1335, 899, 456, 412, 319, 34, 74]),
    ("dominant", 8, (28386, 3553, 3545), [1335, 899, 456, 412, 319, 34, 74, 24]),
    ("emotion-first", 7, (28221, 3529, 3518), [360, 1075, 586, 899, 465, 55, 89]),
    ("crossentropy", 8, (27953, 3505, 3504), [1317, 897, 450, 401, 314, 31, 72, 23]),
    ("probability", 8, (27953, 3505, 3504), [1317, 897, 450, 401, 314, 31, 72, 23]),
    ("multi-target", 8, (27668, 3472, 3471), [1307, 893, 446, 400, 307, 30, 71, 18]),
]


@pytest.fixture(scope="module")
def real_votes(shared_data: Path) -> dict[str, np.ndarray]:
    """Votes by Usage; a name with differing votes is dropped, one with equal votes kept once."""
    found: dict[str, set[tuple[str, ...]]] = {}
    usage = {}
    with (shared_data / "ferplus" / "fer2013new.csv").open(newline="") as file:
        for line in csv.DictReader(file):
            name = line["Image name"]
            if name:
                found.setdefault(name, set()).add(tuple(line[c] for c in FERPLUS_COLUMNS))
                usage[name] = line["Usage"]
    votes: dict[str, list[tuple[str, ...]]] = {}
    for name, variants in found.items():
        if len(variants) == 1:
            votes.setdefault(usage[name], []).extend(variants)
    return {key: np.array(rows).astype(int) for key, rows in votes.items()}


@pytest.mark.real
@pytest.mark.parametrize(("policy", "classes", "kept", "public"), COUNTS)
def test_counts_on_the_real_votes(
    real_votes: dict[str, np.ndarray],
    policy: str,
    classes: int,
    kept: tuple[int, int, int],
    public: list[int],
):
    labels = {
        usage: labels_from_votes(votes, policy, classes) for usage, votes in real_votes.items()
    }
    usages = ("Training", "PublicTest", "PrivateTest")
    assert tuple(int((labels[usage] >= 0).sum()) for usage in usages) == kept
    counts = Counter(emotions(classes)[i] for i in labels["PublicTest"] if i >= 0)
    assert [counts[name] for name in VOTE_CLASSES[:classes]] == public


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize("classes", [7, 8])
@pytest.mark.parametrize("policy", POLICIES)
def test_every_real_row_follows_the_rules(
    real_votes: dict[str, np.ndarray], policy: str, classes: int
):
    votes = np.concatenate(list(real_votes.values()))
    rows = votes.tolist()
    assert len(rows) == 28_558 + 3_579 + 3_572
    labels = labels_from_votes(votes, policy, classes).tolist()
    assert labels == [plain_label(row, policy, classes) for row in rows]
    expected = [plain_target(row, policy, classes) for row in rows]
    np.testing.assert_allclose(targets_from_votes(votes, policy, classes), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("label", "key"),
    [
        ("", ""),
        ("happy", "happy"),
        (" Joy ", "happy"),
        ("ANGER", "angry"),
        ("Straße", "strasse"),
        ("No Smile", "no smile"),
        ("unhappy", "unhappy"),
    ],
)
def test_the_key_of_a_label(label: str, key: str) -> None:
    assert label_key(label) == key


@given(st.text(max_size=30))
def test_the_key_of_a_key_is_itself(label: str) -> None:
    assert label_key(label_key(label)) == label_key(label)
