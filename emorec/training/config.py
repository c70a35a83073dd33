"""The configuration of a training run: defaults, YAML files and overriding options."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from emorec import resources
from emorec.errors import ConfigError
from emorec.labels import POLICIES
from emorec.metadata import MAX_ADJUSTMENT

MAX_FILE_BYTES = 2**20

_HIGHEST_ADAMW_RATE = 0.03


class AugmentationConfig(BaseModel):
    """Random changes of the training images; each is drawn anew for every image and epoch.

    Every range is symmetric about no change, and uniform.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    rotation: float = Field(20.0, ge=0, le=180, description="largest rotation in degrees")
    zoom: float = Field(0.05, ge=0, lt=1, description="largest change of scale")
    shear: float = Field(10.0, ge=0, lt=80, description="largest shear in degrees")
    shift: float = Field(0.0, ge=0, lt=1, description="largest shift as part of the side")
    horizontal_flip: bool = Field(True, description="mirror every second image")
    brightness: float = Field(0.0, ge=0, le=1, description="largest offset as part of 255")
    contrast: float = Field(0.0, ge=0, lt=1, description="largest change of the contrast")
    blur: float = Field(0.0, ge=0, le=1, description="share of images shrunk and enlarged again")
    erasing: float = Field(0.0, ge=0, le=1, description="share of images with an erased box")


NO_AUGMENTATION = {
    name: False if field.annotation is bool else 0.0
    for name, field in AugmentationConfig.model_fields.items()
}
"""Settings that leave the images as they are."""


FINE_TUNING = ("head_epochs", "head_learning_rate", "layer_decay")
"""Settings that make sense with pretrained weights alone."""


