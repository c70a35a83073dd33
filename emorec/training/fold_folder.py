"""Owns the folder of a cross-validation: its files, its folds, and who is in which fold."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from emorec.atomic_files import write_json
from emorec.datasets.choices import LEAVE_ONE_GROUP_OUT
from emorec.datasets.manifest import PreparedDataset
from emorec.errors import DataError
from emorec.json_files import read_json
from emorec.models.files import FINAL, FOLDS
from emorec.training import run_folder
from emorec.training.config import TrainConfig

PAGE = "cross_validation.html"
_FOLD = re.compile(r"fold-\d{2,6}")

_MAX_BYTES = 2**28
"""Largest size of the file of the folds, which names every image."""


@dataclass(frozen=True)
class FoldPlan:
    """The assignment of images to folds.

    Attributes:
        folds: What was requested: a number of folds, or `LEAVE_ONE_GROUP_OUT`.
        seed: Seed of the assignment.
        paths: Paths of the images relative to the data set, in its order.
        fold_of_path: Number of the fold of each image, from 0, shape (n,).
        groups: Group of each image, "" for none; None without groups.
    """

    folds: int | str
    seed: int
    paths: tuple[str, ...]
    fold_of_path: npt.NDArray[np.intp]
    groups: tuple[str, ...] | None = None

    @property
    def count(self) -> int:
        """Number of folds."""
        return int(self.fold_of_path.max()) + 1

    @property
    def group_count(self) -> int | None:
        """Number of named groups; None without groups."""
        return None if self.groups is None else len(set(self.groups) - {""})

    @property
    def method(self) -> str:
        """How the images were assigned to the folds, in words."""
        units = f"{self.group_count:,} groups" if self.group_count else "no groups"
        if self.folds == LEAVE_ONE_GROUP_OUT:
            return f"{units}, one left out at a time"
        return f"stratified, {units}, seed {self.seed}"

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as native types, for JSON."""
        groups = self.groups or [None] * len(self.paths)
        rows = zip(self.paths, groups, self.fold_of_path.tolist(), strict=True)
        images = [{"path": path, "group": group, "fold": fold + 1} for path, group, fold in rows]
        return {"format": 1, **self.summary(), "images": images}

    def summary(self) -> dict[str, Any]:
        """Return the plan without its images as native types, for JSON."""
        return {
            "folds": self.folds,
            "count": self.count,
            "groups": self.group_count,
            "seed": self.seed,
            "method": self.method,
        }


def create(parent: Path, config: TrainConfig, dataset: PreparedDataset, plan: FoldPlan) -> Path:
    """Create the folder of a cross-validation, with its settings and its folds.

    Raises:
        DataError: The folder or a file cannot be written.
    """
    folder = run_folder.new_folder(parent, f"{config.arch}-folds")
    with run_folder.removed_without_weights(folder):
        write_json(folder / FOLDS, plan.to_dict())
        run_folder.describe(folder, config, dataset)
    return folder


def read_plan(folder: Path) -> FoldPlan:
    """Read the folds of a cross-validation.

    Raises:
        DataError: The file is missing or damaged.
    """
    path = folder / FOLDS
    found = read_json(path, _MAX_BYTES)
    try:
        if found["format"] != 1:
            raise ValueError("its format is not 1")
        images = found["images"]
        paths = tuple(_checked(image["path"], str) for image in images)
        groups = tuple(image["group"] for image in images)
        numbers = np.array([_checked(image["fold"], int) for image in images], np.intp) - 1
        grouped = groups != (None,) * len(groups)
        if grouped:
            groups = tuple(_checked(group, str) for group in groups)
        if sorted(set(numbers.tolist())) != list(range(len(set(numbers.tolist())))):
            raise ValueError("a fold has no image")
        if len(set(numbers.tolist())) < 2 or len(set(paths)) != len(paths):
            raise ValueError("it has less than two folds, or an image twice")
        folds, seed = found["folds"], _checked(found["seed"], int)
        if folds != LEAVE_ONE_GROUP_OUT:
            _checked(folds, int)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DataError(
            f"{path}: damaged ({error!s:.80}); the cross-validation cannot be resumed: start a new "
            "one"
        ) from error
    return FoldPlan(folds, seed, paths, numbers, groups if grouped else None)


def _checked(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise ValueError(f"{value!r:.40} is no {kind.__name__}")
    return value


def fold_folder(folder: Path, fold: int) -> Path:
    """Return the run folder of a fold, whose number counts from 0."""
    return folder / f"fold-{fold + 1:02}"


def is_cross_validation(folder: Path) -> bool:
    """Check whether a folder is that of a cross-validation."""
    return (folder / FOLDS).is_file()


def whole(folder: Path) -> Path:
    """Return the folder of the cross-validation that a run folder is a part of, or itself.

    A fold alone cannot be resumed: its images follow from the cross-validation.
    """
    part = folder.resolve()
    named = part.name == FINAL or _FOLD.fullmatch(part.name)
    return part.parent if named and is_cross_validation(part.parent) else folder


def finished(folder: Path) -> bool:
    """Check whether a cross-validation is finished, its final model included."""
    return run_folder.finished(folder / FINAL)


def holds_weights(folder: Path) -> bool:
    """Check whether a fold has weights or results already."""
    parts: Sequence[Path] = [*folder.glob("fold-*"), folder / FINAL]
    return any(run_folder.holds_weights(part) for part in parts)
