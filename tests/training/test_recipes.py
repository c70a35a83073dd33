import pytest

from emorec.errors import ConfigError
from emorec.training.config import load_config
from emorec.training.recipes import default_config_path, recipe_path, similar_recipe

LAPTOP = ("inceptionv3", "resnet50", "vgg16", "xception")


@pytest.mark.parametrize(
    ("name", "arch", "file"),
    [
        ("quick", None, "quick.yaml"),
        ("QUICK", None, "quick.yaml"),
        ("quick", "nano", "quick.yaml"),
        ("quick-taught", None, "quick-taught.yaml"),
        ("laptop", "VGG16", "laptop-vgg16.yaml"),
        ("laptop-vgg16", None, "laptop-vgg16.yaml"),
        ("emorec-nano", None, "emorec-nano.yaml"),
    ],
)
def test_the_file_of_a_recipe(name: str, arch: str | None, file: str) -> None:
    assert recipe_path(name, arch).name == file


@pytest.mark.parametrize(
    ("name", "arch", "message"),
    [
        ("quik", None, "unknown recipe 'quik'; did you mean 'quick'"),
        ("laptop", None, f"for the architectures {', '.join(LAPTOP)}; add --arch, such as"),
        ("laptop", "nano", "received --arch nano"),
        ("", None, "unknown recipe ''"),
        ("../quick", None, "unknown recipe"),
    ],
)
def test_an_unknown_recipe(name: str, arch: str | None, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        recipe_path(name, arch)


def test_the_default_file_is_that_of_the_architecture() -> None:
    path = default_config_path("VGG16")
    assert path is not None
    assert path.name == "vgg16.yaml"
    assert default_config_path("none") is None


@pytest.mark.parametrize(("name", "meant"), [("quick.yaml", "quick"), ("mine.yaml", None)])
def test_a_similar_recipe(name: str, meant: str | None) -> None:
    assert similar_recipe(name) == meant


@pytest.mark.parametrize("arch", LAPTOP)
def test_the_laptop_recipes_train_from_nothing_or_freeze_pretrained_layers(arch: str) -> None:
    scratch = load_config(None, {"arch": arch}, recipe="laptop")
    assert (scratch.arch, scratch.weights, scratch.feature_cache) == (arch, "none", "auto")
    frozen = load_config(None, {"arch": arch, "weights": "imagenet"}, recipe="laptop")
    assert (frozen.trainable_layers, frozen.feature_cache) == (0, True)


def test_the_recipe_finetune_takes_the_architecture_of_its_weights() -> None:
    found = load_config(None, {}, recipe="finetune")
    assert (found.arch, found.weights, found.trainable_layers) == ("compact", "emorec", -1)
    assert (found.freeze_norm_statistics, found.flip_average, found.ema) == (True, True, 0.98)
    assert load_config(None, {"weights": "emorec-nano"}, recipe="finetune").arch == "nano"
    scratch = load_config(None, {"weights": "none"}, recipe="finetune")
    assert (scratch.arch, scratch.freeze_norm_statistics) == ("compact", False)


def test_the_taught_recipe_is_the_quick_one_with_teachers() -> None:
    quick, taught = (load_config(None, {}, recipe=name) for name in ("quick", "quick-taught"))
    assert taught.teacher_probabilities == "emorec"
    same = {"teacher_probabilities", "teacher_weight"}
    assert quick.model_dump(exclude=same) == taught.model_dump(exclude=same)


@pytest.mark.parametrize("name", ["quick", "quick-taught"])
def test_the_quick_recipes_cost_twelve_epochs_at_48_pixels_at_most(name: str) -> None:
    recipe = load_config(None, {}, recipe=name)
    assert (recipe.arch, recipe.weights, recipe.labels) == ("compact", "none", "auto")
    assert recipe.total_epochs * (recipe.image_size or 0) ** 2 <= 12 * 48**2
    assert 0 < recipe.warmup_epochs <= recipe.epochs / 10
