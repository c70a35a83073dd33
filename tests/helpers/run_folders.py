"""Run folders that were not trained."""

import json
from pathlib import Path
from typing import Any

HISTORY = """\
epoch,stage,learning_rate,accuracy,loss,val_accuracy,val_loss
1,1,0.1,0.2,1.8,0.3,1.6
2,1,0.05,0.4,1.5,0.5,1.3
3,1,0.0,0.5,1.2,0.4,1.4
"""
METRICS: dict[str, Any] = {
    "best_epoch": 2,
    "epochs": 3,
    "parameters": 1000,
    "accuracy": 0.5,
    "accuracy_interval": [0.45, 0.55],
    "balanced_accuracy": 0.4,
    "macro_f1": 0.3,
    "macro_f1_interval": [0.2, 0.4],
    "loss": 1.25,
    "calibration_error": 0.04,
}
LOG = """\
2026-01-01 10:00:00,000 INFO epoch 1: loss 1.8
2026-01-01 10:01:30,500 INFO best epoch 2
"""


def predictions(*rows: str) -> str:
    return "\n".join(["path,label,predicted", *rows]) + "\n"


def make_run(
    folder: Path,
    *,
    settings: str = "epochs: 3",
    fingerprint: str = "abc",
    finished: bool = True,
    folds: int | None = None,
) -> Path:
    """Write a run folder, or that of a cross-validation, without models."""
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(f"arch: compact\n{settings}\naugmentation: {{zoom: 0.0}}\n")
    environment = {"data": f"/data/{fingerprint}", "data_fingerprint": fingerprint}
    (folder / "environment.json").write_text(json.dumps(environment))
    if folds is None:
        (folder / "history.csv").write_text(HISTORY)
        (folder / "train.log").write_text(LOG)
        if finished:
            (folder / "metrics.json").write_text(json.dumps(METRICS))
        return folder
    images = [{"path": f"{n}.png", "group": None, "fold": n + 1} for n in range(folds)]
    plan = {"format": 1, "folds": folds, "seed": 0, "images": images}
    (folder / "folds.json").write_text(json.dumps(plan))
    metrics = {"epochs": 2, "accuracy_by_epoch": [0.25, 0.5], "pooled": METRICS}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    (folder / "predictions.csv").write_text(predictions("a.png,sad,sad", "b.png,happy,sad"))
    (folder / "final").mkdir()
    (folder / "final/metrics.json").write_text("{}")
    return folder
