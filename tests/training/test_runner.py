import csv
import json
import shutil
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest
import yaml
from conftest import TINY_SETTINGS
from helpers.html_page import Page, assert_self_contained

from emorec.datasets.loading import load_images
from emorec.datasets.manifest import read_prepared
from emorec.errors import ConfigError, DataError
from emorec.inference.classifier import EmotionClassifier
from emorec.labels import EMOTIONS_7
from emorec.modeling.keras_files import load_model
from emorec.training.config import TrainConfig, validated
from emorec.training.config_groups import NO_AUGMENTATION
from emorec.training.run import TrainingRun
from emorec.training.runner import train
from emorec.training.training_progress import TrainingProgress

FILES = {
    "config.yaml",
    "confusion_matrix.png",
    "curves.png",
    "environment.json",
    "history.csv",
    "metrics.json",
    "model.keras",
    "model.onnx",
    "per_class.csv",
    "reliability.png",
    "report.html",
    "train.log",
}


pytestmark = pytest.mark.usefixtures("quick_network")


def settings(**changes) -> TrainConfig:
    return validated({**TINY_SETTINGS, "augmentation": NO_AUGMENTATION, **changes}, "the test")


def history(run: Path) -> list[dict[str, str]]:
    with (run / "history.csv").open() as file:
        return list(csv.DictReader(file))


def test_the_run_folder_is_complete(tiny_run: Path) -> None:
    assert {path.name for path in tiny_run.iterdir()} == FILES
    for name in ("curves.png", "confusion_matrix.png", "reliability.png"):
        assert cv2.imread(str(tiny_run / name)).shape[0] > 300
    page = (tiny_run / "report.html").read_text("utf-8")
    assert_self_contained(page)
    assert len(Page(page).images()) >= 4
    assert "batch_size: 12" in page
    assert [int(row["epoch"]) for row in history(tiny_run)] == [1, 2, 3, 4, 5, 6]
    rates = [float(row["learning_rate"]) for row in history(tiny_run)]
    assert rates == sorted(rates, reverse=True)
    assert yaml.safe_load((tiny_run / "config.yaml").read_text())["arch"] == "compact"
    environment = json.loads((tiny_run / "environment.json").read_text())
    assert environment["keras_backend"] == keras.backend.backend()
    assert len(environment["data_fingerprint"]) == 64
    assert ("oneDNN: " in (tiny_run / "train.log").read_text()) == (
        keras.backend.backend() == "tensorflow"
    )


def test_the_model_learned(tiny_run: Path) -> None:
    metrics = json.loads((tiny_run / "metrics.json").read_text())
    assert metrics["split"] == "validation"
    # One in seven is chance; the running means of the norms lag in so short a run.
    assert metrics["accuracy"] > 0.4
    assert metrics["images"] == 42
    metadata = EmotionClassifier(tiny_run / "model.onnx").metadata
    assert metadata.prior == pytest.approx([1 / 7] * 7)
    assert metadata.default_prior == metrics["tau"] == 0.25
    assert metadata.temperature == metrics["temperature"] == 1
    losses = [float(row["loss"]) for row in history(tiny_run)]
    assert losses[-1] < 0.7 * losses[0]
    best = max(float(row["val_accuracy"]) for row in history(tiny_run))
    assert metrics["accuracy"] == pytest.approx(best, abs=1e-6)


def test_both_model_files_predict_the_same(tiny_run: Path, tiny_data: Path) -> None:
    examples = read_prepared(tiny_data).examples("test")
    images = load_images(examples.paths, 24, "gray", "area")
    model, metadata = load_model(tiny_run / "model.keras")
    classifier = EmotionClassifier(tiny_run / "model.onnx")
    assert classifier.metadata == metadata
    assert metadata.labels == EMOTIONS_7
    logits = np.asarray(model(images.astype(np.float32)))
    np.testing.assert_allclose(classifier.logits(images.astype(np.float32)), logits, atol=1e-3)
    assert np.ptp(logits, axis=0).max() > 0.1


def best_row(run: Path) -> dict[str, float]:
    rows = [{name: float(value) for name, value in row.items()} for row in history(run)]
    return max(rows, key=lambda row: row["val_accuracy"])


def saved_loss(run: Path, data: Path, limit: int | None = None) -> float:
    """Cross-entropy of the logits of the saved model on the validation split."""
    examples = read_prepared(data).examples("validation", "majority").limited(limit)
    images = load_images(examples.paths, 24, "gray", "area").astype(np.float32)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    return float(loss(examples.targets, load_model(run / "model.keras")[0](images)))


EVERYTHING = {
    "labels": "soft",
    "dropout": 0.3,
    "ema": 0.9,
    "mixup": 0.2,
    "cutmix": 1.0,
    "mix_off_epochs": 1,
    "label_smoothing": 0.1,
    "clip_norm": 5.0,
    "balance": "weights",
    "weight_decay": 1e-3,
    "warmup_epochs": 0.5,
    "augmentation": {"erasing": 0.5, "blur": 0.3, "shift": 0.1, "brightness": 0.1},
}


