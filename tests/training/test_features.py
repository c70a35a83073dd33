from pathlib import Path

import keras
import numpy as np
import pytest
from conftest import TINY_SETTINGS

from emorec.datasets.loading import load_images
from emorec.datasets.manifest import read_prepared
from emorec.errors import ConfigError
from emorec.modeling.build import build_classifier
from emorec.modeling.feature_split import split_after_frozen
from emorec.modeling.keras_files import load_model
from emorec.training import features
from emorec.training.batches import AugmentedBatches, BatchSettings
from emorec.training.config import NO_AUGMENTATION, TrainConfig, validated
from emorec.training.features import FeatureBatches, compute_features, feature_cut, make_fitting
from emorec.training.loop import train
from emorec.training.setup import RunData, load, select


def settings(**changes) -> TrainConfig:
    base = {**TINY_SETTINGS, "augmentation": NO_AUGMENTATION, "trainable_layers": 0}
    return validated({**base, **changes}, "the test")


def model(trainable_layers: int = 0, arch: str = "compact") -> keras.Model:
    return build_classifier(arch, 7, 24, trainable_layers=trainable_layers)


CHANGES = {"horizontal_flip": True}


@pytest.mark.parametrize(
    ("changes", "trainable_layers", "arch", "cached"),
    [
        ({}, 0, "compact", True),
        ({}, 4, "compact", True),
        ({}, -1, "compact", False),
        ({"feature_cache": False}, 0, "compact", False),
        ({"augmentation": CHANGES}, 0, "compact", False),
        ({"augmentation": CHANGES, "feature_views": 2}, 0, "compact", True),
        ({"augmentation": CHANGES, "feature_cache": True}, 0, "compact", True),
        ({"mixup": 0.2, "feature_views": 2}, 0, "compact", False),
        ({}, 0, "vgg13", False),
        ({"feature_cache": True}, 0, "vgg13", True),
    ],
)
def test_when_features_are_used(
    changes: dict, trainable_layers: int, arch: str, cached: bool
) -> None:
    found = feature_cut(settings(**changes), model(trainable_layers, arch), 100)
    assert (found is not None) is cached


def test_unasked_no_great_amount_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "_MAX_BYTES_UNASKED", 4 * 128 * 100)
    assert feature_cut(settings(), model(), 100) is not None
    assert feature_cut(settings(), model(), 101) is None
    assert feature_cut(settings(feature_cache=True), model(), 101) is not None


@pytest.mark.parametrize(
    ("changes", "trainable_layers", "says"),
    [({"mixup": 0.2}, 0, "cannot mix"), ({}, -1, "needs frozen layers")],
)
def test_what_cannot_be_had(changes: dict, trainable_layers: int, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        feature_cut(settings(feature_cache=True, **changes), model(trainable_layers), 100)


@pytest.mark.parametrize("in_memory", [True, False])
def test_the_first_view_is_plain_and_the_others_are_changed(
    in_memory: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not in_memory:
        monkeypatch.setattr(features, "_MAX_BYTES_IN_MEMORY", 0)
    monkeypatch.setattr(features, "_BATCH", 4)
    images = np.random.default_rng(0).integers(0, 256, (10, 24, 24, 1), dtype=np.uint8)
    config = settings(augmentation={"rotation": 20})
    cut = split_after_frozen(model())
    assert cut is not None
    told: list[tuple[str, int, int]] = []
    found = compute_features(
        cut, images, 3, config.augmentation, 0, lambda *step: told.append(step)
    )
    assert isinstance(found, np.memmap) is not in_memory
    np.testing.assert_allclose(found[0], cut.frozen(images.astype(np.float32)), atol=1e-5)
    assert all(np.abs(found[0] - found[view]).max() > 1e-4 for view in (1, 2))
    assert np.abs(found[1] - found[2]).max() > 1e-4
    assert told[-1] == ("computing features", 30, 30)
    assert len(told) == 9


def test_batches_of_features_come_in_the_order_of_the_images() -> None:
    targets = np.eye(7, dtype=np.float32)[np.arange(20) % 7]
    images = np.zeros((20, 4, 4, 1), np.uint8)
    images[:, 0, 0, 0] = np.arange(20)
    views = np.stack([np.arange(20) + 100 * view for view in range(3)])[..., None]
    one = AugmentedBatches(images, targets, 6, settings().augmentation, seed=5)
    other = FeatureBatches(views.astype(np.float32), targets, 6, 5, BatchSettings())
    seen = set()
    for epoch in range(4):
        for index in range(len(one)):
            expected, given = one[index], other[index]
            np.testing.assert_array_equal(given[0][:, 0] % 100, expected[0][:, 0, 0, 0])
            np.testing.assert_array_equal(given[1], expected[1])
            seen |= {int(value) // 100 for value in given[0][:, 0]}
        one.begin(epoch + 1)
        other.begin(epoch + 1)
        assert epoch < 3 or seen == {0, 1, 2}


def fitted(config: TrainConfig, datasets: RunData, start: list[np.ndarray]) -> keras.Model:
    """Train a model from the same weights, on features or in the plain way; give the whole."""
    keras.utils.set_random_seed(2)
    whole = build_classifier("compact", 7, 24, trainable_layers=config.trainable_layers)
    whole.set_weights(start)
    fitting = make_fitting(config, whole, datasets, BatchSettings())
    assert (fitting.model is whole) is (config.feature_cache is False)
    fitting.model.compile(
        "sgd", loss=keras.losses.CategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
    )
    fitting.model.fit(fitting.batches, epochs=3, shuffle=False, verbose=0)
    losses = [
        fitting.model.evaluate(fitting.validation, datasets.validation.targets, verbose=0)[0],
        whole_loss(whole, datasets),
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    return whole


def whole_loss(whole: keras.Model, datasets: RunData) -> float:
    logits = whole.predict(datasets.validation_images, verbose=0)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    return float(loss(datasets.validation.targets, logits))


@pytest.mark.parametrize("trainable_layers", [0, 12])
def test_training_on_features_is_the_plain_training(tiny_data: Path, trainable_layers: int) -> None:
    train_examples, validation = select(settings(), read_prepared(tiny_data))
    datasets = load(train_examples, validation, 24)
    keras.utils.set_random_seed(1)
    start = build_classifier("compact", 7, 24).get_weights()
    on_features, plain = (
        fitted(settings(trainable_layers=trainable_layers, feature_cache=cached), datasets, start)
        for cached in (True, False)
    )
    changed = 0
    for one, other, old in zip(on_features.get_weights(), plain.get_weights(), start, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)
        changed += not np.array_equal(one, old)
    # The kernel and bias of the head, and in the second case those of the last block.
    assert (changed == 2) is (trainable_layers == 0)


def test_a_run_on_features_leaves_the_whole_model(tiny_data: Path, tmp_path: Path) -> None:
    run = train(settings(epochs=2, feature_cache=True, feature_views=2), tiny_data, tmp_path).folder
    rows = (run / "history.csv").read_text().splitlines()
    column = rows[0].split(",").index("val_accuracy")
    best = max(float(row.split(",")[column]) for row in rows[1:])
    saved = load_model(run / "model.keras")[0]
    examples = read_prepared(tiny_data).examples("validation", "majority")
    images = load_images(examples.paths, 24, "gray", "area")
    found = saved.predict(images, verbose=0).argmax(axis=1) == examples.targets.argmax(axis=1)
    assert found.mean() == pytest.approx(best, abs=1e-6)
    assert "training on features" in (run / "train.log").read_text()
