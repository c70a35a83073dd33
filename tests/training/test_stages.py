from pathlib import Path

import keras
import numpy as np
import pytest
from conftest import TINY_SETTINGS
from helpers.metadata_example import METADATA

from emorec.modeling.build import build_classifier
from emorec.modeling.classifier_parts import backbone_of
from emorec.modeling.finetune import set_trainable_layers
from emorec.modeling.keras_files import save_model
from emorec.training import run_folder
from emorec.training.checkpoint import History, values
from emorec.training.config import TrainConfig, validated
from emorec.training.config_groups import NO_AUGMENTATION, StageConfig
from emorec.training.optimizer import make_optimizer
from emorec.training.runner import resume, train
from emorec.training.stages import Stage, is_done, stages_of
from emorec.training.training_progress import TrainingProgress

LAST = 20


def settings(start: Path, **changes) -> TrainConfig:
    return validated(
        {
            **TINY_SETTINGS,
            "schedule": "constant",
            "weights": str(start / "model.keras"),
            "head_epochs": 1,
            "head_learning_rate": 0.02,
            "learning_rate": 0.01,
            "epochs": 1,
            "trainable_layers": LAST,
            "augmentation": NO_AUGMENTATION,
            **changes,
        },
        "the test",
    )


def test_a_plain_run_has_one_stage() -> None:
    config = StageConfig(epochs=5, learning_rate=0.3, patience=4)
    assert stages_of(config, None) == (Stage(1, 0, 5, 0.3, None, 4),)


@pytest.mark.parametrize(
    ("changes", "rates", "layers"),
    [
        ({}, (0.02, 0.01), LAST),
        ({"head_learning_rate": None}, (0.01, 0.01), LAST),
        ({"trainable_layers": None}, (0.02, 0.01), -1),
    ],
)
def test_the_head_is_trained_first(
    changes: dict[str, int | None], rates: tuple[float, float], layers: int
) -> None:
    config = settings(Path("run"), head_epochs=3, epochs=4, patience=2, **changes)
    assert stages_of(config, config.trainable_layers) == (
        Stage(1, 0, 3, rates[0], 0, None),
        Stage(2, 3, 7, rates[1], layers, 2),
    )


@pytest.mark.parametrize(
    ("stop", "ends", "schedules"),
    [
        (None, (3, 7), (3, 4)),
        (9, (3, 7), (3, 4)),
        (7, (3, 7), (3, 4)),
        (5, (3, 5), (3, 4)),
        (3, (3,), (3,)),
        (2, (2,), (3,)),
    ],
)
def test_a_run_may_stop_before_its_schedule_ends(
    stop: int | None, ends: tuple[int, ...], schedules: tuple[int, ...]
) -> None:
    config = StageConfig(head_epochs=3, epochs=4, stop_after=stop)
    stages = stages_of(config, LAST)
    assert tuple(stage.end for stage in stages) == ends
    assert tuple(stage.schedule_epochs for stage in stages) == schedules
    assert config.last_epoch == ends[-1]
    assert [is_done(stage, rows(1)) for stage in stages] == [False] * len(stages)


def rows(*stages: int) -> History:
    return [{"epoch": i, "stage": n, "val_accuracy": 0.5} for i, n in enumerate(stages, 1)]


@pytest.mark.parametrize(
    ("history", "first", "second"),
    [
        ([], False, False),
        (rows(1, 1), False, False),
        (rows(1, 1, 1), True, False),
        (rows(1, 1, 1, 2, 2), True, False),
        (rows(1, 1, 1, 2, 2, 2), True, True),
        (rows(1, 1, 1, 2, 2, 2, 2), True, True),
    ],
)
def test_a_stage_ends_with_its_epochs_or_its_patience(
    history: History, first: bool, second: bool
) -> None:
    # The patience of two epochs counts in the second stage alone.
    stages = stages_of(StageConfig(head_epochs=3, epochs=4, patience=2), LAST)
    assert tuple(is_done(stage, history) for stage in stages) == (first, second)


def test_each_stage_trains_its_layers_only() -> None:
    keras.utils.set_random_seed(0)
    config = settings(Path("run"), weight_decay=0.1)
    model = build_classifier("compact", 7, image_size=16)
    backbone = backbone_of(model)
    images = np.random.default_rng(0).uniform(0, 255, (14, 16, 16, 1)).astype(np.float32)
    targets = np.eye(7, dtype=np.float32)[np.arange(14) % 7]
    for stage, free in zip(stages_of(config, LAST), (0, LAST), strict=True):
        before = values(model.variables)
        set_trainable_layers(backbone, stage.trainable_layers)
        model.compile(
            make_optimizer(config, model, stage.learning_rate),
            keras.losses.CategoricalCrossentropy(from_logits=True),
        )
        model.fit(images, targets, batch_size=7, verbose=0)
        changed = {
            id(variable)
            for variable, old in zip(model.variables, before, strict=True)
            if not np.array_equal(keras.ops.convert_to_numpy(variable), old)
        }
        # Moving statistics of norms are variables too: frozen ones stay, bit for bit.
        last = backbone.layers[-free:] if free else []
        freed = {id(variable) for layer in last for variable in layer.variables}
        head = {id(variable) for variable in model.get_layer("logits").variables}
        assert head <= changed <= freed | head
        statistics = {
            id(layer.moving_mean)
            for layer in last
            if isinstance(layer, keras.layers.BatchNormalization)
        }
        assert statistics <= changed
        assert bool(statistics) == bool(free)


def run_folder_history(run: Path) -> list[dict[str, str]]:
    lines = (run / run_folder.HISTORY).read_text().splitlines()
    names = lines[0].split(",")
    return [dict(zip(names, line.split(","), strict=True)) for line in lines[1:]]


@pytest.mark.slow
def test_a_run_interrupted_between_its_stages_resumes_to_the_same_result(
    tiny_data: Path, tmp_path: Path
) -> None:
    save_model(build_classifier("compact", 7, 24), METADATA, tmp_path / "model.keras")
    config = settings(tmp_path, ema=0.5, layer_decay=0.7)
    whole = train(config, tiny_data, tmp_path / "whole").folder

    def interrupt(progress: TrainingProgress) -> None:
        if progress.epoch == 2 and progress.batch == 2:
            raise KeyboardInterrupt

    stopped = train(config, tiny_data, tmp_path / "stopped", progress=interrupt)
    assert len(run_folder_history(stopped.folder)) == 1
    resume(stopped.folder)
    rows = run_folder_history(stopped.folder)
    assert rows == run_folder_history(whole)
    assert [row["stage"] for row in rows] == ["1", "2"]
    assert [float(row["learning_rate"]) for row in rows] == pytest.approx([0.02, 0.01])
