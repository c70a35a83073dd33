from pathlib import Path

import numpy as np
import pytest
from helpers.onnx_models import write_tiny_model

from emorec.datasets.manifest import read_prepared
from emorec.errors import ModelError
from emorec.evaluation.quantization_cost import QuantizationCost, measure_quantization


@pytest.fixture(scope="module")
def cost(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> QuantizationCost:
    """The cost of replacing a model by another one of the same shape."""
    folder = tmp_path_factory.mktemp("models")
    paths = [write_tiny_model(folder / f"{seed}.onnx", seed=seed) for seed in (0, 1)]
    return measure_quantization(paths[0], paths[1], read_prepared(tiny_data), limit=30)


def test_the_figures(cost: QuantizationCost, tiny_data: Path) -> None:
    before, after = cost.evaluations
    assert [before.model.name, after.model.name] == ["0.onnx", "1.onnx"]
    assert before.scores.images == after.scores.images == 30
    difference = np.abs(before.probabilities - after.probabilities)
    assert cost.largest_difference == difference.max() > 0
    lost = before.scores.accuracy - after.scores.accuracy
    assert cost.lost_points == pytest.approx(100 * lost)
    assert cost.sizes == (before.model.stat().st_size, after.model.stat().st_size)
    assert all(0 < value < 1000 for value in cost.milliseconds)


def test_a_model_does_not_differ_from_itself(tiny_data: Path, tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "model.onnx")
    cost = measure_quantization(path, path, read_prepared(tiny_data), limit=7)
    assert (cost.lost_points, cost.largest_difference) == (0, 0)
    cost.check(0)


def test_the_check_of_the_accuracy(cost: QuantizationCost) -> None:
    worse = (
        cost
        if cost.lost_points > 0
        else QuantizationCost(
            (cost.evaluations[1], cost.evaluations[0]), cost.sizes, cost.milliseconds
        )
    )
    assert worse.lost_points > 0
    worse.check(worse.lost_points + 0.1)
    with pytest.raises(ModelError, match=r"the accuracy falls from 0\.\d+ to 0\.\d+, by .* points"):
        worse.check(worse.lost_points - 0.1)
