"""Checks the labels of a data set with a model, or with the predictions of a cross-validation."""

from collections.abc import Collection
from pathlib import Path

import numpy as np

from emorec.datasets.fingerprint import fingerprint
from emorec.datasets.manifest import PreparedDataset
from emorec.datasets.readers.rows import TRAIN
from emorec.datasets.readers.table import LabelTable, read_table
from emorec.errors import ConfigError, DataError
from emorec.evaluation.label_errors import (
    ALL,
    LabelErrors,
    ModelAnswers,
    answers_of_model,
    find_label_errors,
    labelled_rows,
)
from emorec.evaluation.metrics import Probabilities
from emorec.json_files import read_json
from emorec.metadata import ModelMetadata
from emorec.models.files import ENVIRONMENT, FINAL, FOLDS, PREDICTIONS, read_metadata
from emorec.table_cells import plain_cell
from emorec.threads import ProgressCallback

_PROBABILITY = "p_"
"""Beginning of the names of the columns of probabilities."""

_SUM_TOLERANCE = 1e-3


def check_labels(
    model: Path,
    data: PreparedDataset,
    split: str,
    unreadable: Collection[str],
    progress: ProgressCallback | None = None,
) -> tuple[LabelErrors, str | None]:
    """Find the labels of a data set that are probably wrong.

    Args:
        model: A model file. For the final model of a cross-validation, the predictions of its
            folds count.
        data: The data set.
        split: A split, or `ALL`.
        unreadable: Paths of the images that cannot be read.
        progress: Called at intervals with the number of images done and their total.

    Returns:
        The errors, and what makes them unreliable, in one line; None for nothing.

    Raises:
        ConfigError: The classes of the model and of the data differ.
        DataError: There is no labelled image, or no prediction for one.
        ModelError: The model is missing or damaged.
    """
    folder = model.parent.resolve().parent
    if model.parent.resolve().name == FINAL and (folder / FOLDS).is_file():
        answers = out_of_fold_answers(folder, data, split, unreadable)
        return find_label_errors(data, answers, split), None
    problem = trained_on_problem(model, read_metadata(model), data, split)
    answers = answers_of_model(model, data, split, unreadable, progress)
    return find_label_errors(data, answers, split), problem


def out_of_fold_answers(
    folder: Path, data: PreparedDataset, split: str, unreadable: Collection[str]
) -> ModelAnswers:
    """Read the predictions of a cross-validation for the labelled images of a data set.

    Args:
        folder: The folder of the cross-validation.
        data: The data set on which it was run; its labels may have changed.
        split: A split, or `ALL`.
        unreadable: Paths of the images that cannot be read.

    Raises:
        ConfigError: The classes differ.
        DataError: The predictions are missing, damaged, or of other images.
    """
    rows = labelled_rows(data, split, unreadable)
    table = read_table(folder / PREDICTIONS, ("path",))
    probabilities = _probabilities(table, data.class_names)
    lines = {plain_cell(path): line for line, path in enumerate(table.columns["path"])}
    known = np.array([path in lines for path in data.paths[rows].tolist()], bool)
    if not known.any():
        where = "" if split == ALL else f" of the split {split}"
        raise DataError(
            f"{table.path}: no prediction for an image{where} of {data.root}; name the data set of "
            "the cross-validation, and a split that took part in it"
        )
    answered = rows[known]
    found = probabilities[[lines[path] for path in data.paths[answered].tolist()]]
    return ModelAnswers(folder.name, answered, found, True, int((~known).sum()))


def _probabilities(table: LabelTable, names: tuple[str, ...]) -> Probabilities:
    """Return the probabilities in the order of some class names, shape (n, classes)."""
    columns = [name for name in table.columns if name.startswith(_PROBABILITY)]
    classes = [name.removeprefix(_PROBABILITY) for name in columns]
    if set(classes) != set(names):
        raise ConfigError(
            f"{table.path} has predictions of the classes {', '.join(classes)}, but the data has "
            f"{', '.join(names)}"
        )
    try:
        values = [[float(text) for text in table.columns[_PROBABILITY + name]] for name in names]
    except ValueError as error:
        raise DataError(f"{table.path}: damaged: a probability is no number ({error})") from error
    found = np.array(values).T.reshape(len(table.lines), len(names))
    if not (found >= 0).all() or not (abs(found.sum(axis=1) - 1) <= _SUM_TOLERANCE).all():
        raise DataError(f"{table.path}: damaged: the probabilities of an image do not sum to 1")
    return found


def trained_on_problem(
    model: Path, metadata: ModelMetadata, data: PreparedDataset, split: str
) -> str | None:
    """Describe why the answers of a model may repeat the labels that it was trained on.

    Args:
        model: The model file.
        metadata: Its metadata.
        data: The data set.
        split: A split, or `ALL`.

    Returns:
        The problem and what to do; None where the model was not trained on the split.

    Raises:
        DataError: The description of the run is damaged.
    """
    if split not in (TRAIN, ALL) or not (data.splits == TRAIN).any():
        return None
    advice = (
        "it repeats labels that it has learned, so errors are missed: use predictions of a "
        "cross-validation (emorec train --folds 5, then --model with its folder), or --split "
        "validation"
    )
    path = model.with_name(ENVIRONMENT)
    if path.exists():
        run = read_json(path)
        same = run.get("data_fingerprint") == fingerprint(data)
        if not same and run.get("data") != str(data.root.resolve()):
            return None
        return f"{metadata.name} was trained on images of this data set; {advice}"
    if metadata.training_data == "unspecified":
        return f"it is not known what {metadata.name} was trained on; if on these images, {advice}"
    return (
        f"{metadata.name} was trained on: {metadata.training_data}; if images of this data set are "
        f"among them, {advice}"
    )
