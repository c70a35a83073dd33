"""Measures how well `emorec data-report --model` finds wrong labels, with labels that it flips.

It draws images of PublicTest, on which the shipped models were not trained, gives a known share of
them the label of another emotion, drawn at random, and counts how many of these are among the
suspects. The votes on the two emotions change places too. The other labels stay as they are, so a
suspect that was not flipped may still be a wrong label of the data set: the precision is a lower
bound. The table has the mean over the draws, with the votes and with the labels alone.

It needs neither TensorFlow nor Keras, and takes a minute on two cores.

Example: python scripts/measure_label_errors.py FER-2013
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from emorec.datasets.manifest import PreparedDataset, read_prepared
from emorec.datasets.readers.rows import VALIDATION
from emorec.evaluation.label_errors import ModelAnswers, answers_of_model, find_label_errors
from emorec.labels import VOTE_CLASSES
from emorec.models.files import find_model

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Recovery:
    """How well flipped labels are found.

    Attributes:
        estimated: Estimated number of label errors.
        estimated_before: The same before the flips.
        suspects: Number of suspects.
        precision: Share of the suspects that were flipped.
        recall: Share of the flipped labels that are suspects.
        found_first: Share of the flipped labels among as many worst suspects as there are flips.
    """

    estimated: float
    estimated_before: float
    suspects: int
    precision: float
    recall: float
    found_first: float


def flip(data: PreparedDataset, rows: Rows, generator: np.random.Generator) -> PreparedDataset:
    """Return a data set in which some images have the label and the votes of another emotion."""
    labels = data.labels.copy()
    votes = None if data.votes is None else data.votes.copy()
    for row in rows:
        old = str(labels[row])
        new = str(generator.choice([name for name in data.class_names if name != old]))
        labels[row] = new
        if votes is not None:
            a, b = VOTE_CLASSES.index(old), VOTE_CLASSES.index(new)
            votes[row, [a, b]] = votes[row, [b, a]]
    return replace(data, labels=labels, votes=votes)


def measure(
    data: PreparedDataset, answers: ModelAnswers, images: int, share: float, seed: int
) -> Recovery:
    """Flip labels of some images and find them.

    Args:
        data: The data set.
        answers: Answers of a model for images of it.
        images: Number of images to draw of them.
        share: Share of their labels to flip.
        seed: Seed of the draw and of the flips.
    """
    generator = np.random.default_rng(seed)
    drawn = np.sort(generator.permutation(len(answers.rows))[:images])
    part = replace(answers, rows=answers.rows[drawn], probabilities=answers.probabilities[drawn])
    flipped = generator.permutation(part.rows)[: round(share * len(drawn))]
    before = find_label_errors(data, part, VALIDATION)
    found = find_label_errors(flip(data, flipped, generator), part, VALIDATION)
    hits = np.isin(part.rows[found.noise.suspects], flipped)
    return Recovery(
        found.noise.errors,
        before.noise.errors,
        len(hits),
        float(hits.mean()) if len(hits) else 0.0,
        float(hits.sum() / len(flipped)),
        float(hits[: len(flipped)].sum() / len(flipped)),
    )


def mean(found: Sequence[Recovery]) -> dict[str, float]:
    """Return the mean of each figure."""
    return {
        name: float(np.mean([getattr(entry, name) for entry in found]))
        for name in Recovery.__dataclass_fields__
    }


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="FERPlus, prepared by emorec prepare-data")
    parser.add_argument(
        "--model", default="emorec-compact", help="a model that is not of PublicTest"
    )
    parser.add_argument("--images", type=int, default=1000, help="images of a draw")
    parser.add_argument("--share", type=float, default=0.05, help="share of flipped labels")
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    data = read_prepared(arguments.data)
    model = find_model(arguments.model, ("onnx",))
    answers = answers_of_model(model, data, VALIDATION, ())
    kinds = {"votes": data, "labels alone": replace(data, votes=None)}
    table = {
        kind: mean(
            [
                measure(source, answers, arguments.images, arguments.share, seed)
                for seed in range(arguments.draws)
            ]
        )
        for kind, source in kinds.items()
    }
    if arguments.json:
        print(json.dumps(table, indent=2))
        return
    flips = round(arguments.share * arguments.images)
    print(f"{arguments.images} images, {flips} flipped labels, mean of {arguments.draws} draws")
    print(f"{'':14}errors before  errors after  suspects  precision  recall  of the worst {flips}")
    for kind, row in table.items():
        print(
            f"{kind:14}{row['estimated_before']:13.1f}{row['estimated']:14.1f}"
            f"{row['suspects']:10.1f}{row['precision']:11.3f}{row['recall']:8.3f}"
            f"{row['found_first']:12.3f}"
        )


if __name__ == "__main__":
    main()
