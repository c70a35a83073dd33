from pathlib import Path

import pytest
from helpers.onnx_models import METADATA, write_tiny_model

from emorec.errors import ModelError
from emorec.inference import model_speed
from emorec.inference.model_speed import milliseconds_per_face


@pytest.mark.parametrize("color", ["gray", "rgb"])
def test_the_median_of_the_measured_runs(tmp_path: Path, monkeypatch, color: str) -> None:
    # Two readings of the clock for each run; the first runs, which take a second, are not counted.
    readings = [time for run in range(5) for time in (2 * run, 2 * run + 1)]
    for start, milliseconds in zip((100, 200, 300), (3, 1, 2), strict=True):
        readings += [start, start + milliseconds / 1000]
    monkeypatch.setattr(model_speed, "RUNS", 3)
    monkeypatch.setattr(model_speed.time, "perf_counter", iter(readings).__next__)
    path = write_tiny_model(tmp_path / "tiny.onnx", METADATA.replaced(color=color))
    assert milliseconds_per_face(path) == [pytest.approx(2, abs=1e-6)]


def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model file"):
        milliseconds_per_face(tmp_path / "none.onnx")
