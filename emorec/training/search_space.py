"""Owns the search space of `emorec tune`: which settings are searched, and in which ranges."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from emorec import resources
from emorec.errors import ConfigError
from emorec.short_repr import short_repr
from emorec.suggestions import unknown_name
from emorec.training import strict_yaml
from emorec.training.config import TrainConfig, validated
from emorec.training.config_groups import AugmentationConfig, DataConfig

MAX_PARAMETERS = 30
MAX_CHOICES = 50

_FIXED = {
    *DataConfig.model_fields,
    *("arch", "weights", "label_map", "seed", "stop_after", "augmentation"),
    *("teacher", "teacher_probabilities", "model_name", "model_version", "model_license"),
    *("training_data", "crop_margin", "align", "half_weights", "default_prior", "policy"),
}
"""Settings that are not searched: they change the images and labels that the figures rest on, or
the model's description; and the best of many seeds is luck."""

_FORMS = (
    "a setting is searched as {factor: 5}, {low: 0, high: 0.5}, {low: 0.001, high: 1, log: true} "
    "or {choices: [32, 64]}"
)

_EXPECTED = f"a search space names settings and their ranges; {_FORMS}"


@dataclass(frozen=True)
class Parameter:
    """A searched setting: a range, or choices.

    Attributes:
        name: Its name, such as learning_rate or augmentation.zoom.
        low: Lower end of the range.
        high: Upper end of the range, which belongs to it.
        log: Whether the range is logarithmic.
        integer: Whether the setting is a whole number.
        choices: Values, if it is no range.
    """

    name: str
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    integer: bool = False
    choices: tuple[Any, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the range or the choices in the form of the YAML file."""
        if self.choices:
            return {"choices": list(self.choices)}
        ends = (int(self.low), int(self.high)) if self.integer else (self.low, self.high)
        return {"low": ends[0], "high": ends[1], "log": self.log}


def searchable() -> dict[str, bool]:
    """Return the names of all settings that can be searched, and whether they are whole numbers."""
    found = {
        name: field.annotation is int or int in get_args(field.annotation)
        for name, field in TrainConfig.model_fields.items()
        if name not in _FIXED
    }
    return found | {f"augmentation.{name}": False for name in AugmentationConfig.model_fields}


def shipped_space(recipe: str | None) -> Path:
    """Return the file of the search space of a recipe: its own, or the general one."""
    folder = resources.folder("configs") / "search"
    own = folder / f"{(recipe or '').lower()}.yaml"
    known = {path.name for path in folder.glob("*.yaml")}
    return own if own.name in known else folder / "default.yaml"


def read_space(
    path: Path, config: TrainConfig, fixed: Collection[str] = ()
) -> tuple[Parameter, ...]:
    """Read a search space for the settings of a run.

    Args:
        path: YAML file.
        config: The settings, whose own values belong to every range.
        fixed: Settings that are not searched although the file names them; `augmentation` stands
            for all of its settings.

    Raises:
        ConfigError: The file is no search space, or does not suit the settings.
    """
    return parse_space(strict_yaml.read_mapping(path, _EXPECTED), str(path), config, fixed)


def parse_space(
    content: Mapping[str, Any], source: str, config: TrainConfig, fixed: Collection[str] = ()
) -> tuple[Parameter, ...]:
    """Convert the content of a search space; see `read_space`.

    Args:
        content: Range or choices by the name of a setting.
        source: Origin of the content, for messages.
        config: The settings.
        fixed: Settings that are not searched.

    Raises:
        ConfigError: The content is no search space, or does not suit the settings.
    """
    if len(content) > MAX_PARAMETERS:
        raise ConfigError(f"{source}: at most {MAX_PARAMETERS} settings are searched together")
    known = searchable()
    found = []
    for name, form in content.items():
        if name not in known:
            raise ConfigError(f"{source}: {unknown_name('setting to search', name, known)}")
        if name in fixed or name.partition(".")[0] in fixed:
            continue
        try:
            parameter = _parameter(name, form, known[name], config)
        except ConfigError as error:
            raise ConfigError(f"{source}: {name}: {error}") from error
        if parameter is not None:
            found.append(parameter)
    if not found:
        raise ConfigError(
            f"{source}: nothing is left to search: name settings in it that no option fixes, and "
            "that the recipe uses"
        )
    return tuple(found)


def with_settings(config: TrainConfig, settings: Mapping[str, Any], source: str) -> TrainConfig:
    """Return a configuration with other values of some settings.

    Args:
        config: The configuration.
        settings: Values by name; a dotted name is one of `augmentation`.
        source: Origin of the values, for messages.

    Raises:
        ConfigError: A value is invalid, or the values contradict each other.
    """
    values: dict[str, Any] = config.model_dump()
    for name, value in settings.items():
        section, _, last = name.rpartition(".")
        (values[section] if section else values)[last] = value
    return validated(values, source)


def value_of(config: TrainConfig, name: str) -> Any:
    """Return the value of a setting by its name, which may be dotted."""
    value: Any = config
    for part in name.split("."):
        value = getattr(value, part)
    return value


def _parameter(name: str, form: Any, integer: bool, config: TrainConfig) -> Parameter | None:
    own = value_of(config, name)
    if not isinstance(form, dict):
        raise ConfigError(f"{_FORMS}; received {short_repr(form)}")
    keys = set(form)
    if keys == {"choices"}:
        return _choices(name, form["choices"], own, config)
    if keys == {"factor"}:
        return _around(name, _number(form["factor"], "factor"), own, integer, config)
    if not {"low", "high"} <= keys <= {"low", "high", "log"}:
        raise ConfigError(f"{_FORMS}; received the keys {short_repr(sorted(map(str, keys)))}")
    low, high = _number(form["low"], "low"), _number(form["high"], "high")
    log = form.get("log", False)
    if not isinstance(log, bool):
        raise ConfigError(f"log is true or false; received {short_repr(log)}")
    if isinstance(own, bool) or not isinstance(own, int | float):
        raise ConfigError(f"its value in the recipe is {short_repr(own)}, no number; use choices")
    if low >= high:
        raise ConfigError(f"low must be less than high; received {low:g} and {high:g}")
    if log and min(low, own) <= 0:
        raise ConfigError(
            f"a logarithmic range is above 0, and has the recipe's own value {own:g}; leave out "
            "log, or set another value"
        )
    for end in (low, high):
        with_settings(config, {name: _as_setting(end, integer)}, "the range")
    return Parameter(name, min(low, own), max(high, own), log, integer)


def _choices(name: str, choices: Any, own: Any, config: TrainConfig) -> Parameter:
    if not isinstance(choices, list) or not 1 <= len(choices) <= MAX_CHOICES:
        raise ConfigError(f"choices is a list of 1 to {MAX_CHOICES} values")
    for value in choices:
        if not isinstance(value, str | int | float | bool | None):
            raise ConfigError(f"a choice is a number, a text, true, false or null: {value!r:.60}")
        with_settings(config, {name: value}, "a choice")
    every = [own, *choices]
    kept = [
        value
        for place, value in enumerate(every)
        # In Python, True equals 1.
        if not any(value == other and type(value) is type(other) for other in every[:place])
    ]
    if len(kept) < 2:
        raise ConfigError("choices has no other value than the recipe's own")
    return Parameter(name, choices=tuple(kept))


def _around(
    name: str, factor: float, own: Any, integer: bool, config: TrainConfig
) -> Parameter | None:
    """Return a range around the recipe's value, as wide as it is valid; None without a value."""
    if factor <= 1:
        raise ConfigError(f"factor must be more than 1; received {factor:g}")
    if own is None or own == 0:
        return None
    if isinstance(own, bool) or not isinstance(own, int | float):
        raise ConfigError(f"its value in the recipe is {short_repr(own)}, no number; use choices")
    while factor > 1.05:
        low, high = own / factor, own * factor
        if integer:
            low, high = max(math.ceil(low), 1), math.floor(high)
        try:
            for end in (low, high):
                with_settings(config, {name: end}, "the range")
        except ConfigError:
            factor = 1 + (factor - 1) * 0.7
            continue
        return Parameter(name, low, high, True, integer) if low < high else None
    return None


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"{name} must be a number; received {short_repr(value)}")
    number = float(value) if abs(value) < 1e300 else math.inf
    if not math.isfinite(number):
        raise ConfigError(f"{name} must be a finite number; received {short_repr(value)}")
    return number


def _as_setting(value: float, integer: bool) -> float | int:
    if integer and value != int(value):
        raise ConfigError(f"the setting is a whole number; received {value:g}")
    return int(value) if integer else value
