"""A run folder with the files that trackers receive, made without a training."""

import csv
import json
import shutil
from pathlib import Path

from emorec import resources
from emorec.training.config import TrainConfig
from emorec.training.run_tracking import FILES

METRICS = {"split": "validation", "accuracy": 0.625, "macro_f1": 0.5, "epochs": 3, "per_class": []}

HISTORY = [
    {
        "epoch": epoch,
        "stage": 1,
        "learning_rate": 0.1 / epoch,
        "accuracy": 0.2 * epoch,
        "loss": 2 / epoch,
        "val_accuracy": 0.15 * epoch,
    }
    for epoch in (1, 2, 3)
]


def make_finished_run(parent: Path) -> Path:
    """Create the folder in a folder; its model is the one of the package."""
    folder = parent / "20260101-120000-compact"
    folder.mkdir(parents=True)
    for name in FILES:
        (folder / name).write_bytes(name.encode())
    shutil.copyfile(resources.shipped_model(), folder / "model.onnx")
    (folder / "config.yaml").write_text(TrainConfig(epochs=3).to_yaml())
    environment = {"run": folder.name, "python": "3", "packages": {"keras": "3.15"}}
    (folder / "environment.json").write_text(json.dumps(environment))
    (folder / "metrics.json").write_text(json.dumps(METRICS))
    with (folder / "history.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(HISTORY[0]))
        writer.writeheader()
        writer.writerows(HISTORY)
    return folder
