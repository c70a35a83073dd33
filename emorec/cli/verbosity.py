"""The options -q, -v and --debug, which every command takes, and the messages that they control."""

import copy

import click

from emorec.cli.terminal_text import one_line

_GIVEN = __name__
"""Key of the given options in the data that a context shares with those of its subcommands."""

_QUIET, _VERBOSE, _DEBUG = "quiet", "verbose", "debug"


def _record(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    """Record that an option is given; callback of each."""
    if not value:
        return
    given: set[str | None] = context.meta.setdefault(_GIVEN, set())
    given.add(parameter.name)
    if _QUIET in given and len(given) > 1:
        raise click.UsageError("-q (--quiet) excludes -v (--verbose) and --debug")


def _options(hidden: bool) -> list[click.Option]:
    """Make the options; eager ones, as they count for errors in the other options too."""
    texts = (
        (_QUIET, "-q", "Print results, warnings and errors only: no progress, no notes."),
        (_VERBOSE, "-v", "Print log messages too, such as the device that runs the model."),
        (_DEBUG, None, "As --verbose, and show the traceback of an error."),
    )
    return [
        click.Option(
            [name for name in (short, f"--{long}") if name],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_record,
            hidden=hidden,
            help=text,
        )
        for long, short, text in texts
    ]


OPTIONS = _options(hidden=False)
"""The options of `emorec` itself, whose help describes them."""

_OPTIONS_AFTER = _options(hidden=True)


def with_options(command: click.Command) -> click.Command:
    """Return a copy of a command that takes the options too, without a line in its help."""
    command = copy.copy(command)
    command.params = [*command.params, *_OPTIONS_AFTER]
    return command


def is_quiet() -> bool:
    """Return whether -q was given to the command that runs."""
    context = click.get_current_context(silent=True)
    return context is not None and _is_given(context, _QUIET)


def is_verbose(context: click.Context) -> bool:
    """Return whether -v or --debug was given, before or after a subcommand."""
    return _is_given(context, _VERBOSE, _DEBUG)


def shows_tracebacks(context: click.Context) -> bool:
    """Return whether --debug was given, before or after a subcommand."""
    return _is_given(context, _DEBUG)


def _is_given(context: click.Context, *names: str) -> bool:
    return not context.meta.get(_GIVEN, set()).isdisjoint(names)


def note(text: str) -> None:
    """Print a note on standard error, unless the command is quiet."""
    if not is_quiet():
        click.echo(f"note: {one_line(text)}", err=True)


def warn(text: str) -> None:
    """Print on standard error what was lost or left out, even if the command is quiet."""
    click.echo(f"warning: {one_line(text)}", err=True)
