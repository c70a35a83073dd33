"""Trials that are really trained, with a small network in this process."""

import json
from pathlib import Path
from typing import Any

import pytest

from emorec.api.runs import resume_training
from emorec.training.config import read_config
from emorec.training.trial_worker import run_trial

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("quick_network")]


class Stop(Exception):  # noqa: N818
    pass


def test_a_trial_is_the_run_of_its_settings(
    tiny_run: Path, tiny_data: Path, tmp_path: Path
) -> None:
    """Stopped after an epoch, continued, and finished as a run, with the figures of that run."""
    config = read_config(tiny_run / "config.yaml").model_copy(update={"model_name": None})
    folder = tmp_path / "trial-001"
    folder.mkdir()
    job: dict[str, Any] = {
        "config": config.model_dump(mode="json"),
        "data": str(tiny_data),
        "folder": str(folder),
        "objective": "balanced_accuracy",
    }
    told: list[dict[str, Any]] = []
    epochs: list[dict[str, Any]] = []

    def stop(message: dict[str, Any]) -> None:
        epochs.append(message)
        if message["epoch"] == 2:
            raise Stop

    with pytest.raises(Stop):
        run_trial(job, told.append, stop)
    first = [entry["value"] for entry in epochs]
    epochs.clear()
    figures = run_trial(job, told.append, epochs.append)
    assert [entry["epoch"] for entry in epochs] == [1, 2, 3, 4, 5, 6]
    assert [entry["value"] for entry in epochs][:2] == first
    assert (folder / "history.csv").read_text() == (tiny_run / "history.csv").read_text()
    expected = json.loads((tiny_run / "metrics.json").read_text())
    assert figures.values == {name: expected[name] for name in figures.values}
    assert figures.intervals["macro_f1"] == tuple(expected["macro_f1_interval"])
    assert (figures.images, figures.best_epoch) == (expected["images"], expected["best_epoch"])
    kept = epochs[figures.best_epoch - 1]["value"]
    assert 0 <= kept <= 1
    assert {"step", "progress"} <= {name for message in told for name in message}
    assert not (folder / "logits").exists()
    result = resume_training(folder)
    assert result is not None
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["accuracy"] == figures.values["accuracy"]
    assert (folder / "model.onnx").is_file()
