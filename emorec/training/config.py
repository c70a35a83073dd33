"""Owns the configuration of a training run: its defaults, YAML files and overrides."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError

from emorec.datasets.grouping import parse_rule
from emorec.errors import ConfigError
from emorec.labels import POLICIES
from emorec.metadata import name_problem
from emorec.modeling.architecture_summary import architecture_summaries, architecture_summary
from emorec.models.initial_weights import architecture_of
from emorec.short_repr import short_repr
from emorec.suggestions import did_you_mean
from emorec.training import strict_yaml
from emorec.training.config_groups import (
    AugmentationConfig,
    BalanceConfig,
    DataConfig,
    DistillationConfig,
    FeatureCacheConfig,
    LearningRateConfig,
    MixingConfig,
    ModelConfig,
    OptimizerConfig,
    OutputConfig,
    StageConfig,
)
from emorec.training.recipes import default_config_path, recipe_path, similar_recipe

_HIGHEST_ADAMW_RATE = 0.03

FINE_TUNING = ("head_epochs", "head_learning_rate", "layer_decay")
"""Settings that make sense only with pretrained weights."""

RENAMED_KEYS = {"calm_epochs": "mix_off_epochs"}
"""Keys of version 0.1.0 and their names now; YAML files and run folders may hold the old ones."""

REMOVED_KEYS = ("partner", "mirror_partner")
"""Keys of a second network for the mirror image, which older run folders hold; null is ignored."""


# Pydantic orders the fields from the last base class to the first.
class TrainConfig(
    OutputConfig,
    DistillationConfig,
    BalanceConfig,
    MixingConfig,
    OptimizerConfig,
    LearningRateConfig,
    StageConfig,
    DataConfig,
    FeatureCacheConfig,
    ModelConfig,
):
    """All settings of a run; the YAML files of configs/ have these keys."""

    batch_size: int = Field(64, ge=1, le=65_536, description="images per step, over all devices")
    seed: int = Field(
        0, ge=0, le=2**32 - 1, description="of the initial weights, the order and augmentation"
    )
    augmentation: AugmentationConfig = AugmentationConfig()

    def to_yaml(self) -> str:
        """Serialise the settings as YAML."""
        return yaml.safe_dump(self.model_dump(), sort_keys=False)


def load_config(
    path: Path | None,
    overrides: Mapping[str, Any],
    option_of: Callable[[str], str] = str,
    *,
    recipe: str | None = None,
) -> TrainConfig:
    """Read a configuration file and apply overrides to it.

    The settings of the file's section `pretrained` replace its others for a run with pretrained
    weights.

    Args:
        path: YAML file; None for a shipped file.
        overrides: Settings that override those of the file; a dotted key names a setting of
            `augmentation`.
        option_of: Converts the key of an override to what the user typed, for messages.
        recipe: Name of the shipped file, see `recipe_path`; None for that of the architecture,
            which is by default the one of the initial weights.

    Raises:
        ConfigError: The recipe is unknown, the file is missing or no YAML mapping, a key is
            unknown, a value is invalid, the architecture is unknown, or the name of the model is
            one of the package.
        ModelError: The initial weights name no model.
    """
    shipped = path is None
    if path is None:
        arch = overrides.get("arch")
        path = (
            recipe_path(recipe, arch) if recipe else default_config_path(_architecture(overrides))
        )
    settings = _read(path) if path else {}
    source = str(path) if path else "the options"
    pretrained = _mapping(settings, "pretrained", source)
    settings.pop("pretrained", None)
    if overrides.get("weights", settings.get("weights", "none")) != "none":
        settings |= pretrained
    if shipped and overrides.get("weights") == "none":
        # The shipped files fine-tune; without pretrained weights there is nothing to preserve.
        for name in FINE_TUNING:
            settings.pop(name, None)
    _mapping(settings, "augmentation", source)
    for key, value in overrides.items():
        section, _, name = key.rpartition(".")
        group = settings.setdefault(section, {}) if section else settings
        if not isinstance(group, dict):
            raise ConfigError(f"{source}: {section} has no setting {short_repr(name)}")
        group[name] = value
    options = {key: option_of(key) for key in overrides}
    config = validated(settings, source, options)
    if config.model_name is not None and (problem := name_problem(config.model_name)):
        raise ConfigError(f"{options.get('model_name', f'{source}: model_name')}: {problem}")
    return config


def _architecture(overrides: Mapping[str, Any]) -> str:
    """Return the architecture of a run without a configuration file: by default its weights' own.

    Raises:
        ModelError: The weights name no model.
    """
    if "arch" in overrides:
        return str(overrides["arch"])
    found = architecture_of(str(overrides.get("weights", "none")))
    return found if found in architecture_summaries() else "compact"


def read_config(path: Path) -> TrainConfig:
    """Read the settings of a run that exists.

    Raises:
        ConfigError: As for `load_config`.
    """
    # Runs of version 0.1.0 have no such setting, and are resumed as they began.
    return validated({"ema_warmup": False, **_read(path)}, str(path))


def _mapping(settings: Mapping[str, Any], section: str, source: str) -> dict[str, Any]:
    """Return a section of the settings; empty if it is absent."""
    found = settings.get(section, {})
    if not isinstance(found, dict):
        raise ConfigError(f"{source}: {section} must be a mapping; received {short_repr(found)}")
    return found


def validated(
    settings: Mapping[str, Any], source: str, options: Mapping[str, str] | None = None
) -> TrainConfig:
    """Check settings and return them as a configuration.

    Args:
        settings: Values by key.
        source: Origin of the settings, for messages.
        options: The options that override settings, by their key; they are their origin.

    Raises:
        ConfigError: A key is unknown, a value is invalid, or two settings contradict each other.
    """
    try:
        config = TrainConfig.model_validate(dict(settings))
    except ValidationError as error:
        problem = _first_problem(error)
        where = ".".join(map(str, error.errors()[0]["loc"]))
        for key, option in (options or {}).items():
            if f"{where}.".startswith(f"{key}."):
                source, problem = option, problem.removeprefix(f"{where}: ")
        raise ConfigError(f"{source}: {problem}") from error
    if config.policy is not None and config.policy not in POLICIES:
        raise ConfigError(
            f"{source}: policy must be one of {', '.join(POLICIES)}; "
            f"received {short_repr(config.policy)}"
        )
    if config.group_by is not None:
        parse_rule(config.group_by)
    try:
        architecture_summary(config.arch)
    except ConfigError as error:
        raise ConfigError(f"{(options or {}).get('arch', source)}: {error}") from error
    contradiction = _contradiction(config)
    if contradiction:
        origin = ", ".join([source, *(options or {}).values()])
        raise ConfigError(f"{origin}: {contradiction}")
    return config


def _contradiction(config: TrainConfig) -> str | None:
    """Describe settings that contradict each other, and the fix."""
    if config.optimizer == "adamw" and config.learning_rate > _HIGHEST_ADAMW_RATE:
        return (
            f"adamw diverges at a learning rate of {config.learning_rate:g}; use 0.001, or at "
            f"most {_HIGHEST_ADAMW_RATE}"
        )
    if config.mix_off_epochs >= config.total_epochs:
        return (
            f"mix_off_epochs must be less than the number of epochs, {config.total_epochs}; "
            f"received {config.mix_off_epochs}"
        )
    pretrained = "set weights to imagenet, emorec or a path"
    if config.head_epochs and config.weights == "none":
        return (
            f"head_epochs needs a pretrained backbone; received head_epochs {config.head_epochs} "
            f"and weights none: {pretrained}, or set head_epochs: 0"
        )
    if config.layer_decay < 1 and config.weights == "none":
        return (
            f"layer_decay needs a pretrained backbone; received layer_decay "
            f"{config.layer_decay:g} and weights none: {pretrained}, or set layer_decay: 1"
        )
    if config.head_epochs and config.trainable_layers == 0:
        return (
            "trainable_layers 0 trains only the head, also after head_epochs; set head_epochs: 0, "
            "or more trainable_layers"
        )
    if config.balance != "none" and config.logit_adjustment:
        return (
            f"balance {config.balance} and logit_adjustment both compensate class imbalance; use "
            "one of them"
        )
    return None


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > strict_yaml.MAX_LENGTH:
            raise ConfigError(f"{path}: a configuration has at most {strict_yaml.MAX_LENGTH} bytes")
        settings = strict_yaml.parse(path.read_text("utf-8"))
    except OSError as error:
        meant = similar_recipe(path.name) if isinstance(error, FileNotFoundError) else None
        hint = f"; did you mean --recipe {meant}?" if meant else ""
        raise ConfigError(f"{path}: cannot read: {error.strerror or error}{hint}") from error
    except ValueError as error:
        raise ConfigError(f"{path}: not a YAML file that emorec reads: {error}") from error
    if settings is None:
        return {}
    if not isinstance(settings, dict) or not all(isinstance(key, str) for key in settings):
        raise ConfigError(f"{path}: a configuration is a mapping of settings, such as 'epochs: 30'")
    for old, new in RENAMED_KEYS.items():
        if old in settings:
            if new in settings:
                raise ConfigError(f"{path}: {old} is the old name of {new}; remove one of them")
            settings[new] = settings.pop(old)
    for key in REMOVED_KEYS:
        if settings.pop(key, None) is not None:
            raise ConfigError(
                f"{path}: {key}, a second network for the mirror image, was removed after version "
                "0.1.0; remove the key, or finish the run with that version"
            )
    return settings


def _first_problem(error: ValidationError) -> str:
    """Describe the first problem in one line."""
    problem = error.errors()[0]
    where = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        section = TrainConfig if len(problem["loc"]) == 1 else AugmentationConfig
        known, name = list(section.model_fields), str(problem["loc"][-1])
        renamed = RENAMED_KEYS.get(where)
        question = f"did you mean {renamed!r}?" if renamed else did_you_mean(name, known)
        hint = question or f"known keys: {', '.join(known)}"
        return f"unknown key {short_repr(where)}; {hint}"
    return f"{where}: {problem['msg']}; received {short_repr(problem['input'])}"
