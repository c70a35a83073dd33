from pathlib import Path

import pytest
import yaml

from emorec import resources
from emorec.errors import ConfigError, ModelError
from emorec.modeling.architectures import ARCHITECTURES
from emorec.training.config import (
    REMOVED_KEYS,
    RENAMED_KEYS,
    TrainConfig,
    load_config,
    read_config,
    validated,
)


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


def test_the_recipes_of_the_shipped_models_are_valid_and_the_last_of_the_files() -> None:
    found = {path.stem for path in resources.folder("configs").glob("*.yaml")}
    laptop = {f"laptop-{arch}" for arch in ("vgg16", "resnet50", "xception", "inceptionv3")}
    shipped = {"emorec-compact", "emorec-nano"}
    assert found == {*ARCHITECTURES, *shipped, *laptop, "quick", "quick-taught"}
    for name in ("emorec-compact", "emorec-nano"):
        recipe = load_config(resources.folder("configs") / f"{name}.yaml", {})
        assert (recipe.labels, recipe.policy, recipe.classes) == ("soft", "crossentropy", 8)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "1 to 100 printable characters; received ''"),
        (" ", "1 to 100 printable characters"),
        ("a\nb", "1 to 100 printable characters"),
        ("x" * 101, "1 to 100 printable characters"),
        ("emorec-compact", "that begin with emorec- are those of the models in the package"),
        ("EmoRec-2", "that begin with emorec- are those of the models in the package"),
    ],
)
def test_names_that_a_model_cannot_have(tmp_path: Path, name: str, problem: str) -> None:
    option = {"model_name": "--model-name"}.get
    with pytest.raises(ConfigError, match=f"^--model-name: .*{problem}"):
        load_config(None, {"model_name": name}, option)
    path = written(tmp_path, yaml.safe_dump({"model_name": name}))
    with pytest.raises(ConfigError, match=f"some.yaml: model_name: .*{problem}"):
        load_config(path, {})
    assert read_config(path).model_name == name
    assert load_config(path, {"model_name": "mine"}).model_name == "mine"


def test_overrides_replace_settings_of_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "epochs: 3\nbatch_size: 7\naugmentation:\n  zoom: 0.3\n")
    config = load_config(path, {"epochs": 5, "augmentation.rotation": 1})
    assert (config.epochs, config.batch_size) == (5, 7)
    assert (config.augmentation.zoom, config.augmentation.rotation) == (0.3, 1)


def test_yaml_round_trip(tmp_path: Path) -> None:
    config = load_config(None, {"arch": "compact", "epochs": 3})
    assert load_config(written(tmp_path, config.to_yaml()), {}) == config


@pytest.mark.parametrize(
    ("overrides", "arch"),
    [
        ({"weights": "emorec-nano"}, "nano"),
        ({"weights": "emorec-compact"}, "compact"),
        ({"weights": "emorec-nano", "arch": "vgg16"}, "vgg16"),
        ({"weights": "imagenet"}, "compact"),
        ({}, "compact"),
    ],
)
def test_the_default_architecture_is_that_of_the_weights(
    overrides: dict[str, str], arch: str
) -> None:
    config = load_config(None, overrides)
    assert config == load_config(None, {**overrides, "arch": arch})
    assert config.arch == arch


def test_the_names_of_the_architectures() -> None:
    assert resources.architecture_names() == list(ARCHITECTURES)


@pytest.mark.parametrize(
    ("text", "overrides", "origin"),
    [("", {"arch": "VGG-16"}, "arch"), ("arch: vgg-16", {}, "some.yaml")],
)
def test_an_unknown_architecture(
    tmp_path: Path, text: str, overrides: dict[str, str], origin: str
) -> None:
    message = f"{origin}: unknown architecture 'vgg-16'; did you mean 'vgg16'. choose one of"
    with pytest.raises(ConfigError, match=message):
        load_config(written(tmp_path, text), overrides)


def test_weights_of_an_unknown_model() -> None:
    with pytest.raises(ModelError, match=r"no\.keras: no such model file"):
        load_config(None, {"weights": "no.keras"})


def test_without_weights_the_shipped_files_do_not_fine_tune() -> None:
    tuned = load_config(None, {"arch": "vgg16"})
    assert tuned.head_epochs > 0
    assert tuned.total_epochs == tuned.head_epochs + tuned.epochs
    assert load_config(None, {"arch": "vgg16", "weights": "none"}).head_epochs == 0
    # A requested setting is never dropped.
    with pytest.raises(ConfigError, match="head_epochs needs a pretrained backbone"):
        load_config(None, {"arch": "vgg16", "weights": "none", "head_epochs": 2})


def test_the_section_pretrained_applies_to_pretrained_weights_alone(tmp_path: Path) -> None:
    path = written(tmp_path, "epochs: 3\npretrained:\n  epochs: 20\n  trainable_layers: 0\n")
    assert load_config(path, {}) == load_config(path, {"weights": "none"}) == TrainConfig(epochs=3)
    tuned = load_config(path, {"weights": "imagenet"})
    assert (tuned.epochs, tuned.trainable_layers) == (20, 0)
    assert load_config(path, {"weights": "imagenet", "epochs": 5}).epochs == 5
    with pytest.raises(ConfigError, match="pretrained must be a mapping; received 3"):
        load_config(written(tmp_path, "pretrained: 3"), {})


