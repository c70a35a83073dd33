"""Options shared by several commands, and option types that click lacks."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from emorec.cli.terminal_text import one_line
from emorec.errors import ConfigError
from emorec.inference.devices import AUTO, DEVICE_NAMES, DEVICE_VARIABLE
from emorec.suggestions import close_names
from emorec.types import Box


class Choice(click.Choice[Any]):
    """One of several values; the message on another value suggests the one probably meant.

    Attributes:
        synonyms: Values by other words for them, such as "cuda" for "gpu".
    """

    def __init__(self, choices: Iterable[Any], synonyms: Mapping[str, str] | None = None) -> None:
        super().__init__(tuple(choices))
        self.synonyms = synonyms or {}

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        """Describe an invalid value."""
        message = super().get_invalid_choice_message(value, ctx)
        meant = self.synonyms.get(str(value).lower())
        close = [meant] if meant else close_names(str(value), map(str, self.choices))
        return f"{message} Did you mean {close[0]!r}?" if close else message


def region(ctx: click.Context, parameter: click.Parameter, value: str | None) -> Box | None:
    """Convert "x,y,width,height" in pixels to a box; callback of an option."""
    if value is None:
        return None
    try:
        x, y, width, height = (int(part) for part in value.split(","))
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not four whole numbers x,y,w,h") from error
    if x < 0 or y < 0 or width < 1 or height < 1:
        raise click.BadParameter(f"{value!r}: x and y must be 0 or more, w and h 1 or more")
    return Box(x, y, width, height)


def _read_prior(ctx: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    from emorec.probabilities import parse_prior

    try:
        return None if value is None else parse_prior(value)
    except ConfigError as error:
        raise click.BadParameter(str(error)) from error


prior_option = click.option(
    "--prior",
    callback=_read_prior,
    metavar="natural|balanced|STRENGTH",
    help="How much of the training prior to remove: balanced (1) predicts rare emotions more often "
    "and frequent ones less often, natural (0) removes nothing.  [default: the model's own]",
)

device_option = click.option(
    "--device",
    type=Choice(DEVICE_NAMES, {"gpu": "cuda", "nvidia": "cuda", "mps": "coreml"}),
    default=AUTO,
    show_default=True,
    envvar=DEVICE_VARIABLE,
    show_envvar=True,
    help="Device that runs an ONNX model; auto: cuda or directml if the installed ONNX Runtime has "
    "it, else cpu. Most devices need another wheel of ONNX Runtime (docs/devices.md). Faces are "
    "detected on the CPU.",
)


def note_flip_without_effect(model: Path) -> None:
    """Print that --flip does not change the results of a model."""
    text = f"note: {model} averages over mirror images itself, so --flip changes nothing"
    click.echo(one_line(text), err=True)
