"""The history of a run in a local MLflow store, read back with MLflow's own client."""

import csv
import json
import os
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from helpers.finished_run import make_finished_run

from emorec.training.config import TrainConfig, read_config
from emorec.training.run_tracking import FILES, tracked, tracked_before

pytestmark = pytest.mark.slow


def kill(folder: Path, config: TrainConfig, history: list[dict[str, float]]) -> None:
    with tracked(folder, config, ["mlflow"]) as tracking:
        tracking.log_epochs(history)
        raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("MLFLOW_"):
            monkeypatch.delenv(name)


def test_a_killed_and_resumed_run_is_one_tracked_run(tmp_path: Path) -> None:
    pytest.importorskip("mlflow")
    pytest.importorskip("sqlalchemy")
    folder = make_finished_run(tmp_path / "runs")
    with (folder / "history.csv").open() as file:
        history = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
    config = read_config(folder / "config.yaml")

    with pytest.raises(KeyboardInterrupt):
        kill(folder, config, history[:2])
    from mlflow import MlflowClient

    uri = f"sqlite:///{folder.parent / 'mlflow.db'}"
    client = MlflowClient(tracking_uri=uri)
    run_id = tracked_before(folder)["mlflow"]
    assert client.get_run(run_id).info.status == "KILLED"

    with tracked(folder, config, tracked_before(folder)) as tracking:
        tracking.log_epochs(history)
        tracking.finish("finished", FILES)
    experiment = client.get_experiment_by_name("emorec")
    assert experiment is not None
    (found,) = client.search_runs([experiment.experiment_id])
    assert (found.info.run_id, found.info.status) == (run_id, "FINISHED")
    assert found.info.user_id in ("", "unknown")
    assert found.data.params["epochs"] == "3"
    assert found.data.params["augmentation.rotation"] == "20.0"
    assert found.data.tags["emorec.packages.keras"]
    assert not {"mlflow.source.git.commit", "mlflow.source.name"} & found.data.tags.keys()
    for name in ("loss", "val_accuracy", "learning_rate"):
        points = client.get_metric_history(run_id, name)
        assert [(point.step, point.value) for point in points] == [
            (row["epoch"], row[name]) for row in history
        ]
    metrics = json.loads((folder / "metrics.json").read_text())
    assert found.data.metrics["final/macro_f1"] == metrics["macro_f1"]
    stored = folder.parent / "mlartifacts" / run_id / "artifacts"
    assert {path.name for path in stored.iterdir()} == {*FILES}
    assert (stored / "model.onnx").read_bytes() == (folder / "model.onnx").read_bytes()
    assert uri in tracking.places[0]

    (model,) = client.search_logged_models([experiment.experiment_id])
    assert (model.source_run_id, model.name) == (run_id, folder.name)
    pytest.importorskip("pandas")
    import mlflow

    mlflow.set_tracking_uri(uri)
    loaded = mlflow.pyfunc.load_model(model.model_uri)
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    size = session.get_inputs()[0].shape[1]
    answer = loaded.predict({"image": np.zeros((2, size, size, 1), np.float32)})
    assert answer["probabilities"].sum(axis=1) == pytest.approx([1, 1], abs=1e-5)


def test_a_foreign_id_begins_a_new_run(tmp_path: Path) -> None:
    """A run folder of somebody else must not write into a run that the user has."""
    pytest.importorskip("mlflow")
    pytest.importorskip("sqlalchemy")
    config = TrainConfig()
    ids = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "environment.json").write_text("{}")
        if ids:
            (folder / "tracking.json").write_text(json.dumps({"mlflow": ids[0]}))
        with tracked(folder, config, ["mlflow"]) as tracking:
            tracking.finish("finished")
        ids.append(tracked_before(folder)["mlflow"])
    assert ids[0] != ids[1]
