import csv
import json
from pathlib import Path

import numpy as np
import pytest
from helpers.everything import settings

from emorec.datasets.manifest import read_prepared
from emorec.errors import ModelError
from emorec.labels import EMOTIONS_7
from emorec.modeling.keras_files import load_model
from emorec.training import finish as module
from emorec.training.checkpoint import RunState, values, write_state
from emorec.training.config import TrainConfig
from emorec.training.finish import finish
from emorec.training.run_data import RunData, load, select
from emorec.training.run_folder import CHECKPOINT, clean
from emorec.training.run_model import build

CONFIG = settings(
    limit=28, flip_average=False, model_name="quick", model_version="3", default_prior=0.5
)


pytestmark = pytest.mark.usefixtures("quick_network")


@pytest.fixture(scope="module")
def data(tiny_data: Path) -> RunData:
    return load(*select(CONFIG, read_prepared(tiny_data)), 24)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run folder with the checkpoint of two epochs, the first of them the best."""
    clean(tmp_path)
    figures = {"stage": 1, "learning_rate": 0.1, "loss": 1.0, "accuracy": 0.5, "val_loss": 1.0}
    history = [
        {"epoch": epoch, **figures, "val_accuracy": accuracy}
        for epoch, accuracy in ((1, 0.75), (2, 0.5))
    ]
    best = values(build(CONFIG, 7, seed=4).weights)
    write_state(tmp_path / CHECKPOINT, RunState(history, [], [], best))
    return tmp_path


def test_the_model_and_the_metrics_are_those_of_the_best_epoch(folder: Path, data: RunData) -> None:
    steps: list[tuple[str, int, int]] = []
    result = finish(folder, CONFIG, data, progress=lambda *step: steps.append(step))
    assert [done for _, done, _ in steps] == [0, 1, 2, 3, 4, 5]
    assert steps[4] == ("exporting to ONNX (step 5 of 6)", 4, 6)
    assert (result.folder, result.best_epoch, result.interrupted) == (folder, 1, False)
    assert not (folder / CHECKPOINT).exists()
    model, metadata = load_model(folder / "model.keras")
    for saved, expected in zip(
        model.get_weights(), build(CONFIG, 7, seed=4).get_weights(), strict=True
    ):
        np.testing.assert_array_equal(saved, expected)
    assert (metadata.name, metadata.version, metadata.labels) == ("quick", "3", EMOTIONS_7)
    # 28 images are too few for a temperature.
    assert (metadata.temperature, metadata.calibration_images) == (1, 28)
    assert result.calibration_images == 28
    assert metadata.prior == pytest.approx([1 / 7] * 7)
    metrics = json.loads((folder / "metrics.json").read_text())
    assert (metrics["split"], metrics["best_epoch"], metrics["epochs"]) == ("validation", 1, 2)
    assert metrics["parameters"] == model.count_params()
    assert metrics["temperature"] == metadata.temperature
    assert metrics["tau"] == 0.5
    assert metrics["parity"]["faces"] == 28
    assert metrics["parity"]["largest_probability_difference"] < 1e-4
    predicted = np.asarray(model(data.validation_images.astype(np.float32)))
    assert np.isfinite(predicted).all()
    with (folder / "per_class.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows] == list(EMOTIONS_7)
    assert sum(int(row["images"]) for row in rows) == 28


@pytest.mark.slow
def test_the_checkpoint_of_an_interrupted_run_stays(
    folder: Path, data: RunData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "export_onnx", lambda *_, **__: 0.0)
    assert finish(folder, CONFIG, data, interrupted=True).interrupted
    assert (folder / CHECKPOINT).exists()


@pytest.mark.slow
def test_a_failed_export_keeps_the_keras_file_and_the_metrics(
    folder: Path, data: RunData, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> float:
        raise ModelError("the models disagree")

    monkeypatch.setattr(module, "export_onnx", fail)
    with pytest.raises(ModelError, match="disagree"):
        finish(folder, CONFIG, data)
    assert load_model(folder / "model.keras")[1].name == "quick"
    assert "parity" not in json.loads((folder / "metrics.json").read_text())
    assert (folder / CHECKPOINT).exists()


@pytest.mark.slow
def test_a_model_has_the_name_of_its_run_by_default(
    folder: Path, data: RunData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "export_onnx", lambda *_, **__: 0.0)
    finish(folder, TrainConfig(**{**CONFIG.model_dump(), "model_name": None}), data)
    assert load_model(folder / "model.keras")[1].name == folder.name
    title = f"<title>{folder.name} 3: evaluation</title>"
    assert title in (folder / "report.html").read_text()
