"""The options --json and --json-file, which have one meaning in every command."""

import functools
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from emorec.cli.overwriting import refuse_overwriting, require_file_path, require_suffix
from emorec.streams import require_stdout

FILE_OPTION = "--json-file"

_FILE_HELP = "Write the result to FILE as one JSON document, beside the text."
_ADVICE = f"name another file with {FILE_OPTION}"
_OF_RUNS = ("environment.json", "metrics.json")
"""Files in JSON that a run folder holds, as training/run_folder.py names them."""


@dataclass(frozen=True)
class JsonOutput:
    """Where the result of a command goes as JSON.

    Attributes:
        printed: To standard output, in place of the text.
        file: To this file, beside the text; None for no file.

    Raises:
        click.UsageError: Both are requested, or the file cannot be one.
        DataError: Standard output is closed.
    """

    printed: bool = False
    file: Path | None = None

    def __post_init__(self) -> None:
        if self.printed and self.file is not None:
            raise click.UsageError(f"--json (print) and {FILE_OPTION} exclude each other")
        if self.printed:
            require_stdout()
        if self.file is not None:
            require_file_path(FILE_OPTION, self.file)

    def check(
        self,
        *,
        files: Iterable[Path] = (),
        models: Iterable[Path] = (),
        folders: Iterable[Path] = (),
        written: Iterable[Path] = (),
    ) -> None:
        """Check, before any work, that the file is none that the command reads or writes otherwise.

        Every command calls this, those without inputs too.

        Args:
            files: Inputs and other outputs.
            models: Model files; those of a run have other files beside them.
            folders: Data sets and the like, of which every file counts.
            written: Folders that the command writes, in which there may be files later.

        Raises:
            click.UsageError: The file is one of these, or its suffix belongs to another format.
        """
        if self.file is None:
            return
        models = list(models)
        known = [*files, *models, *(path for model in models for path in files_of_run(model))]
        refuse_overwriting([self.file], known, _ADVICE)
        for folder in folders:
            if self.file.exists() and _is_below(self.file, folder):
                raise click.UsageError(f"{self.file} is a file of {folder}, an input; {_ADVICE}")
        for folder in written:
            if _is_below(self.file, folder):
                raise click.UsageError(f"{self.file} is in {folder}, an output; {_ADVICE}")
        require_suffix(FILE_OPTION, self.file, (".json",))

    def write(self, value: Any) -> bool:
        """Write a result where it is requested.

        Args:
            value: The result, of native types.

        Returns:
            Whether it was printed, so that no text must follow.

        Raises:
            DataError: The file cannot be written.
        """
        # ASCII: names may hold bytes that are no text.
        if self.printed:
            click.echo(json.dumps(value, indent=2))
        elif self.file is not None:
            from emorec.atomic_files import write_bytes

            write_bytes(self.file, (json.dumps(value, indent=2) + "\n").encode())
        return self.printed


def files_of_run(model: Path) -> list[Path]:
    """List the files in JSON beside the model of a run, which are no outputs of other commands."""
    return [path for name in _OF_RUNS if (path := model.with_name(name)).exists()]


def _is_below(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())


def options(file_help: str = _FILE_HELP) -> tuple[Callable[[Any], Any], ...]:
    """Make both options.

    Args:
        file_help: Help of --json-file.
    """
    return (
        click.option(
            "--json",
            "as_json",
            is_flag=True,
            help="Print the result as one JSON document instead of text.",
        ),
        click.option(
            FILE_OPTION,
            "json_file",
            metavar="FILE",
            type=click.Path(readable=False, path_type=Path),
            help=file_help,
        ),
    )


def json_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command, which receives them as `json_output`, a `JsonOutput`."""

    @functools.wraps(command)
    def with_output(*context: Any, as_json: bool, json_file: Path | None, **arguments: Any) -> Any:
        return command(*context, json_output=JsonOutput(as_json, json_file), **arguments)

    for option in reversed(options()):
        with_output = option(with_output)
    return with_output


def refuse_value_of_flag(command: click.Command, ctx: click.Context, words: Sequence[str]) -> None:
    """Check that no word follows --json that was meant as its file, as in emorec 0.1.

    Args:
        command: The command.
        ctx: Its context, for the message.
        words: What follows the command on the command line.

    Raises:
        click.UsageError: A file in JSON follows; or "-" does, and the command has other inputs.
    """
    own = list(words[: words.index("--")] if "--" in words else words)
    if not any("--json" in option.opts for option in command.params):
        return
    value = next((word for word in own if word.startswith("--json=")), "").partition("=")[2]
    if not value and "--json" in own[:-1]:
        value = own[own.index("--json") + 1]
        if value == "-" and _is_only_argument(command, ctx, words):
            return  # standard input
    if value == "-" or value.lower().endswith(".json"):
        advice = "drop the -" if value == "-" else f"to write a file: {FILE_OPTION} {value}"
        raise click.UsageError(f"--json prints the result and takes no value; {advice}", ctx)


def _is_only_argument(command: click.Command, ctx: click.Context, words: Sequence[str]) -> bool:
    """Return whether a command takes arguments and received one only."""
    options, rest, _ = command.make_parser(ctx).parse_args(list(words))
    given = [options[each.name] for each in command.params if isinstance(each, click.Argument)]
    return not rest and sum(len(each) if isinstance(each, tuple) else 1 for each in given) == 1
