"""The command `emorec`: finds its subcommands when they are called, and maps errors to exit codes.

Start-up time is part of the product: nothing beyond click is imported before a command is chosen.
"""

import errno
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any, cast

import click

from emorec import __version__
from emorec.cli.terminal_text import one_line
from emorec.errors import EmorecError, MissingDependencyError

COMMANDS = {
    "datasets": "Say where to get each data set, its terms, and the command that prepares it.",
    "prepare-data": "Make a training data set out of the raw ones in SOURCE.",
    "data-report": "Look through the data set DATA and report on it as a page and as JSON.",
    "architectures": "List the nets that can be trained, with their size and cost.",
    "train": "Train a model and write a run folder: model, metrics and figures.",
    "evaluate": "Score each MODEL (.onnx, .keras or a run folder) on a split of a data set.",
    "export": "Export MODEL (a .keras file or a run folder) as ONNX.",
    "detect": "Find the faces in each SOURCE and read their emotions.",
    "models": "List, show and fetch the models that emorec runs.",
    "doctor": "Look at this installation and say what is wrong and how to mend it.",
}
"""Short help of each command; module and function are named after it."""

_TRAIN_PACKAGES = frozenset(
    ("keras", "matplotlib", "onnx", "pydantic", "tensorboard", "tensorflow", "tf2onnx", "yaml")
)
_BACKENDS = frozenset(("jax", "torch"))
_RAY_PACKAGES = frozenset(("pyarrow", "ray"))
_BASE_PACKAGES = frozenset(("cv2", "numpy", "onnxruntime", "rich"))

_LIBRARY_MISSING = (
    "cannot open shared object file",  # glibc
    "Error loading shared library",  # musl
)

_INTERRUPTED = 130


class _Commands(click.Group):
    """A group that imports a command's module when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        return cast(click.Command, getattr(importlib.import_module(f"emorec.cli.{name}"), name))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        # click would import every command to ask it for its short help.
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(_INTERRUPTED)
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                raise  # click ends quietly when the reader of our output went away
            known = explained(error)
            if ctx.params["debug"]:
                sys.excepthook(type(error), error, error.__traceback__)
            unexpected = f"unexpected {type(error).__name__}: {error}"
            advice = "" if known else "; `emorec --debug ...` shows where it comes from"
            click.echo(f"error: {one_line(str(known or unexpected))}{advice}", err=True)
            ctx.exit(known.exit_code if known else EmorecError.exit_code)


def explained(error: Exception) -> EmorecError | None:
    """Give the error as one that a user can act on, or None for a bug."""
    if isinstance(error, EmorecError):
        return error
    if isinstance(error, ModuleNotFoundError):
        if error.name in _TRAIN_PACKAGES:
            return MissingDependencyError(
                f"this command needs the package {error.name!r}; "
                "install it with: pip install 'emorec[train]'"
            )
        if error.name in _BACKENDS:
            return MissingDependencyError(
                f"KERAS_BACKEND asks for {error.name!r}, which is not installed; install it with: "
                f"pip install 'emorec[{error.name}]', or unset KERAS_BACKEND"
            )
        if error.name in _RAY_PACKAGES:
            return MissingDependencyError(
                f"--ray needs the package {error.name!r}; install it with: "
                "pip install 'emorec[ray]'"
            )
        if error.name in _BASE_PACKAGES:
            return MissingDependencyError(
                f"the package {error.name!r} is missing; install emorec anew: pip install emorec"
            )
        return None
    if isinstance(error, ImportError) and any(text in str(error) for text in _LIBRARY_MISSING):
        return _without_system_library(error)
    return None


def _without_system_library(error: ImportError) -> MissingDependencyError | None:
    """Explain an opencv-python that lacks the libraries of a desktop, as on servers."""
    from importlib.metadata import PackageNotFoundError, version
    from traceback import walk_tb

    frames = walk_tb(error.__traceback__)
    if not any(frame.f_globals.get("__name__") == "cv2" for frame, _ in frames):
        return None

    try:
        pinned = f"=={version('opencv-python')}"
    except PackageNotFoundError:
        pinned = ""
    return MissingDependencyError(
        f"opencv-python lacks a library of the system ({error}); install the libraries: "
        "apt-get install libgl1 libglib2.0-0 libxcb1, or take the build that needs none: "
        "pip uninstall -y opencv-python && pip install "
        f"'opencv-python-headless{pinned}'"
    )


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: emorec detect photo.jpg",
)
@click.version_option(__version__, prog_name="emorec")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def main(debug: bool) -> None:
    """Facial emotion recognition: from raw data sets to emotions on photos.

    `emorec COMMAND --help` explains a command. Exit codes: 0 done, 1 unexpected error or an input
    that could not be read, 2 usage, 3 configuration, 4 data, 5 model, 6 missing package,
    130 interrupted.
    """


def run(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit.

    Args:
        arguments: Words after the program's name; None takes them from `sys.argv`.
    """
    # OpenCV reads these as it loads. A damaged picture is told of in one line of our own; and
    # formats whose header emorec does not read have the same limit (images.MAX_PIXELS).
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(2**27))
    try:
        main(args=arguments, prog_name="emorec")
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
