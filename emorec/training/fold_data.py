"""Selects the images of a cross-validation and of each of its folds."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from emorec.datasets.choices import LEAVE_ONE_GROUP_OUT
from emorec.datasets.folds import assign_folds, leave_one_group_out
from emorec.datasets.manifest import PreparedDataset
from emorec.datasets.readers.rows import TEST, TRAIN, VALIDATION
from emorec.errors import ConfigError, DataError
from emorec.training.config_groups import DataConfig
from emorec.training.fold_folder import FoldPlan
from emorec.training.run_data import resolve_labels, select


def plan_folds(
    config: DataConfig, dataset: PreparedDataset, folds: int | str, seed: int
) -> FoldPlan:
    """Assign the images of a data set to the folds of a cross-validation.

    All labelled images of train and validation take part, and never one of the test split; with a
    limit, so many of them, evenly spaced. Folds are stratified by label, and hold whole groups.

    Args:
        config: Settings of the data.
        dataset: The data set.
        folds: A number of folds, or `LEAVE_ONE_GROUP_OUT`.
        seed: Seed of the assignment.

    Raises:
        ConfigError: The number of folds is below 2 or above the number of groups, or that of
            images; a class is in one group only; or there are no groups to leave out.
        DataError: There is no labelled image, or `require_classes` refuses the classes.
    """
    config = config.model_copy(update=resolve_labels(config, dataset))
    rows, labels = _labelled(config, dataset)
    if config.limit is not None and config.limit < len(rows):
        kept = np.linspace(0, len(rows) - 1, config.limit).round().astype(np.intp)
        rows, labels = rows[kept], [labels[index] for index in kept]
    groups = None
    if dataset.groups is not None and (dataset.groups[rows] != "").any():
        groups = tuple(dataset.groups[rows].tolist())
    if folds == LEAVE_ONE_GROUP_OUT:
        if groups is None:
            raise ConfigError(
                f"{dataset.root}: no image has a group (a person, say), which {folds} leaves out; "
                "use a number of folds, or state the groups"
            )
        numbers = leave_one_group_out(labels, groups)
    elif isinstance(folds, int):
        images, smallest = min((count, label) for label, count in Counter(labels).items())
        if folds > images > 1:
            raise ConfigError(
                f"{folds} folds need {folds} or more images of every class; {smallest!r:.80} has "
                f"{images}: use at most {images} folds"
            )
        numbers = assign_folds(labels, groups, folds, seed)
    else:
        raise ConfigError(
            f"folds must be a number or {LEAVE_ONE_GROUP_OUT}; received {folds!r:.80}"
        )
    paths = tuple(dataset.paths[rows].tolist())
    return FoldPlan(folds, seed, paths, numbers, groups)


def _labelled(
    config: DataConfig, dataset: PreparedDataset
) -> tuple[npt.NDArray[np.intp], list[str]]:
    """Return the rows with a label, aside from the test split, and their labels.

    With votes an image may have a label for the training alone, by its policy: it is that one then.
    """
    splits = np.where(dataset.splits == TEST, TEST, TRAIN)
    everything = config.model_copy(update={"limit": None})
    together = replace(dataset, splits=splits, drawn={})
    labels: dict[Path, str] = {}
    for examples in select(everything, together, TRAIN):
        for path, label in zip(examples.paths, examples.targets.argmax(axis=1), strict=True):
            labels[path] = examples.class_names[label]
    found = [dataset.root / path for path in dataset.paths]
    rows = [row for row, path in enumerate(found) if path in labels and splits[row] == TRAIN]
    return np.array(rows, np.intp), [labels[found[row]] for row in rows]


def fold_dataset(dataset: PreparedDataset, plan: FoldPlan, fold: int | None) -> PreparedDataset:
    """Return the images of a cross-validation as the data set of one of its runs.

    Args:
        dataset: The data set.
        plan: The assignment of its images to folds.
        fold: The fold, counted from 0, whose images are the validation split; the others are the
            training split. None for all images in the training split.

    Raises:
        DataError: An image of the plan is not in the data set.
    """
    row_of = {path: row for row, path in enumerate(dataset.paths.tolist())}
    if missing := [path for path in plan.paths if path not in row_of]:
        raise DataError(f"{dataset.root}: the image {missing[0]!r:.200} of the folds is missing")
    rows = np.array([row_of[path] for path in plan.paths], np.intp)
    held_out = plan.fold_of_path == fold if fold is not None else np.zeros(len(rows), bool)
    return replace(
        dataset,
        paths=dataset.paths[rows],
        splits=np.where(held_out, VALIDATION, TRAIN),
        labels=dataset.labels[rows],
        votes=None if dataset.votes is None else dataset.votes[rows],
        groups=None if dataset.groups is None else dataset.groups[rows],
        drawn={},
    )
