"""Sizes and costs of the architectures, from a file that is read without Keras.

`python scripts/measure_architectures.py` writes architectures.json; tests compare it with the built
networks.
"""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from emorec import resources
from emorec.errors import ConfigError, EmorecError
from emorec.suggestions import unknown_name

SUMMARIES_PATH = resources.architectures_file()

_Entry = TypeVar("_Entry")


@dataclass(frozen=True)
class ArchitectureSummary:
    """Size and cost of an architecture as a classifier of eight emotions at its default size.

    Attributes:
        name: Name on the command line.
        parameters: Weights and biases, including frozen layers and normalisation.
        multiply_adds: For one image; see `emorec.modeling.complexity.multiply_adds`.
        default_size: Default side of the input in pixels.
        minimum_size: Smallest side of the input in pixels.
        blocks: Number of blocks of the backbone.
        imagenet: Whether Keras publishes ImageNet weights.
        onednn_speedup: Images per second of a training with oneDNN, relative to one without, on a
            processor with AVX2 and without AVX-512, in float32; None if not measured.
    """

    name: str
    parameters: int
    multiply_adds: int
    default_size: int
    minimum_size: int
    blocks: int
    imagenet: bool
    onednn_speedup: float | None = None


@functools.cache
def architecture_summaries() -> dict[str, ArchitectureSummary]:
    """Return the summaries of all architectures by name, in the order of their table.

    Raises:
        EmorecError: The file is missing or damaged.
    """
    try:
        rows = json.loads(SUMMARIES_PATH.read_text("utf-8"))["architectures"]
        return {row["name"]: ArchitectureSummary(**row) for row in rows}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EmorecError(f"{SUMMARIES_PATH}: {error}; reinstall emorec") from error


def architecture_summary(name: str) -> ArchitectureSummary:
    """Return the summary of an architecture by its name, in any case.

    Raises:
        ConfigError: No architecture has this name.
    """
    return named_architecture(architecture_summaries(), name)


def named_architecture(table: Mapping[str, _Entry], name: str) -> _Entry:
    """Return the entry of an architecture by its name, in any case.

    Raises:
        ConfigError: The table has no such name.
    """
    try:
        return table[name.lower()]
    except KeyError:
        raise ConfigError(unknown_name("architecture", name, table)) from None
