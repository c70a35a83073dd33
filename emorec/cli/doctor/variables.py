"""The checks of `emorec doctor` of the environment variables that set defaults."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from emorec import resources
from emorec.app.tokens import check_token
from emorec.cli.doctor.check import NOTE, OK, WRONG, Check
from emorec.detection.registry import DEFAULT_DETECTOR, detector_entry
from emorec.environment import (
    CACHE_VARIABLE,
    DETECTOR_VARIABLE,
    DEVICE_VARIABLE,
    MODEL_VARIABLE,
    TOKEN_VARIABLE,
    VARIABLES,
)
from emorec.errors import ConfigError, EmorecError
from emorec.inference.devices import AUTO, requested_device
from emorec.models.files import find_model
from emorec.suggestions import close_names

_GROUP = "environment"
_PREFIX = "EMOREC_"


def variable_checks() -> Iterator[Check]:
    """Check the value of each variable, and note other variables that look like these."""
    for name in VARIABLES:
        value = os.environ.get(name)
        if not value:
            yield Check(_GROUP, name, OK, f"not set; default: {_DEFAULTS[name]()}")
            continue
        shown = "set; not shown" if name == TOKEN_VARIABLE else value
        try:
            _CHECKS[name](value)
        except EmorecError as error:
            fix = f"set {name} to another value, or unset it"
            yield Check(_GROUP, name, WRONG, f"{shown}: {error}", fix)
        else:
            yield Check(_GROUP, name, OK, shown)
    for name in sorted(os.environ):
        if name.startswith(_PREFIX) and name not in VARIABLES:
            known = [each.removeprefix(_PREFIX) for each in VARIABLES]
            close = close_names(name.removeprefix(_PREFIX), known)
            fix = f"did you mean {_PREFIX}{close[0]}?" if close else ""
            yield Check(_GROUP, name, NOTE, "emorec reads no such variable", fix)


def _check_cache(value: str) -> None:
    """Check that the cache folder, or the folder in which it will be created, can be written to."""
    folder = Path(value).absolute()
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise ConfigError(f"{folder} is not a folder that can be written to")


_CHECKS: dict[str, Callable[[str], object]] = {
    MODEL_VARIABLE: lambda value: find_model(value, ("onnx",)),
    DETECTOR_VARIABLE: detector_entry,
    DEVICE_VARIABLE: requested_device,
    CACHE_VARIABLE: _check_cache,
    TOKEN_VARIABLE: check_token,
}

_DEFAULTS: dict[str, Callable[[], object]] = {
    MODEL_VARIABLE: lambda: resources.shipped_model().stem,
    DETECTOR_VARIABLE: lambda: DEFAULT_DETECTOR,
    DEVICE_VARIABLE: lambda: AUTO,
    CACHE_VARIABLE: resources.cache_folder,
    TOKEN_VARIABLE: lambda: "a new random one",
}
