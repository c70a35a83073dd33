"""Options shared by several commands, and option types that click lacks."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from emorec.cli.verbosity import note
from emorec.environment import DEVICE_VARIABLE, MODEL_VARIABLE
from emorec.errors import ConfigError, ModelError
from emorec.inference.devices import AUTO, DEVICE_NAMES
from emorec.suffixes import promises_format
from emorec.suggestions import close_names
from emorec.types import ALIGNMENTS, Box

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


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


class OutputFolder(click.Path):
    """A folder to write; a new one is not named like a file, such as result.jpg.

    Attributes:
        file_option: The option of the same command that names a file to write, if it has one.
    """

    def __init__(self, file_option: str | None = None) -> None:
        super().__init__(file_okay=False, readable=False)
        self.file_option = file_option

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Convert the value to a path."""
        folder = Path(os.fsdecode(value))
        if promises_format(folder) and not folder.is_dir():
            advice = f"name a folder, such as {folder.with_suffix('')}"
            if self.file_option:
                advice += f", or the file: {self.file_option} {folder}"
            self.fail(f"{str(folder)!r} is named like a file; {advice}", param, ctx)
        super().convert(value, param, ctx)
        return folder


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
    if value is None:
        return None
    from emorec.probabilities import parse_prior

    try:
        return parse_prior(value)
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


classes_option = click.option(
    "--classes",
    type=Choice([7, 8]),
    default=7,
    show_default=True,
    help="Number of reported emotions; 8 adds contempt.",
)

align_option = click.option(
    "--align",
    type=Choice(list(ALIGNMENTS)),
    default="auto",
    show_default=True,
    help="Rotate the crops of tilted faces so that the eyes are level, if the detector finds "
    "landmarks; auto is the model's own default.",
)


def refuse_device_of_keras() -> None:
    """Check that --device is not passed with a .keras file.

    Raises:
        click.UsageError: It is.
    """
    source = click.get_current_context().get_parameter_source("device")
    if source is ParameterSource.COMMANDLINE:
        raise click.UsageError(
            "--device is for .onnx files; the device of a .keras file is that of its Keras backend"
        )


def complete_files(
    ctx: click.Context, parameter: click.Parameter, incomplete: str
) -> list["CompletionItem"]:
    """Let the shell complete a value as the name of a file; `shell_complete` of a parameter."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


def complete_models(
    ctx: click.Context, parameter: click.Parameter, incomplete: str
) -> list["CompletionItem"]:
    """Complete a value as the name of a shipped emotion model, or as that of a file."""
    from click.shell_completion import CompletionItem

    from emorec.models.registry import EMOTIONS, shipped

    names = [file.name for file in shipped() if file.kind == EMOTIONS]
    return [
        *(CompletionItem(name) for name in names if name.startswith(incomplete)),
        *complete_files(ctx, parameter, incomplete),
    ]


def model_option(help_text: str) -> Callable[[Any], Any]:
    """Make the option --model of commands that classify faces; see `model_file`.

    Args:
        help_text: Its help, without the default.
    """
    return click.option(
        "--model",
        type=click.Path(readable=False, path_type=Path),
        metavar="FILE|RUN|NAME",
        shell_complete=complete_models,
        envvar=MODEL_VARIABLE,
        show_envvar=True,
        help=f"{help_text}  [default: the shipped model]",
    )


def model_file(model: Path | None, formats: Sequence[str]) -> Path:
    """Find the file of the model that --model names.

    Args:
        model: Its value; None is the shipped model.
        formats: Formats that the command accepts, the preferred one first.

    Raises:
        ModelError: There is no such model, or it has none of the formats.
    """
    if model is None:
        from emorec import resources

        shipped = resources.shipped_model()
        return shipped if formats[0] == "onnx" else resources.shipped_keras_model()
    from emorec.models.files import find_model

    with naming_variable("model", MODEL_VARIABLE):
        return find_model(model, formats)


def note_flip_without_effect(model: Path) -> None:
    """Print that --flip does not change the results of a model."""
    note(f"{model} averages over mirror images itself, so --flip changes nothing")


@contextmanager
def naming_variable(parameter: str, variable: str) -> Iterator[None]:
    """Name an environment variable in the error about a model if it, not the user, named the model.

    Args:
        parameter: Name of the parameter in the current command.
        variable: The environment variable that sets its default.
    """
    try:
        yield
    except ModelError as error:
        source = click.get_current_context().get_parameter_source(parameter)
        if source is ParameterSource.ENVIRONMENT:
            raise ModelError(f"{variable}: {error}") from error
        raise
