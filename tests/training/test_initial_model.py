from pathlib import Path

import pytest
from helpers.everything import settings
from helpers.tiny_data import make_prepared

from emorec.errors import ConfigError, DataError, ModelError
from emorec.training import initial_model as module
from emorec.training.config import load_config
from emorec.training.initial_model import default_recipe, head_of_data, kept_head


@pytest.mark.parametrize(
    ("named", "architecture"),
    [
        ({}, None),
        ({"weights": "none"}, None),
        ({"weights": "imagenet", "arch": "vgg16"}, None),
        ({"weights": "emorec"}, "compact"),
        ({"weights": "emorec", "arch": "NANO"}, "nano"),
        ({"weights": "emorec-nano"}, "nano"),
        ({"weights": "emorec-nano", "arch": "nano"}, "nano"),
        # The weights do not fill this network.
        ({"weights": "emorec-nano", "arch": "compact"}, None),
        ({"weights": "emorec", "arch": "vgg16"}, None),
    ],
)
def test_a_trained_model_and_few_images_are_fine_tuned(
    tiny_data: Path, named: dict[str, str], architecture: str | None
) -> None:
    found = default_recipe(named, tiny_data)
    if architecture is None:
        assert found is None
        return
    assert found is not None
    assert found.name == "finetune"
    for part in (f"emorec-{architecture} fills", "84 training images", f"--recipe {architecture}"):
        assert part in found.reason
    assert load_config(None, named, recipe=found.name).arch == architecture


def test_a_larger_data_set_keeps_the_recipe_of_the_architecture(
    tiny_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_FINETUNE_IMAGES", 85)
    assert default_recipe({"weights": "emorec"}, tiny_data)
    monkeypatch.setattr(module, "MAX_FINETUNE_IMAGES", 84)
    assert default_recipe({"weights": "emorec"}, tiny_data) is None


def test_what_is_missing_is_named(tiny_data: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nope: no such folder"):
        default_recipe({"weights": "emorec"}, tmp_path / "nope")
    with pytest.raises(ModelError, match="nope: no such model file"):
        default_recipe({"weights": "nope"}, tiny_data)


def test_the_rows_that_the_data_keep_of_the_head(tmp_path: Path) -> None:
    data = make_prepared(tmp_path, votes=False)
    for split in ("train", "test"):
        (data / split / "happy").rename(data / split / "grin")
    assert head_of_data(settings(), data) is None
    found = head_of_data(settings(weights="emorec"), data)
    assert found is not None
    assert found.new == ("grin",)
    mapped = head_of_data(settings(weights="emorec", label_map={"grin": "joy"}), data)
    assert mapped is not None
    assert (mapped.new, mapped.kept["grin"]) == ((), "happy")
    with pytest.raises(ConfigError, match="label_map: unknown label of the data set 'happy'"):
        head_of_data(settings(weights="emorec", label_map={"happy": "happy"}), data)
    with pytest.raises(ConfigError, match="label_map needs initial weights with labels"):
        head_of_data(settings(label_map={"grin": "happy"}), data)


def test_labels_of_votes_are_those_of_the_settings(tiny_data: Path) -> None:
    found = head_of_data(settings(weights="emorec-compact", classes=8), tiny_data)
    assert found is not None
    assert found == kept_head(settings(weights="emorec"), (*found.labels,))
    assert (len(found.labels), found.new) == (8, ())
