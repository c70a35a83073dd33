"""The history of a run that wandb wrote offline."""

import csv
import json
import os
from pathlib import Path

import pytest
from helpers.finished_run import make_finished_run
from helpers.wandb_records import read_offline

from emorec.training.config import TrainConfig, read_config
from emorec.training.run_tracking import FILES, tracked, tracked_before

pytestmark = pytest.mark.slow


def kill(folder: Path, config: TrainConfig, history: list[dict[str, float]]) -> None:
    with tracked(folder, config, ["wandb"]) as tracking:
        tracking.log_epochs(history)
        raise KeyboardInterrupt


def test_a_killed_and_resumed_run_has_one_id_and_all_epochs(
    tiny_run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("wandb")
    for name in list(os.environ):
        if name.startswith("WANDB_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("WANDB_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("WANDB_DATA_DIR", str(tmp_path / "staging"))
    folder = make_finished_run(tmp_path / "runs")
    with (folder / "history.csv").open() as file:
        history = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
    config = read_config(folder / "config.yaml")

    with pytest.raises(KeyboardInterrupt):
        kill(folder, config, history[:2])
    with tracked(folder, config, tracked_before(folder)) as tracking:
        tracking.log_epochs(history)
        tracking.finish("finished", FILES)
    run_id = tracked_before(folder)["wandb"]
    killed, whole = sorted((folder.parent / "wandb").glob(f"offline-run-*-{run_id}*"), key=str)
    first, second = read_offline(killed), read_offline(whole)
    assert (first.run_id, second.run_id, second.project) == (run_id, run_id, "emorec")
    assert (first.exit_code, second.exit_code) == (130, 0)
    assert len(first.rows) == 2
    for row, expected in zip(second.rows, history, strict=True):
        assert row["_step"] == expected["epoch"]
        for name in ("loss", "val_accuracy", "learning_rate"):
            assert row[name] == pytest.approx(expected[name], rel=1e-12)
    metrics = json.loads((folder / "metrics.json").read_text())
    assert second.summary["final/accuracy"] == metrics["accuracy"]
    assert second.config["epochs"] == 3
    assert second.config["environment"]["python"]
    assert second.artifact_files == {*FILES}
    # Nothing of the machine, the console or the code.
    assert not second.kinds & {"output", "output_raw", "stats", "files"}
    assert second.host == "unnamed"
    assert "wandb sync" in tracking.places[0]
    out, err = capfd.readouterr()
    assert "wandb" not in out + err
