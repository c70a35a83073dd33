from pathlib import Path

import keras
import numpy as np
import pytest
from conftest import TINY_SETTINGS

from emorec.datasets.loading import load_images
from emorec.datasets.manifest import read_prepared
from emorec.modeling.build import build_classifier
from emorec.modeling.keras_files import load_model
from emorec.training.batches import BatchSettings
from emorec.training.config import TrainConfig, validated
from emorec.training.config_groups import NO_AUGMENTATION
from emorec.training.fitting import make_fitting
from emorec.training.run_data import RunData, load, select
from emorec.training.runner import train


def settings(**changes) -> TrainConfig:
    base = {**TINY_SETTINGS, "augmentation": NO_AUGMENTATION, "trainable_layers": 0}
    return validated({**base, **changes}, "the test")


def fitted(config: TrainConfig, data: RunData, start: list[np.ndarray]) -> keras.Model:
    """Train a model from the same weights, on features or on images; return the classifier."""
    keras.utils.set_random_seed(2)
    classifier = build_classifier("compact", 7, 24, trainable_layers=config.trainable_layers)
    classifier.set_weights(start)
    fitting = make_fitting(config, classifier, data, BatchSettings(12))
    assert (fitting.model is classifier) is (config.feature_cache is False)
    fitting.model.compile(
        "sgd", loss=keras.losses.CategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
    )
    fitting.model.fit(fitting.batches, epochs=3, shuffle=False, verbose=0)
    losses = [
        fitting.model.evaluate(fitting.validation, data.validation.targets, verbose=0)[0],
        classifier_loss(classifier, data),
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    return classifier


def classifier_loss(classifier: keras.Model, data: RunData) -> float:
    logits = classifier.predict(data.validation_images, verbose=0)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    return float(loss(data.validation.targets, logits))


@pytest.mark.slow
@pytest.mark.parametrize("trainable_layers", [0, 12])
def test_training_on_features_is_the_plain_training(tiny_data: Path, trainable_layers: int) -> None:
    train_examples, validation = select(settings(), read_prepared(tiny_data))
    data = load(train_examples, validation, 24)
    keras.utils.set_random_seed(1)
    start = build_classifier("compact", 7, 24).get_weights()
    on_features, plain = (
        fitted(settings(trainable_layers=trainable_layers, feature_cache=cached), data, start)
        for cached in (True, False)
    )
    changed = 0
    for one, other, old in zip(on_features.get_weights(), plain.get_weights(), start, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)
        changed += not np.array_equal(one, old)
    # The kernel and bias of the head, and in the second case those of the last block.
    assert (changed == 2) is (trainable_layers == 0)


@pytest.mark.slow
def test_a_run_on_features_writes_the_whole_model(tiny_data: Path, tmp_path: Path) -> None:
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
