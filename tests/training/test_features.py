import keras
import numpy as np
import pytest

from emorec.errors import ConfigError
from emorec.modeling.build import build_classifier
from emorec.modeling.feature_split import split_after_frozen
from emorec.training import features
from emorec.training.batches import AugmentedBatches, BatchSettings
from emorec.training.config_groups import AugmentationConfig, FeatureCacheConfig
from emorec.training.features import FeatureBatches, compute_features, feature_split


def model(trainable_layers: int = 0, arch: str = "compact") -> keras.Model:
    return build_classifier(arch, 7, 24, trainable_layers=trainable_layers)


FLIPPED = BatchSettings(augmentation=AugmentationConfig(horizontal_flip=True))
MIXED = BatchSettings(mixup=0.2)
PLAIN = BatchSettings()


@pytest.mark.parametrize(
    ("config", "settings", "trainable_layers", "arch", "cached"),
    [
        ({}, PLAIN, 0, "compact", True),
        ({}, PLAIN, 4, "compact", True),
        ({}, PLAIN, -1, "compact", False),
        ({"feature_cache": False}, PLAIN, 0, "compact", False),
        ({}, FLIPPED, 0, "compact", False),
        ({"feature_views": 2}, FLIPPED, 0, "compact", True),
        ({"feature_cache": True}, FLIPPED, 0, "compact", True),
        ({"feature_views": 2}, MIXED, 0, "compact", False),
        ({}, PLAIN, 0, "vgg13", False),
        ({"feature_cache": True}, PLAIN, 0, "vgg13", True),
    ],
)
def test_when_features_are_used(
    config: dict, settings: BatchSettings, trainable_layers: int, arch: str, cached: bool
) -> None:
    classifier = model(trainable_layers, arch)
    found = feature_split(FeatureCacheConfig(**config), settings, classifier, 100)
    assert (found is not None) is cached


def test_a_large_amount_is_stored_only_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "_MAX_BYTES_BY_DEFAULT", 4 * 128 * 100)
    by_default, requested = FeatureCacheConfig(), FeatureCacheConfig(feature_cache=True)
    assert feature_split(by_default, PLAIN, model(), 100) is not None
    assert feature_split(by_default, PLAIN, model(), 101) is None
    assert feature_split(requested, PLAIN, model(), 101) is not None


@pytest.mark.parametrize(
    ("settings", "trainable_layers", "message"),
    [(MIXED, 0, "cannot mix"), (PLAIN, -1, "needs frozen layers .* compact has none")],
)
def test_requests_that_cannot_be_met(
    settings: BatchSettings, trainable_layers: int, message: str
) -> None:
    config = FeatureCacheConfig(feature_cache=True)
    with pytest.raises(ConfigError, match=message):
        feature_split(config, settings, model(trainable_layers), 100)


@pytest.mark.parametrize("in_memory", [True, False])
def test_the_first_view_is_plain_and_the_others_are_augmented(
    in_memory: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not in_memory:
        monkeypatch.setattr(features, "_MAX_BYTES_IN_MEMORY", 0)
    monkeypatch.setattr(features, "_BATCH", 4)
    images = np.random.default_rng(0).integers(0, 256, (10, 24, 24, 1), dtype=np.uint8)
    split = split_after_frozen(model())
    assert split is not None
    steps: list[tuple[str, int, int]] = []
    found = compute_features(
        split,
        images,
        3,
        AugmentationConfig(rotation=20),
        0,
        progress=lambda *step: steps.append(step),
    )
    assert isinstance(found, np.memmap) is not in_memory
    np.testing.assert_allclose(found[0], split.frozen(images.astype(np.float32)), atol=1e-5)
    assert all(np.abs(found[0] - found[view]).max() > 1e-4 for view in (1, 2))
    assert np.abs(found[1] - found[2]).max() > 1e-4
    assert steps[-1] == ("computing features", 30, 30)
    assert len(steps) == 9


def test_batches_of_features_come_in_the_order_of_the_images() -> None:
    targets = np.eye(7, dtype=np.float32)[np.arange(20) % 7]
    images = np.zeros((20, 4, 4, 1), np.uint8)
    images[:, 0, 0, 0] = np.arange(20)
    views = np.stack([np.arange(20) + 100 * view for view in range(3)])[..., None]
    settings = BatchSettings(batch_size=6, seed=5)
    one = AugmentedBatches(images, targets, settings)
    other = FeatureBatches(views.astype(np.float32), targets, settings)
    used = set()
    for epoch in range(4):
        for index in range(len(one)):
            expected, actual = one[index], other[index]
            np.testing.assert_array_equal(actual[0][:, 0] % 100, expected[0][:, 0, 0, 0])
            np.testing.assert_array_equal(actual[1], expected[1])
            used |= {int(value) // 100 for value in actual[0][:, 0]}
        one.begin(epoch + 1)
        other.begin(epoch + 1)
        assert epoch < 3 or used == {0, 1, 2}