@pytest.mark.slow
def test_the_same_seed_repeats_a_run_with_every_setting_on(
    tiny_data: Path, tiny_run: Path, tmp_path: Path
) -> None:
    config = settings(**EVERYTHING, epochs=3, teacher=[str(tiny_run)])
    runs = [train(config, tiny_data, tmp_path).folder for _ in range(2)]
    assert runs[0] != runs[1]
    assert history(runs[0]) == history(runs[1])
    weights = [load_model(run / "model.keras")[0].get_weights() for run in runs]
    for first, second in zip(*weights, strict=True):
        np.testing.assert_array_equal(first, second)
    # The EMA of the weights was validated and is saved.
    assert saved_loss(runs[0], tiny_data) == pytest.approx(best_row(runs[0])["val_loss"], abs=1e-4)


@pytest.mark.slow
def test_a_folder_tree_and_soft_bfloat16_training(tiny_data: Path, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    shutil.copytree(tiny_data / "train", tree / "train")
    run = TrainingRun.begin(settings(epochs=1, patience=1), tree)
    assert len(run.data.validation_images) == 7
    run.fit()
    drawn = settings(epochs=1, policy="probability", limit=21, logit_adjustment=1.0)
    outcome = train(drawn, tiny_data, tmp_path / "runs")
    assert outcome.scores.images == 21
    # The logits are adjusted neither in the validation nor in the saved model.
    expected = best_row(outcome.folder)["val_loss"]
    assert saved_loss(outcome.folder, tiny_data, 21) == pytest.approx(expected, abs=1e-4)
    soft = settings(epochs=1, labels="soft", precision="bfloat16", classes=8)
    outcome = train(soft, tiny_data, tmp_path / "runs")
    assert EmotionClassifier(outcome.folder / "model.onnx").metadata.labels[-1] == "contempt"


@pytest.mark.slow
def test_metrics_and_files_are_those_of_the_flip_averaging_model(
    tiny_data: Path, tmp_path: Path
) -> None:
    run = train(settings(epochs=2, flip_average=True), tiny_data, tmp_path).folder
    examples = read_prepared(tiny_data).examples("validation", "majority")
    images = load_images(examples.paths, 24, "gray", "area").astype(np.float32)
    saved = load_model(run / "model.keras")[0]
    logits = np.asarray(saved(images))
    np.testing.assert_allclose(saved(images[:, :, ::-1]), logits, atol=1e-4)
    onnx = EmotionClassifier(run / "model.onnx")
    np.testing.assert_allclose(onnx.logits(images), logits, atol=1e-3)
    accuracy = (logits.argmax(axis=1) == examples.targets.argmax(axis=1)).mean()
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["accuracy"] == pytest.approx(accuracy, abs=1e-6)


def test_early_stopping_keeps_the_best_epoch(tiny_data: Path, tmp_path: Path) -> None:
    # A rate that changes nothing: the first epoch stays the best.
    config = settings(epochs=9, patience=2, learning_rate=1e-12, schedule="constant")
    outcome = train(config, tiny_data, tmp_path)
    assert outcome.best_epoch <= len(history(outcome.folder)) - 2
    assert len(history(outcome.folder)) < 9


def test_ctrl_c_leaves_the_best_model_so_far(tiny_data: Path, tmp_path: Path) -> None:
    def interrupt(progress: TrainingProgress) -> None:
        if progress.epoch == 2 and progress.batch == 2:
            raise KeyboardInterrupt

    outcome = train(settings(), tiny_data, tmp_path, progress=interrupt)
    assert outcome.interrupted
    (run,) = tmp_path.iterdir()
    assert outcome.folder == run
    assert {path.name for path in run.iterdir()} == FILES | {"checkpoints"}
    assert len(history(run)) == 1


def test_ctrl_c_in_the_first_epoch_leaves_nothing(tiny_data: Path, tmp_path: Path) -> None:
    def interrupt(progress: TrainingProgress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(settings(), tiny_data, tmp_path, progress=interrupt)
    assert not list(tmp_path.iterdir())


def test_a_loss_that_is_not_finite_stops_the_run(tiny_data: Path, tmp_path: Path) -> None:
    # Each step multiplies the weights by 1 - 1000 * 1e6.
    config = settings(
        learning_rate=1000, weight_decay=1e6, schedule="constant", precision="float32"
    )
    with pytest.raises(ConfigError, match=r"the loss became .* in epoch \d+, batch \d+"):
        train(config, tiny_data, tmp_path)


def test_wrong_data_leaves_no_run(tiny_data: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        train(settings(), tmp_path / "no", tmp_path / "runs")
    broken = tmp_path / "broken"
    shutil.copytree(tiny_data, broken)
    for number, path in enumerate(sorted((broken / "train" / "happy").iterdir())[:3]):
        path.write_bytes(path.read_bytes()[: number * 30])
    with pytest.raises(DataError, match=r"\(and 2 more images\)"):
        train(settings(), broken, tmp_path / "runs")
    with pytest.raises(ConfigError, match="at least 16 pixels"):
        train(settings(image_size=8), tiny_data, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
