"""Collects the predictions of all folds of a cross-validation, each for its own images."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from emorec.datasets.manifest import Examples, PreparedDataset
from emorec.datasets.readers.rows import TRAIN
from emorec.evaluation.fold_scores import CrossValidation, EpochChoice, choose_epochs
from emorec.table_cells import safe_cell
from emorec.training.config import TrainConfig
from emorec.training.fold_data import fold_dataset
from emorec.training.fold_folder import FoldPlan, fold_folder
from emorec.training.fold_predictions import Logits, read_logits
from emorec.training.run_data import select


@dataclass(frozen=True)
class PooledPredictions:
    """Predictions of all images, each by the model of the fold that left it out.

    Attributes:
        logits: Shape (n, classes), in the order of the examples of all images.
        fold_of_image: Number of the fold of each image, from 1, shape (n,).
        choice: Numbers of epochs.
        accuracies: Accuracy of each fold on its own images after each epoch, shape (folds, epochs).
    """

    logits: Logits
    fold_of_image: npt.NDArray[np.intp]
    choice: EpochChoice
    accuracies: npt.NDArray[np.float64]


def pool(
    folder: Path, config: TrainConfig, dataset: PreparedDataset, plan: FoldPlan
) -> PooledPredictions:
    """Choose the numbers of epochs, and collect the predictions of all folds after them.

    Args:
        folder: Folder of the cross-validation, whose folds are trained.
        config: Settings of its runs.
        dataset: The data set.
        plan: The assignment of the images to folds.

    Raises:
        DataError: The logits of a fold are missing or damaged.
    """
    _, examples = select(config, fold_dataset(dataset, plan, None), TRAIN)
    place = {path: index for index, path in enumerate(examples.paths)}
    logits, places, correct = [], [], []
    for fold in range(plan.count):
        _, held_out = select(config, fold_dataset(dataset, plan, fold))
        part = fold_folder(folder, fold)
        found = read_logits(part, config.last_epoch, *held_out.targets.shape)
        logits.append(found)
        places.append(np.array([place[path] for path in held_out.paths]))
        correct.append(count_correct(found, held_out))
    choice = choose_epochs(np.array(correct))
    pooled = np.empty(examples.targets.shape, np.float32)
    fold_of_image = np.zeros(len(examples.paths), np.intp)
    for fold, epoch in enumerate(choice.of_folds):
        pooled[places[fold]] = logits[fold][epoch - 1]
        fold_of_image[places[fold]] = fold + 1
    images = np.array([len(found) for found in places])
    return PooledPredictions(pooled, fold_of_image, choice, np.array(correct) / images[:, None])


def count_correct(logits: Logits, examples: Examples) -> npt.NDArray[np.intp]:
    """Count the correct predictions after each epoch.

    Args:
        logits: Shape (epochs, n, classes).
        examples: The n images with their targets.

    Returns:
        Shape (epochs,).
    """
    found = logits.argmax(axis=2) == examples.targets.argmax(axis=1)
    return np.asarray(found.sum(axis=1))


def predictions_csv(figures: CrossValidation, root: Path) -> str:
    """Format the predictions as CSV, one image a row.

    The columns are path, group, fold, label, predicted and, for each class, p_CLASS: its
    probability at the temperature and default prior of the final model.

    Args:
        figures: The figures of the cross-validation.
        root: Folder of the data set, to which the paths are relative.
    """
    evaluation = figures.evaluation
    examples = evaluation.examples
    names = examples.class_names
    groups = [""] * len(examples.paths) if examples.groups is None else examples.groups.tolist()
    text = io.StringIO()
    writer = csv.writer(text)
    columns = ["path", "group", "fold", "label", "predicted"]
    writer.writerow([*columns, *(f"p_{name}" for name in names)])
    rows = zip(
        (path.relative_to(root).as_posix() for path in examples.paths),
        groups,
        figures.fold_of_image.tolist(),
        examples.targets.argmax(axis=1).tolist(),
        evaluation.probabilities,
        strict=True,
    )
    for path, group, fold, label, probabilities in rows:
        classes = (names[label], names[int(probabilities.argmax())])
        texts = [safe_cell(value) for value in (path, group, *classes)]
        shares = [f"{value:.6f}" for value in probabilities]
        writer.writerow([*texts[:2], fold, *texts[2:], *shares])
    return text.getvalue()
