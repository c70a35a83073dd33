from pathlib import Path

import keras
import numpy as np
import pytest
from helpers.everything import settings

from emorec.datasets.manifest import read_prepared
from emorec.errors import ConfigError, DataError, ModelError
from emorec.training import run_folder
from emorec.training.checkpoint import RunState, write_state
from emorec.training.run_start import checkpointed_state, reopen, resolved


def test_settings_are_resolved_once(tiny_data: Path, tiny_run: Path):
    dataset = read_prepared(tiny_data)
    config = settings(precision="auto", labels="auto", weights=str(tiny_run))
    found = resolved(config, dataset)
    assert found.precision in ("float32", "bfloat16")
    assert found.labels == "soft"
    assert found.weights == str((tiny_run / "model.keras").resolve())
    assert resolved(found, dataset) == found
    with pytest.raises(ModelError, match="nope"):
        resolved(settings(weights="nope"), dataset)


def test_a_run_is_reopened(tiny_run: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch):
    config, dataset = reopen(tiny_run, None)
    assert config == run_folder.read(tiny_run)[0]
    assert dataset.root == tiny_data
    monkeypatch.setattr(keras.backend, "backend", lambda: "other")
    with pytest.raises(ConfigError, match="set KERAS_BACKEND="):
        reopen(tiny_run, None)


def test_another_data_set_is_refused(tiny_run: Path, tiny_data: Path, tmp_path: Path):
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "train").symlink_to(tiny_data / "train")
    with pytest.raises(DataError, match="the data set differs from that of"):
        reopen(tiny_run, tree)


def test_the_state_of_a_run(tmp_path: Path):
    assert checkpointed_state(tmp_path) is None
    run_folder.clean(tmp_path)
    rows = [{"epoch": 1.0, "stage": 1.0, "loss": 0.5}]
    write_state(tmp_path / run_folder.CHECKPOINT, RunState(rows, [], [], [np.zeros(2)]))
    state = checkpointed_state(tmp_path)
    assert state is not None
    assert state.history == rows
