"""Measures how often the intervals and p values of `emorec evaluate --group` are right.

It draws people and their images with known accuracies: the accuracy of a person is drawn around
that of the group, so that the images of a person are alike (their results have an intraclass
correlation of 0.2, five images each). The table has, by number of people in each group, how often
the 95 % intervals cover the truth, of the accuracy of a group and of the gap between the best and
the worst group, and how often p is at most 0.05. "images" draws 100 images for each group, each of
another person, and resamples images. No group is left out for its size.

It needs neither TensorFlow nor data.

Example: python scripts/simulate_group_gaps.py
"""

import argparse
from collections.abc import Sequence

import numpy as np

from emorec.evaluation import group_resampling, group_scores

SCENARIOS = {"0.9 and 0.7": (0.9, 0.7), "five times 0.8": (0.8,) * 5}
PEOPLE = (3, 5, 10, 20, None)
IMAGES_PER_PERSON, IMAGES = 5, 100
CORRELATION = 0.2
CLASSES = 7
RESAMPLES = 500


def draw(
    generator: np.random.Generator, accuracies: Sequence[float], people: int | None
) -> group_scores.GroupComparison:
    """Draw images of groups with known accuracies, and compare the groups.

    Args:
        generator: Source of random numbers.
        accuracies: True accuracy of each group.
        people: Number of people in each group; None draws images without people.
    """
    persons = people or IMAGES
    each = IMAGES_PER_PERSON if people else 1
    groups = np.repeat(np.arange(len(accuracies)), persons)
    share = np.array(accuracies)[groups]
    strength = (1 - CORRELATION) / CORRELATION
    if people:
        share = generator.beta(share * strength, (1 - share) * strength)
    groups, share = np.repeat(groups, each), np.repeat(share, each)
    truth = generator.integers(0, CLASSES, len(groups))
    predicted = np.where(generator.random(len(groups)) < share, truth, (truth + 1) % CLASSES)
    probabilities = np.full((len(groups), CLASSES), 0.2 / (CLASSES - 1))
    probabilities[np.arange(len(groups)), predicted] = 0.8
    names = np.repeat(np.arange(persons * len(accuracies)), each).astype(str) if people else None
    targets = np.eye(CLASSES, dtype=np.float32)[truth]
    return group_scores.compare_groups(probabilities, targets, groups.astype(str), "group", names)


def shares(accuracies: Sequence[float], people: int | None, draws: int) -> tuple[float, ...]:
    """Return how often intervals of accuracies and of gaps cover the truth, and p is at most 0.05.

    Args:
        accuracies: True accuracy of each group.
        people: As for `draw`.
        draws: Number of draws.
    """
    generator = np.random.default_rng(0)
    gap = max(accuracies) - min(accuracies)
    own = covered = rejected = 0.0
    for _ in range(draws):
        found = draw(generator, accuracies, people)
        ends = [entry.accuracy_interval for entry in found.groups]
        own += float(np.mean([a <= x <= b for x, (a, b) in zip(accuracies, ends, strict=True)]))
        low, high = found.gaps[0].interval
        covered += low <= gap <= high
        rejected += found.gaps[0].p_value <= 0.05
    return own / draws, covered / draws, rejected / draws


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=200)
    draws = parser.parse_args().draws
    group_scores.MIN_PEOPLE = group_scores.MIN_IMAGES = 0
    setattr(group_resampling, "RESAMPLES", RESAMPLES)  # noqa: B010 - an imported name
    print("| accuracies | people per group | accuracy covered | gap covered | p <= 0.05 |")
    print("| --- | --- | --- | --- | --- |")
    for name, accuracies in SCENARIOS.items():
        for people in PEOPLE:
            found = " | ".join(f"{share:.1%}" for share in shares(accuracies, people, draws))
            print(f"| {name} | {people or 'images'} | {found} |", flush=True)


if __name__ == "__main__":
    main()
