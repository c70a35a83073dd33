import json
from dataclasses import asdict

import numpy as np
import pytest

from emorec.errors import ConfigError
from emorec.evaluation import group_resampling
from emorec.evaluation.group_scores import MAX_GROUPS, MIN_IMAGES, GroupComparison, compare_groups

CLASSES = 7


@pytest.fixture
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_resampling, "RESAMPLES", 200)


def made(
    truth: np.ndarray, correct: np.ndarray, confidence: float = 0.8
) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that are right where `correct` says so, and targets."""
    predicted = np.where(correct, truth, (truth + 1) % CLASSES)
    probabilities = np.full((len(truth), CLASSES), (1 - confidence) / (CLASSES - 1))
    probabilities[np.arange(len(truth)), predicted] = confidence
    return probabilities, np.eye(CLASSES, dtype=np.float32)[truth]


def two_groups(images: int = 140) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Group a has accuracy 0.9 and group b 0.7, exactly, in each class."""
    truth = np.tile(np.arange(CLASSES), 2 * images // CLASSES)
    place = np.arange(2 * images) % images // CLASSES  # within the class and group
    groups = np.repeat(["a", "b"], images)
    correct = place % 10 < np.where(groups == "a", 9, 7)
    return *made(truth, correct), groups


def drawn(generator: np.random.Generator, accuracies: list[float], images: int) -> tuple:
    """Groups whose true accuracies are known, each with as many images."""
    groups = np.repeat(np.arange(len(accuracies)), images)
    truth = generator.integers(0, CLASSES, len(groups))
    correct = generator.random(len(groups)) < np.array(accuracies)[groups]
    return *made(truth, correct), groups.astype(str)


@pytest.mark.usefixtures("few_resamples")
def test_the_known_gap_of_two_groups() -> None:
    found = compare_groups(*two_groups(), "sex")
    a, b = found.groups
    assert (a.group, a.images, a.resampled_groups) == ("a", 140, None)
    assert (a.accuracy, b.accuracy) == pytest.approx((0.9, 0.7))
    assert a.balanced_accuracy == pytest.approx(0.9)
    assert a.accuracy_interval[0] < 0.9 < a.accuracy_interval[1]
    assert a.calibration_error == pytest.approx(0.1)  # confidence 0.8, accuracy 0.9
    assert b.difference_to_rest["accuracy"].value == pytest.approx(-0.2)
    low, high = b.difference_to_rest["accuracy"].interval
    assert low < -0.2 < high < 0
    gap = found.gaps[0]
    assert (gap.metric, gap.best, gap.worst) == ("accuracy", "a", "b")
    assert gap.value == pytest.approx(0.2)
    assert 0 < gap.interval[0] < 0.2 < gap.interval[1]
    assert gap.p_value < 0.01
    assert gap.to_text().startswith("accuracy: worst b, best a, gap 0.2000 (95 %: 0.")
    assert found.gaps[2].p_value > 0.5  # both confidences are 0.1 off
    json.dumps([found.gaps_to_dict(), [asdict(entry) for entry in found.groups]], allow_nan=False)


@pytest.mark.usefixtures("few_resamples")
@pytest.mark.parametrize("share", [0.0, 0.3])
def test_flipped_labels_of_one_group_are_its_gap(share: float) -> None:
    """A model that is always right loses exactly the share of wrong labels."""
    truth = np.tile(np.arange(CLASSES), 60)
    groups = np.repeat(["clean", "flipped"], 210)
    probabilities, targets = made(truth, np.ones(420, bool))
    flipped = (groups == "flipped") & (np.arange(420) % 10 < 10 * share)
    targets[flipped] = np.roll(targets[flipped], 1, axis=1)
    gap = compare_groups(probabilities, targets, groups, "site").gaps[0]
    assert gap.value == pytest.approx(share)
    assert gap.interval[0] <= share <= gap.interval[1]
    assert (gap.p_value < 0.05) == (share > 0)
    assert share == 0 or (gap.worst, gap.interval[0] > 0.2) == ("flipped", True)


@pytest.mark.usefixtures("few_resamples")
def test_small_groups_are_shown_but_not_compared() -> None:
    probabilities, targets, groups = two_groups()
    groups = groups.astype("U4")
    groups[:3], groups[3 : 2 + MIN_IMAGES] = "", "tiny"
    found = compare_groups(probabilities, targets, groups, "sex")
    assert [entry.not_compared for entry in found.groups] == [
        "no value in the column",
        None,
        None,
        "fewer than 30 images",
    ]
    assert found.gaps_to_dict()["compared"] == ["a", "b"]
    assert {name for gap in found.gaps for name in (gap.best, gap.worst)} == {"a", "b"}
    only = compare_groups(probabilities[:150], targets[:150], groups[:150], "sex")
    assert only.gaps == ()


@pytest.mark.usefixtures("few_resamples")
@pytest.mark.parametrize("groups", [["x"], ["x"] * 4, ["", "x", "x", "y"]])
def test_few_images(groups: list[str]) -> None:
    probabilities, targets, _ = two_groups()
    count = len(groups)
    found = compare_groups(probabilities[:count], targets[:count], np.array(groups), "sex")
    assert [entry.images for entry in found.groups] == [
        groups.count(name) for name in sorted(set(groups))
    ]
    assert bool(found.groups[0].difference_to_rest) == (len(found.groups) > 1)
    assert found.gaps == ()
    json.dumps([asdict(entry) for entry in found.groups], allow_nan=False)


def of_people(people: np.ndarray | None) -> GroupComparison:
    """People who are all right or all wrong, so that their images say what one image says."""
    generator = np.random.default_rng(0)
    right = generator.random(40) < 0.7
    truth = np.tile(np.arange(CLASSES), 80)[:400]
    probabilities, targets = made(truth, np.repeat(right, 10))
    return compare_groups(probabilities, targets, np.repeat(["a", "b"], 200), "sex", people)


@pytest.mark.usefixtures("few_resamples")
def test_people_are_resampled() -> None:
    people = np.repeat([f"p{number}" for number in range(40)], 10)
    of_images, found = of_people(None), of_people(people)
    assert (of_images.resamples_people, found.resamples_people) == (False, True)
    assert [entry.resampled_groups for entry in found.groups] == [20, 20]
    assert "samples of the people" in found.method
    narrow, wide = (np.diff(entry.groups[0].accuracy_interval)[0] for entry in (of_images, found))
    assert wide > 2.5 * narrow  # by sqrt(10)
    assert found.gaps[0].p_value > of_images.gaps[0].p_value
    assert of_people(np.full(400, "")).groups == of_images.groups
    few = np.repeat([f"p{number}" for number in range(10)], 40)
    assert of_people(few).groups[0].not_compared == "fewer than 10 people"


@pytest.mark.usefixtures("few_resamples")
def test_people_as_groups_are_resampled_by_image() -> None:
    probabilities, targets, groups = two_groups()
    found = compare_groups(probabilities, targets, groups, "group", groups)
    assert not found.resamples_people
    assert found == compare_groups(probabilities, targets, groups, "group")


def test_too_many_groups() -> None:
    count = MAX_GROUPS + 1
    many = np.array([f"person {number}" for number in range(count)])
    probabilities, targets = made(np.zeros(count, int), np.ones(count, bool))
    with pytest.raises(ConfigError, match="'who' has 51 values; at most 50"):
        compare_groups(probabilities, targets, many, "who")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("accuracies", "images"), [([0.9, 0.7], 150), ([0.8] * 5, 100), ([0.9, 0.75, 0.75, 0.75], 100)]
)
def test_the_interval_covers_the_true_gap(
    accuracies: list[float], images: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In at least 95 % of 100 draws, but for chance: fewer than 90 has probability 0.01 to 0.02."""
    monkeypatch.setattr(group_resampling, "RESAMPLES", 300)
    generator = np.random.default_rng(1)
    covered = rejected = 0
    for _ in range(100):
        gap = compare_groups(*drawn(generator, accuracies, images), "g").gaps[0]
        covered += gap.interval[0] <= max(accuracies) - min(accuracies) <= gap.interval[1]
        rejected += gap.p_value <= 0.05
    assert covered >= 90
    assert rejected <= 11 if len(set(accuracies)) == 1 else rejected >= 50