def test_a_missing_file_suggests_the_recipe() -> None:
    with pytest.raises(ConfigError, match=r"quick: cannot read: .*; did you mean --recipe quick\?"):
        load_config(Path("quick"), {})
    with pytest.raises(ConfigError, match=r"No such file or directory$"):
        load_config(Path("mine.yaml"), {})


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    assert load_config(written(tmp_path, ""), {}) == TrainConfig()


def test_a_file_of_version_0_1_0_is_read(tmp_path: Path) -> None:
    text = "epochs: 3\ncalm_epochs: 2\npartner: null\nflip_average: true\n"
    assert load_config(written(tmp_path, text), {}).mix_off_epochs == 2


@pytest.mark.parametrize("key", REMOVED_KEYS)
def test_a_removed_key_may_only_be_null(tmp_path: Path, key: str) -> None:
    assert load_config(written(tmp_path, f"{key}: null"), {}) == TrainConfig()
    with pytest.raises(ConfigError, match=f"{key}, a second network .* was removed after"):
        load_config(written(tmp_path, f"{key}: a.keras"), {})


@pytest.mark.parametrize(("old", "new"), RENAMED_KEYS.items())
def test_old_keys_are_read_from_files_only(tmp_path: Path, old: str, new: str) -> None:
    assert old not in TrainConfig.model_fields
    assert new in TrainConfig.model_fields
    with pytest.raises(ConfigError, match=f"unknown key '{old}'; did you mean '{new}'?"):
        load_config(None, {old: 1})
    with pytest.raises(ConfigError, match=f"{old} is the old name of {new}; remove one"):
        load_config(written(tmp_path, f"{old}: 1\n{new}: 1"), {})


HEADER = ("# Command:", "# Hardware:", "# Duration:", "# Expected:")


@pytest.mark.parametrize("path", sorted(resources.folder("configs").glob("*.yaml")), ids=str)
def test_the_header_of_each_recipe_has_command_hardware_duration_and_figure(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    header = [line for line in lines if line.startswith("#")]
    for start in HEADER:
        assert sum(line.startswith(start) for line in header) == 1, start
    command = next(line for line in header if line.startswith(HEADER[0]))
    assert command.startswith("# Command: emorec train --data FER-2013 ")
    options = (
        f"--arch {path.stem}",
        f"--recipe {path.stem}",
        f"--arch {path.stem.removeprefix('laptop-')} --recipe laptop",
        f"--config configs/{path.name}",
    )
    assert any(option in command for option in options)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch: 3", "unknown key 'epoch'; did you mean 'epochs'"),
        ("augmentation:\n  rotaton: 3", "'augmentation.rotaton'; did you mean 'rotation'"),
        ("zzzz: 3", "unknown key 'zzzz'; known keys: arch,"),
        ("epochs: 0", "epochs: .* received 0"),
        ("epochs: many", "epochs: .* received 'many'"),
        ("policy: most", "policy must be one of majority"),
        ("optimizer: adamw\nlearning_rate: 0.1", "adamw diverges at a learning rate of 0.1; use"),
        (
            "epochs: 5\nmix_off_epochs: 5",
            "mix_off_epochs must be less than .* epochs, 5; received 5",
        ),
        ("head_epochs: 2", "head_epochs needs a pretrained backbone; .* or set head_epochs: 0"),
        (
            "weights: imagenet\nhead_epochs: 2\ntrainable_layers: 0",
            "trainable_layers 0 trains only the head, also after head_epochs",
        ),
        ("layer_decay: 0.7", "layer_decay needs a pretrained backbone; .* or set layer_decay: 1"),
        ("balance: weights\nlogit_adjustment: 1", "both compensate class imbalance; use one"),
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
def test_errors_of_files_are_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(written(tmp_path, text), {})
    assert "\n" not in str(caught.value)
    assert "some.yaml" in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no\.yaml: cannot read"):
        load_config(tmp_path / "no.yaml", {})


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "some.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not a YAML file"):
        load_config(path, {})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epochs: 2020-13-45", "epochs: .* received '2020-13-45'"),
        ("epochs: 0b_", "'0b_' is not a number"),
        ("epochs: !!int foo", "tags such as"),
        ("epochs: !!bool foo", "tags such as"),
        ("epochs: !!timestamp foo", "tags such as"),
        ("epochs: " + "[" * 20_000, "nested more than"),
        ("epochs: " + "9" * 5000, "a number has more than"),
        ("epochs: " + "9" * 30, "epochs: .* less than or equal to 100000"),
        ("seed: 4294967296", "seed: .* less than or equal to 4294967295"),
        ("learning_rate: .inf", "learning_rate: .* finite number; received inf"),
        ("mixup: .nan", "mixup: .* finite number; received nan"),
        ("augmentation:\n  rotation: .nan", "augmentation.rotation: .* finite number"),
        ("a: &a [1]\nepochs: [*a, *a]", "aliases such as"),
    ],
)
def test_values_that_the_parser_fails_on(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(written(tmp_path, text), {})
    assert "\n" not in str(caught.value)


def test_no_number_may_be_infinite() -> None:
    for name, field in TrainConfig.model_fields.items():
        if field.annotation in (float, float | None):
            with pytest.raises(ConfigError, match=f"{name}: .*finite"):
                validated({name: float("inf")}, "it")


def test_a_wrong_rule_for_groups_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"--group-by 'S\(': not a regular expression"):
        load_config(None, {"group_by": "S("})


def test_a_dotted_key_of_a_plain_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="epochs has no setting 'x'"):
        load_config(written(tmp_path, "epochs: 3"), {"epochs.x": 1})
