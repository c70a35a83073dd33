import csv
import io
from pathlib import Path

import numpy as np
import pytest
from helpers.metadata_example import METADATA
from helpers.people_data import LABELS, make_people

from emorec.datasets.manifest import Examples, PreparedDataset, read_prepared
from emorec.errors import DataError
from emorec.evaluation.assessment import assess
from emorec.evaluation.fold_scores import EpochChoice, cross_validation
from emorec.training.config import TrainConfig
from emorec.training.fold_data import fold_dataset, plan_folds
from emorec.training.fold_folder import FoldPlan, fold_folder
from emorec.training.fold_predictions import write_logits
from emorec.training.pooled_predictions import count_correct, pool, predictions_csv
from emorec.training.run_data import select

CONFIG = TrainConfig(epochs=2)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> PreparedDataset:
    return read_prepared(make_people(tmp_path_factory.mktemp("people") / "data", 4, 1))


@pytest.fixture(scope="module")
def plan(people: PreparedDataset) -> FoldPlan:
    return plan_folds(CONFIG, people, 2, 0)


def write_folds(folder: Path, people: PreparedDataset, plan: FoldPlan) -> None:
    """The first fold is right after the first epoch, the second after the second one."""
    for fold in range(2):
        _, examples = select(CONFIG, fold_dataset(people, plan, fold))
        part = fold_folder(folder, fold)
        part.mkdir()
        for epoch in (1, 2):
            right = epoch == fold + 1
            logits = examples.targets if right else np.roll(examples.targets, 1, axis=1)
            write_logits(part, epoch, (logits * (10 * fold + epoch)).astype(np.float32))


def test_the_predictions_of_all_folds_are_in_the_order_of_the_images(
    tmp_path: Path, people: PreparedDataset, plan: FoldPlan
):
    write_folds(tmp_path, people, plan)
    found = pool(tmp_path, CONFIG, people, plan)
    _, examples = select(CONFIG, fold_dataset(people, plan, None), "train")
    np.testing.assert_array_equal(found.fold_of_image, plan.fold_of_path + 1)
    # Each fold alone would have taken its right epoch; the other one takes the wrong one.
    assert (found.choice.of_folds, found.choice.final) == ((2, 1), 2)
    np.testing.assert_array_equal(found.accuracies, [[1, 0], [0, 1]])
    scale = np.where(found.fold_of_image == 1, 2, 11)[:, None]
    np.testing.assert_array_equal(found.logits, np.roll(examples.targets, 1, axis=1) * scale)


def test_a_fold_that_is_missing(tmp_path: Path, people: PreparedDataset, plan: FoldPlan):
    with pytest.raises(DataError, match="fold-01"):
        pool(tmp_path, CONFIG, people, plan)


def test_correct_predictions_are_counted():
    examples = Examples([], np.eye(3, dtype=np.float32)[[0, 1, 2, 0]], LABELS)
    assert count_correct(np.zeros((0, 4, 3), np.float32), examples).tolist() == []
    logits = np.stack([examples.targets, np.roll(examples.targets, 1, axis=1)])
    logits[1, 0] = [1, 0, 0]
    assert count_correct(logits, examples).tolist() == [4, 1]


@pytest.mark.parametrize("groups", [None, ["S1", "=1+1", ""]])
def test_the_predictions_as_csv(groups: list[str] | None):
    names = METADATA.labels
    targets = np.eye(7, dtype=np.float32)[[0, 1, 2]]
    paths = [Path("data/train/a.png"), Path("data/=b.png"), Path("data/c.png")]
    column = None if groups is None else np.array(groups)
    evaluation = assess(
        Path("model.onnx"),
        METADATA.replaced(temperature=1.0),
        Examples(paths, targets, names, None, column),
        images=np.zeros((3, 4, 4, 1), np.uint8),
        logits=2 * targets,
    )
    choice = EpochChoice((1, 1), 1)
    figures = cross_validation(evaluation, np.array([1, 2, 1]), choice, np.ones((2, 1)))
    rows = list(csv.DictReader(io.StringIO(predictions_csv(figures, Path("data")))))
    assert [row["path"] for row in rows] == ["train/a.png", "'=b.png", "c.png"]
    assert [row["group"] for row in rows] == (["S1", "'=1+1", ""] if groups else [""] * 3)
    assert [row["fold"] for row in rows] == ["1", "2", "1"]
    assert [row["label"] for row in rows] == list(names[:3])
    for row, probabilities in zip(rows, evaluation.probabilities, strict=True):
        assert row["predicted"] == names[probabilities.argmax()]
        shares = [float(row[f"p_{name}"]) for name in names]
        assert shares == pytest.approx(probabilities.tolist(), abs=1e-6)
