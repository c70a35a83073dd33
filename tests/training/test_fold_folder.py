import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emorec.errors import DataError
from emorec.training.fold_folder import (
    FOLDS,
    FoldPlan,
    finished,
    fold_folder,
    holds_weights,
    is_cross_validation,
    read_plan,
    whole,
)
from emorec.training.run_folder import CHECKPOINT, METRICS

PLAN = FoldPlan(2, 3, ("a.png", "b/c.png", "d.png"), np.array([0, 1, 0]), ("x", "", "x"))


def write(folder: Path, value: Any) -> None:
    (folder / FOLDS).write_text(json.dumps(value))


@pytest.mark.parametrize("groups", [None, PLAN.groups])
def test_written_folds_are_read_unchanged(tmp_path: Path, groups: tuple[str, ...] | None):
    plan = FoldPlan(2, 3, PLAN.paths, PLAN.fold_of_path, groups)
    assert not is_cross_validation(tmp_path)
    write(tmp_path, plan.to_dict())
    assert is_cross_validation(tmp_path)
    read = read_plan(tmp_path)
    assert (read.folds, read.seed, read.paths, read.groups) == (2, 3, PLAN.paths, groups)
    assert read.fold_of_path.tolist() == [0, 1, 0]
    assert (read.count, read.group_count) == (2, None if groups is None else 1)


def damaged(**changes: Any) -> dict[str, Any]:
    return {**PLAN.to_dict(), **changes}


def image(path: Any = "e.png", group: Any = "", fold: Any = 1) -> list[dict[str, Any]]:
    return [*PLAN.to_dict()["images"], {"path": path, "group": group, "fold": fold}]


@pytest.mark.parametrize(
    "value",
    [
        {},
        damaged(format=2),
        damaged(images=[]),
        damaged(images=3),
        damaged(images=image(path=3)),
        damaged(images=image(path="a.png")),
        damaged(images=image(fold="1")),
        damaged(images=image(fold=True)),
        damaged(images=image(fold=4)),
        damaged(images=image(fold=0)),
        damaged(images=image(fold=2**70)),
        damaged(images=image(group=4)),
        damaged(images=image()[:1]),
        damaged(seed="0"),
        damaged(folds="each"),
    ],
)
def test_damaged_folds_are_refused_in_one_line(tmp_path: Path, value: Any):
    write(tmp_path, value)
    with pytest.raises(DataError, match=r"folds\.json: damaged") as caught:
        read_plan(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_part_belongs_to_the_whole(tmp_path: Path):
    write(tmp_path, PLAN.to_dict())
    first = fold_folder(tmp_path, 0)
    assert first.name == "fold-01"
    for part in (first, fold_folder(tmp_path, 117), tmp_path / "final"):
        assert whole(part) == tmp_path.resolve()
    assert whole(tmp_path) == tmp_path
    assert whole(tmp_path / "other") == tmp_path / "other"
    (tmp_path / FOLDS).unlink()
    assert whole(first) == first


def test_what_is_done(tmp_path: Path):
    assert not holds_weights(tmp_path)
    first, final = fold_folder(tmp_path, 0), tmp_path / "final"
    (first / CHECKPOINT).parent.mkdir(parents=True)
    assert not holds_weights(tmp_path)
    (first / CHECKPOINT).touch()
    assert holds_weights(tmp_path)
    (tmp_path / METRICS).touch()
    assert not finished(tmp_path)
    final.mkdir()
    (final / METRICS).touch()
    assert finished(tmp_path)
