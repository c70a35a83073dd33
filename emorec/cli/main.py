"""The command `emorec`, which imports a subcommand when it is called.

Start-up time is part of the product: nothing beyond click is imported before a command is chosen.
"""

import errno
import gc
import importlib
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import click

from emorec import __version__
from emorec.cli.command_group import CommandGroup
from emorec.cli.errors import interrupt_behind, report_error
from emorec.cli.verbosity import OPTIONS, shows_tracebacks
from emorec.interrupts import catch_signals, exit_code, ignore_further_signals
from emorec.streams import escape_unencodable, replace_missing_streams

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS = {
    "datasets": "List published data sets with source, terms of use and prepare command.",
    "prepare-data": "Convert raw data sets to one data set for training and evaluation.",
    "data-report": "Inspect the data set DATA and write a report as HTML and JSON.",
    "architectures": "List the architectures that can be trained, with their size and cost.",
    "train": "Train a model and write a run folder: model, metrics and figures.",
    "tune": "Search the settings of a training on the validation split.",
    "compare": "Compare training runs: their figures, and the settings in which they differ.",
    "evaluate": "Evaluate each MODEL on a split of a data set, or of several.",
    "export": "Export MODEL as ONNX, or for other runtimes.",
    "detect": "Detect the faces in each SOURCE and classify their emotions.",
    "explain": "Show which parts of the faces in each IMAGE decide about their emotion.",
    "session": "Derive the tables of the session FOLDER again, with names, bins or a baseline.",
    "app": "Open a page for photos, camera, videos and labels on this computer.",
    "models": "List, show, pull and adopt model files.",
    "doctor": "Diagnose this installation and suggest fixes.",
}
"""Short help of each command, equal to the first sentence of its docstring.

The module and the function of a command have its name.
"""

SYNONYMS = {
    **dict.fromkeys(("analyse", "analyze", "classify", "infer", "predict", "recognize"), "detect"),
    **dict.fromkeys(("fit", "finetune"), "train"),
    **dict.fromkeys(("hpo", "optimize", "optuna", "search", "sweep"), "tune"),
    **dict.fromkeys(("score", "test", "validate"), "evaluate"),
    **dict.fromkeys(("convert", "onnx"), "export"),
    **dict.fromkeys(("gradcam", "grad-cam", "heatmap", "occlusion", "saliency"), "explain"),
    **dict.fromkeys(("inspect", "stats"), "data-report"),
    **dict.fromkeys(("download", "fetch", "pull"), "models pull"),
    **dict.fromkeys(("camera", "live", "webcam"), "detect 0 --show"),
    **dict.fromkeys(("image", "photo", "video"), "detect"),
    **dict.fromkeys(("browser", "gui", "serve", "server", "ui", "web"), "app"),
    **dict.fromkeys(("check", "install", "setup"), "doctor"),
    **dict.fromkeys(("list", "list-models"), "models list"),
    "show": "models show",
    "help": "--help",
    "version": "--version",
}
"""Commands by other words for them."""


class _Commands(CommandGroup):
    """A group that imports a command's module when the command is called."""

    synonyms = SYNONYMS

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def find_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        return cast(click.Command, getattr(importlib.import_module(f"emorec.cli.{name}"), name))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """Complete a command or an option, without importing the commands as click does."""
        from click.shell_completion import CompletionItem

        names = [name for name in COMMANDS if name.startswith(incomplete)]
        commands = [CompletionItem(name, help=COMMANDS[name]) for name in names]
        return [*commands, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        # click would import every command for its short help.
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def _context_of_command(self, ctx: click.Context) -> click.Context:
        """Return a context of the command in use, which click does not add to every error."""
        name = ctx.invoked_subcommand
        command = name and self.get_command(ctx, name)
        return click.Context(command, ctx, name) if command else ctx

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            from emorec.cli.usage_advice import with_advice

            raise with_advice(error, self._context_of_command(ctx)) from None
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except (Exception, KeyboardInterrupt) as error:
            interrupt = interrupt_behind(error)
            if interrupt is None and isinstance(error, OSError) and error.errno == errno.EPIPE:
                raise  # click exits quietly when the reader of standard output has closed it
            ctx.exit(report_error(interrupt or error, debug=shows_tracebacks(ctx)))


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: emorec detect photo.jpg",
)
@click.version_option(__version__, prog_name="emorec")
@click.pass_context
def main(context: click.Context) -> None:
    """Facial emotion recognition: from raw data sets to emotions on photos.

    `emorec COMMAND --help` explains a command. -q, -v and --debug stand before or after it. Exit
    codes: 0 done, 1 an input could not be read, 2 usage, 3 configuration, 4 data, 5 model,
    6 missing package, 70 unexpected error (a bug), 130 interrupted, 129 and 143 ended by SIGHUP
    and SIGTERM.
    """
    from emorec.cli.log_messages import print_log

    print_log(context)


main.params += OPTIONS


def run(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit.

    Args:
        arguments: Words after the program's name; those of `sys.argv` if None.
    """
    # OpenCV reads these while it is imported. emorec reports a damaged image itself, in one line.
    # The limit is that of images.MAX_PIXELS, for formats whose header emorec does not read.
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(2**27))
    replace_missing_streams()
    escape_unencodable()
    catch_signals()
    try:
        main(args=arguments, prog_name="emorec")
    except KeyboardInterrupt as interrupt:
        sys.exit(exit_code(interrupt))
    finally:
        ignore_further_signals()
        # As it ends, the interpreter would look through the objects of all modules for garbage,
        # which takes a tenth of a run on one photo.
        gc.freeze()