class TrainConfig(BaseModel):
    """All settings of a run; the YAML files of configs/ have these keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    arch: str = "compact"
    image_size: int | None = Field(None, ge=8, le=1024)
    weights: str = "none"
    trainable_layers: int | None = Field(None, ge=-1)
    dropout: float = Field(0.0, ge=0, lt=1)
    flip_average: bool = Field(
        False, description="the saved model averages its logits over an image and its mirror image"
    )
    partner: str | None = Field(
        None,
        description="a saved model whose net sees the image there; the trained one then sees the "
        "mirror image alone",
    )
    half_weights: bool = Field(
        False, description="the ONNX file keeps its weights in float16, in half the space"
    )
    feature_cache: Literal["auto"] | bool = Field(
        "auto",
        description="compute what the frozen layers give only once; auto: where the images are "
        "not changed at random (or feature_views is set) and that gives the same",
    )
    feature_views: int = Field(
        1, ge=1, le=1000, description="fixed views of an image that are computed: the first plain"
    )
    labels: Literal["hard", "soft"] = "hard"
    policy: str | None = None
    classes: Literal[7, 8] | None = None
    head_epochs: int = Field(
        0, ge=0, description="epochs before the others in which the head trains alone"
    )
    head_learning_rate: float | None = Field(
        None, gt=0, description="of those epochs; the learning rate by default"
    )
    epochs: int = Field(30, ge=1, description="after those of the head")
    batch_size: int = Field(64, ge=1)
    optimizer: Literal["sgd", "adamw"] = "sgd"
    learning_rate: float = Field(0.01, gt=0)
    momentum: float = Field(0.9, ge=0, lt=1, description="of sgd")
    nesterov: bool = Field(True, description="of sgd")
    layer_decay: float = Field(
        1.0,
        gt=0,
        le=1,
        description="what the rate is multiplied by from each block of the backbone to the one "
        "before; 1 for one rate",
    )
    weight_decay: float = Field(0.0, ge=0, description="not of biases and norms")
    clip_norm: float | None = Field(None, gt=0, description="largest norm of the whole gradient")
    schedule: Literal["constant", "cosine", "step"] = "constant"
    step_epochs: float = Field(10.0, gt=0, description="epochs between the steps of the rate")
    step_factor: float = Field(0.1, gt=0, lt=1, description="what each step multiplies it by")
    warmup_epochs: float = Field(
        0.0, ge=0, description="linear rise of the rate; at most half of the run"
    )
    ema: float = Field(
        0.0, ge=0, lt=1, description="per step, of the weights validated and kept; 0 for none"
    )
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="part shared by all classes")
    mixup: float = Field(0.0, ge=0, description="alpha of the Beta distribution; 0 for none")
    cutmix: float = Field(0.0, ge=0, description="alpha of the Beta distribution; 0 for none")
    calm_epochs: int = Field(0, ge=0, description="last epochs without mixup, cutmix and erasing")
    balance: Literal["none", "weights", "sampling"] = "none"
    balance_strength: float = Field(1.0, gt=0, le=1, description="1 evens the classes out wholly")
    logit_adjustment: float = Field(0.0, ge=0, description="tau; 0 for none, 1 for the paper's")
    teacher: tuple[str, ...] = Field((), description="models whose answers are learned too")
    teacher_weight: float = Field(0.5, gt=0, le=1, description="part of the teachers' answers")
    patience: int = Field(10, ge=1)
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "float32", description="auto: bfloat16 where the processor has instructions for it"
    )
    limit: int | None = Field(None, ge=1)
    seed: int = Field(0, ge=0)
    augmentation: AugmentationConfig = AugmentationConfig()
    model_name: str | None = None
    model_version: str = "1"
    model_license: str = "unspecified"
    training_data: str | None = None
    crop_margin: float = Field(0.0, ge=-0.4, le=2)
    default_prior: float = Field(
        0.0,
        ge=0,
        le=MAX_ADJUSTMENT,
        description="how much of the prior the model's users take out",
    )

    @property
    def total_epochs(self) -> int:
        """All epochs, those of the head among them."""
        return self.head_epochs + self.epochs

    def to_yaml(self) -> str:
        """Write the settings as YAML."""
        return yaml.safe_dump(self.model_dump(), sort_keys=False)


def default_config_path(arch: str) -> Path | None:
    """Path of the shipped configuration of an architecture, or None."""
    path = resources.folder("configs") / f"{arch}.yaml"
    return path if path.is_file() else None


def load_config(path: Path | None, overrides: Mapping[str, Any]) -> TrainConfig:
    """Read a configuration file and lay the given options over it.

    Args:
        path: YAML file; None takes the shipped one of the architecture asked for.
        overrides: Settings that go over those of the file; dotted keys reach into
            `augmentation`.

    Raises:
        ConfigError: The file is missing or no YAML mapping, a key is unknown, or a value is wrong.
    """
    shipped = path is None
    if path is None:
        path = default_config_path(str(overrides.get("arch", "compact")))
    settings = _read(path) if path else {}
    if shipped and overrides.get("weights") == "none":
        # The shipped files fine-tune; from scratch there is nothing to be careful with.
        for name in FINE_TUNING:
            settings.pop(name, None)
    source = str(path) if path else "the options"
    augmentation = settings.get("augmentation")
    if "augmentation" in settings and not isinstance(augmentation, dict):
        raise ConfigError(
            f"{source}: augmentation must be a mapping; received {augmentation!r:.60}"
        )
    for key, value in overrides.items():
        section, _, name = key.rpartition(".")
        (settings.setdefault(section, {}) if section else settings)[name] = value
    return validated(settings, source)


def validated(settings: Mapping[str, Any], source: str) -> TrainConfig:
    """Check settings.

    Raises:
        ConfigError: A key is unknown, with a suggestion, or a value is wrong.
    """
    try:
        config = TrainConfig.model_validate(dict(settings))
    except ValidationError as error:
        raise ConfigError(f"{source}: {_explained(error)}") from error
    if config.policy is not None and config.policy not in POLICIES:
        raise ConfigError(
            f"{source}: policy must be one of {', '.join(POLICIES)}; received {config.policy!r:.60}"
        )
    contradiction = _contradiction(config)
    if contradiction:
        raise ConfigError(f"{source}: {contradiction}")
    return config


def _contradiction(config: TrainConfig) -> str | None:
    """Say which settings make no sense together, and what to do."""
    if config.optimizer == "adamw" and config.learning_rate > _HIGHEST_ADAMW_RATE:
        return (
            f"adamw diverges at a learning rate of {config.learning_rate:g}; use 0.001, or at "
            f"most {_HIGHEST_ADAMW_RATE}"
        )
    if config.calm_epochs >= config.total_epochs:
        return (
            f"calm_epochs must be fewer than the epochs; received {config.calm_epochs} of "
            f"{config.total_epochs}"
        )
    if config.partner is not None and not config.flip_average:
        return "partner takes the part of the image in flip_average, which is off; set both"
    if config.head_epochs and config.weights == "none":
        return (
            f"head_epochs ({config.head_epochs}) freeze the backbone first, which without weights "
            "knows nothing; use head_epochs 0, or weights imagenet, emorec or a path"
        )
    if config.layer_decay < 1 and config.weights == "none":
        return (
            f"layer_decay ({config.layer_decay:g}) spares layers that know something, and without "
            "weights none does; use layer_decay 1, or weights imagenet, emorec or a path"
        )
    if config.head_epochs and config.trainable_layers == 0:
        return (
            "after head_epochs nothing but the head would train, for trainable_layers is 0; use "
            "head_epochs 0, or more layers"
        )
    if config.balance != "none" and config.logit_adjustment:
        return (
            f"balance {config.balance} and logit_adjustment both even the classes out; use one "
            "of them"
        )
    return None


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ConfigError(f"{path}: a configuration has at most {MAX_FILE_BYTES} bytes")
        settings = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot read: {error.strerror or error}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"{path}: not a YAML file: {reason:.200}") from error
    if settings is None:
        return {}
    if not isinstance(settings, dict) or not all(isinstance(key, str) for key in settings):
        raise ConfigError(f"{path}: a configuration is a mapping of settings, such as 'epochs: 30'")
    return settings


def _explained(error: ValidationError) -> str:
    """Say the first problem in one line."""
    problem = error.errors()[0]
    where = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        section = TrainConfig if len(problem["loc"]) == 1 else AugmentationConfig
        known = list(section.model_fields)
        close = difflib.get_close_matches(str(problem["loc"][-1]), known, 1)
        hint = f"did you mean {close[0]!r}?" if close else f"known keys: {', '.join(known)}"
        return f"unknown key {where!r:.80}; {hint}"
    return f"{where}: {problem['msg']}; received {problem['input']!r:.80}"
