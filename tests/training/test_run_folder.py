import json
import logging
import os
from pathlib import Path

import pytest

from emorec.datasets.fingerprint import fingerprint
from emorec.datasets.manifest import read_prepared
from emorec.errors import DataError
from emorec.json_files import read_json
from emorec.models.files import ENVIRONMENT
from emorec.training import run_folder
from emorec.training.config import TrainConfig


def test_two_runs_of_one_second_have_two_folders(tiny_data: Path, tmp_path: Path) -> None:
    dataset = read_prepared(tiny_data)
    folders = [run_folder.create(tmp_path, TrainConfig(), dataset) for _ in range(3)]
    assert len(set(folders)) == 3
    assert all("-compact" in folder.name for folder in folders)


def test_the_description_of_a_run_is_read_again(tiny_data: Path, tmp_path: Path) -> None:
    dataset, config = read_prepared(tiny_data), TrainConfig(epochs=3, seed=5)
    folder = run_folder.create(tmp_path, config, dataset)
    found, environment = run_folder.read(folder)
    assert found == config
    assert environment.keys() == {
        "command",
        "data",
        "data_fingerprint",
        "emorec",
        "keras_backend",
        "packages",
        "platform",
        "processor",
        "python",
        "run",
        "seed",
        "started",
    }
    assert (environment["seed"], environment["data"]) == (5, str(tiny_data.resolve()))
    assert environment["data_fingerprint"] == fingerprint(dataset)


def test_the_name_of_a_model_is_that_of_its_run(tiny_data: Path, tmp_path: Path) -> None:
    config = TrainConfig()
    folder = run_folder.create(tmp_path, config, read_prepared(tiny_data))
    name = folder.name
    assert run_folder.model_name(folder, config) == name
    moved = folder.rename(tmp_path / "best")
    assert run_folder.model_name(moved, config) == name
    assert run_folder.model_name(moved, TrainConfig(model_name="mine")) == "mine"
    for description in ("{}", '{"run": 3}'):
        (moved / ENVIRONMENT).write_text(description)
        assert run_folder.model_name(moved, config) == "best"


def test_a_run_folder_of_version_0_1_0_is_read(tiny_data: Path, tmp_path: Path) -> None:
    folder = run_folder.create(tmp_path, TrainConfig(), read_prepared(tiny_data))
    config = folder / run_folder.CONFIG
    old = config.read_text().replace("mix_off_epochs: 0", "calm_epochs: 2")
    config.write_text(
        old.replace("model_name: null", "model_name: emorec-compact") + "partner: null\n"
    )
    assert run_folder.read(folder)[0].mix_off_epochs == 2
    assert run_folder.read(folder)[0].model_name == "emorec-compact"


def test_the_fingerprint_depends_on_the_labels(tiny_data: Path) -> None:
    dataset = read_prepared(tiny_data)
    before = fingerprint(dataset)
    dataset.labels[0] = "other"
    assert fingerprint(dataset) != before


@pytest.mark.parametrize("weights", [True, False])
def test_a_failed_run_without_weights_is_removed(tmp_path: Path, weights: bool) -> None:
    folder = tmp_path / "run"
    (folder / run_folder.CHECKPOINT).parent.mkdir(parents=True)
    if weights:
        (folder / run_folder.CHECKPOINT).touch()
    with pytest.raises(KeyboardInterrupt), run_folder.removed_without_weights(folder):
        raise KeyboardInterrupt
    assert folder.exists() is weights


def test_a_run_is_finished_when_its_checkpoint_is_gone(tmp_path: Path) -> None:
    run_folder.clean(tmp_path)
    assert not run_folder.finished(tmp_path)
    (tmp_path / run_folder.CHECKPOINT).touch()
    (tmp_path / run_folder.METRICS).touch()
    assert not run_folder.finished(tmp_path)
    (tmp_path / run_folder.CHECKPOINT).unlink()
    assert run_folder.finished(tmp_path)
    assert run_folder.holds_weights(tmp_path)


def test_two_processes_cannot_use_a_run(tmp_path: Path) -> None:
    (tmp_path / run_folder.CONFIG).touch()
    with run_folder.in_use(tmp_path):
        with pytest.raises(DataError) as caught, run_folder.in_use(tmp_path):
            pass
        assert str(caught.value).startswith(
            f"{tmp_path}: another emorec train uses this run (process {os.getpid()} on "
        )
    assert [path.name for path in tmp_path.iterdir()] == [run_folder.CONFIG]


def test_a_folder_that_is_no_run_is_not_locked(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a run folder"), run_folder.in_use(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_cleaning_removes_partial_files(tmp_path: Path) -> None:
    run_folder.clean(tmp_path)
    partial = [tmp_path / ".partial-1-curves.png", tmp_path / "checkpoints" / ".partial-1-last.npz"]
    for path in partial:
        path.write_bytes(b"half")
    run_folder.clean(tmp_path)
    assert not any(path.exists() for path in partial)


def test_log_messages_go_to_the_file_within_the_context(tmp_path: Path) -> None:
    logger = logging.getLogger("emorec.training.test")
    with run_folder.logging_to(tmp_path / "train.log"):
        logger.info("inside")
    logger.info("outside")
    text = (tmp_path / "train.log").read_text()
    assert text.endswith("INFO inside\n")
    assert "outside" not in text


def test_the_history_has_one_row_an_epoch(tmp_path: Path) -> None:
    run_folder.write_history(tmp_path, [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25}])
    assert (tmp_path / "history.csv").read_text() == "epoch,loss\n1,0.5\n2,0.25\n"


def test_a_large_json_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "metrics.json"
    path.write_text(json.dumps({"a": 1}))
    assert read_json(path) == {"a": 1}
    monkeypatch.setattr("emorec.json_files.MAX_JSON_BYTES", 3)
    with pytest.raises(DataError, match="too large: a JSON file has at most 3 bytes"):
        read_json(path)
