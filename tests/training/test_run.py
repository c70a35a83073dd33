from pathlib import Path

import numpy as np
import pytest
from helpers.everything import settings
from helpers.tiny_data import make_prepared

from emorec.errors import ConfigError
from emorec.modeling.keras_files import load_model
from emorec.training.checkpoint import read_state
from emorec.training.distribution import World
from emorec.training.precision import resolve_precision
from emorec.training.run import TrainingRun
from emorec.training.run_folder import CHECKPOINT, LOG, create
from emorec.training.run_timer import RunTimer
from emorec.training.training_progress import ProgressOptions

pytestmark = pytest.mark.usefixtures("quick_network")


def short(**changes: object) -> dict:
    return {"epochs": 2, "limit": 24, "precision": "auto", **changes}


def test_a_run_begins_with_its_data_and_model(tiny_data: Path) -> None:
    run = TrainingRun.begin(settings(**short(logit_adjustment=1.0)), tiny_data)
    assert run.config.precision in ("float32", "bfloat16")
    assert len(run.data.train_images) == len(run.data.validation_images) == 24
    assert run.model.input_shape == (None, 24, 24, 1)
    assert run.model.layers[-1].name == "adjust_logits"
    assert run.state is None


def test_targets_are_mixed_with_those_of_the_teacher(tiny_data: Path, tiny_run: Path) -> None:
    plain = TrainingRun.begin(settings(**short(labels="soft")), tiny_data)
    config = settings(**short(labels="soft", teacher=[str(tiny_run)], teacher_weight=0.5))
    taught = TrainingRun.begin(config, tiny_data)
    assert taught.config.teacher == (str(tiny_run / "model.onnx"),)
    difference = np.abs(taught.data.train.targets - plain.data.train.targets)
    assert 0.01 < difference.max() <= 0.5
    np.testing.assert_array_equal(taught.data.validation.targets, plain.data.validation.targets)


@pytest.mark.slow
def test_measuring_a_run_leaves_its_weights_unchanged(
    tiny_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    estimates: list[object] = []
    options = ProgressOptions(estimate=lambda *each: estimates.append(each))
    measured = TrainingRun.begin(settings(**short()), tiny_data, options)
    measured.fit()
    assert len(estimates) >= 1
    for name in ("epoch_begin", "train_batch_end", "test_begin", "test_batch_end", "epoch_end"):
        monkeypatch.delattr(RunTimer, f"on_{name}")
    plain = TrainingRun.begin(settings(**short()), tiny_data, options)
    plain.fit()
    assert plain.timer.reported is None
    for first, second in zip(measured.model.get_weights(), plain.model.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)


def test_a_run_without_a_folder_writes_nothing(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = TrainingRun.begin(settings(**short(epochs=2)), tiny_data)
    before = run.model.get_weights()
    run.fit()
    assert any(
        not np.array_equal(old, new)
        for old, new in zip(before, run.model.get_weights(), strict=True)
    )
    assert not list(tmp_path.iterdir())


def test_a_run_is_fitted_resumed_and_finished(tiny_data: Path, tmp_path: Path) -> None:
    run = TrainingRun.begin(settings(**short()), tiny_data)
    folder = create(tmp_path, run.config, run.dataset)
    run.fit(folder)
    assert read_state(folder / CHECKPOINT).epoch == 2
    resumed = TrainingRun.resume(folder)
    assert resumed.config == run.config
    assert resumed.config.precision == resolve_precision("auto") != "auto"
    assert resumed.state is not None
    assert resumed.state.epoch == 2
    resumed.fit(folder)
    result = resumed.finish(folder)
    assert (result.folder, result.interrupted) == (folder, False)
    assert not (folder / CHECKPOINT).exists()


@pytest.mark.slow
def test_fine_tuning_keeps_the_head_and_the_norm_statistics(
    tiny_data: Path, tiny_run: Path
) -> None:
    changes = short(weights=str(tiny_run), trainable_layers=-1, precision="float32")
    changes |= {"freeze_norm_statistics": True, "logit_adjustment": 0.5}
    run = TrainingRun.begin(settings(**changes), tiny_data)
    assert run.head is not None
    assert run.head.new == ()
    trained = load_model(tiny_run / "model.keras")[0]
    images = run.data.validation_images.astype(np.float32)
    np.testing.assert_allclose(np.asarray(run.model(images)), trained(images), atol=1e-5)
    before = run.model.get_weights()
    run.fit()
    changed = {
        variable.name
        for variable, old, new in zip(
            run.model.weights, before, run.model.get_weights(), strict=True
        )
        if not np.array_equal(old, new)
    }
    assert changed == {"kernel", "gamma", "beta", "bias"}


def test_a_run_that_cannot_be_distributed_is_refused(tiny_data: Path) -> None:
    with pytest.raises(ConfigError, match="must be a multiple"):
        TrainingRun.begin(settings(batch_size=12), tiny_data, world=World(devices=5))


def test_files_that_are_no_images_and_whole_photos_are_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = make_prepared(tmp_path / "raw", votes=False)
    (data / "train/happy/notes.txt").touch()
    run = TrainingRun.begin(settings(**short()), data)
    folder = create(tmp_path / "runs", run.config, run.dataset)
    monkeypatch.setattr(TrainingRun, "fit", lambda *_: None)
    monkeypatch.setattr(TrainingRun, "finish", lambda *_: None)
    monkeypatch.setattr("emorec.training.run_start.whole_photos_note", lambda dataset: "are photos")
    run.complete(folder)
    log = (folder / LOG).read_text()
    assert f"WARNING {data}: left out: 1 .txt\n" in log
    assert log.count(f"WARNING {data}: it is not known who is on which image: the same ") == 1
    assert f"WARNING {data}: are photos\n" in log
