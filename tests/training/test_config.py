from pathlib import Path

import pytest

from emorec import resources
from emorec.errors import ConfigError
from emorec.modeling.architectures import ARCHITECTURES
from emorec.training.config import NO_AUGMENTATION, TrainConfig, load_config, validated


def written(folder: Path, text: str) -> Path:
    path = folder / "some.yaml"
    path.write_text(text)
    return path


def test_the_defaults_are_valid() -> None:
    assert validated({}, "here") == TrainConfig()


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_every_architecture_has_a_configuration(arch: str) -> None:
    config = load_config(None, {"arch": arch})
    assert config.arch == arch
    assert config.weights == ("imagenet" if ARCHITECTURES[arch].imagenet_file else "none")


def test_the_recipes_of_the_shipped_model_are_valid_and_the_last_of_the_files() -> None:
    found = {path.stem for path in resources.folder("configs").glob("*.yaml")}
    assert found == {*ARCHITECTURES, "emorec-compact", "emorec-compact-first"}
    for name in ("emorec-compact", "emorec-compact-first"):
        recipe = load_config(resources.folder("configs") / f"{name}.yaml", {})
        assert (recipe.labels, recipe.policy, recipe.classes) == ("soft", "crossentropy", 8)


def test_options_go_over_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "epochs: 3\nbatch_size: 7\naugmentation:\n  zoom: 0.3\n")
    config = load_config(path, {"epochs": 5, "augmentation.rotation": 1})
    assert (config.epochs, config.batch_size) == (5, 7)
    assert (config.augmentation.zoom, config.augmentation.rotation) == (0.3, 1)


def test_yaml_round_trip(tmp_path: Path) -> None:
    config = load_config(None, {"arch": "compact", "epochs": 3})
    assert load_config(written(tmp_path, config.to_yaml()), {}) == config


def test_from_scratch_the_shipped_files_do_not_fine_tune(tmp_path: Path) -> None:
    tuned = load_config(None, {"arch": "vgg16"})
    assert tuned.head_epochs > 0
    assert tuned.total_epochs == tuned.head_epochs + tuned.epochs
    assert load_config(None, {"arch": "vgg16", "weights": "none"}).head_epochs == 0
    # What is asked for is never dropped.
    with pytest.raises(ConfigError, match="without weights knows nothing"):
        load_config(None, {"arch": "vgg16", "weights": "none", "head_epochs": 2})


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    assert load_config(written(tmp_path, ""), {}) == TrainConfig()


def test_no_augmentation_changes_nothing() -> None:
    assert not any(
        validated({"augmentation": NO_AUGMENTATION}, "x").augmentation.model_dump().values()
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("epoch: 3", "unknown key 'epoch'; did you mean 'epochs'"),
        ("augmentation:\n  rotaton: 3", "'augmentation.rotaton'; did you mean 'rotation'"),
        ("zzzz: 3", "unknown key 'zzzz'; known keys: arch,"),
        ("epochs: 0", "epochs: .* received 0"),
        ("epochs: many", "epochs: .* received 'many'"),
        ("policy: most", "policy must be one of majority"),
        ("optimizer: adamw\nlearning_rate: 0.1", "adamw diverges at a learning rate of 0.1; use"),
        ("epochs: 5\ncalm_epochs: 5", "calm_epochs must be fewer than the epochs; received 5 of 5"),
        (
            "partner: a.keras",
            "partner takes the part of the image in flip_average, which is off",
        ),
        ("head_epochs: 2", "freeze the backbone first, which without weights knows nothing; use"),
        (
            "weights: imagenet\nhead_epochs: 2\ntrainable_layers: 0",
            "after head_epochs nothing but the head would train",
        ),
        ("layer_decay: 0.7", "spares layers that know something, and without weights none does"),
        ("balance: weights\nlogit_adjustment: 1", "both even the classes out; use one"),
        ("ema: 1", "ema: .* received 1"),
        ("teacher: run", "teacher: .* received 'run'"),
        ("augmentation: 3", "augmentation must be a mapping"),
        ("- 1\n- 2", "is a mapping of settings"),
        ("1: 2", "is a mapping of settings"),
        ("a: [", "not a YAML file"),
        ("!!python/object/apply:os.system ['true']", "not a YAML file"),
        ("weights: " + "x" * 2**20, "at most"),
    ],
)
def test_wrong_files_give_one_clear_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        load_config(written(tmp_path, text), {})
    assert "\n" not in str(caught.value)
    assert "some.yaml" in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no\.yaml: cannot read"):
        load_config(tmp_path / "no.yaml", {})


def test_a_binary_file_is_no_configuration(tmp_path: Path) -> None:
    path = tmp_path / "some.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not a YAML file"):
        load_config(path, {})
