from pathlib import Path

from helpers.onnx_models import write_tiny_model

from emorec.cli.quantization_text import quantization_text, quantization_values
from emorec.datasets.manifest import read_prepared
from emorec.evaluation.quantization_cost import measure_quantization


def test_rows(tiny_data: Path, tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "model.onnx")
    cost = measure_quantization(path, path, read_prepared(tiny_data), limit=7)
    values = quantization_values(cost)
    assert (values["images"], values["largest_difference"]) == (7, 0)
    scores = cost.evaluations[0].scores
    assert values["before"] == {
        "bytes": path.stat().st_size,
        "accuracy": scores.accuracy,
        "balanced_accuracy": scores.balanced_accuracy,
        "milliseconds_per_face": cost.milliseconds[0],
    }
    lines = quantization_text(cost).splitlines()
    assert lines[0].split() == ["before", "after"]
    accuracy = f"{cost.evaluations[0].scores.accuracy:.4f}"
    assert lines[2].split() == ["accuracy", accuracy, accuracy]
    assert [line[:18].strip() for line in lines[1:5]] == [
        "size (MB)",
        "accuracy",
        "balanced accuracy",
        "ms a face",
    ]
    assert lines[5] == (
        "largest difference of a probability: 0.000, on 7 validation images at tau 0"
    )
