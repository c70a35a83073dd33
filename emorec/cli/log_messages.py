"""Prints the log messages of emorec on standard error: warnings, and with -v the others too."""

import logging

import click

from emorec.cli.terminal_text import one_line
from emorec.cli.verbosity import is_verbose


class _EchoHandler(logging.Handler):
    """Prints to what standard error is at the time: commands redirect it.

    Args:
        context: The context of the command.
    """

    def __init__(self, context: click.Context) -> None:
        super().__init__()
        self._context = context

    def emit(self, record: logging.LogRecord) -> None:
        # Asked for each message: the options may stand after a subcommand.
        if record.levelno >= logging.WARNING or is_verbose(self._context):
            click.echo(f"{record.levelname.lower()}: {one_line(record.getMessage())}", err=True)


def print_log(context: click.Context) -> None:
    """Print the log messages of emorec until the command ends.

    Args:
        context: The context of the command.
    """
    logger = logging.getLogger("emorec")
    handler, level = _EchoHandler(context), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)

    @context.call_on_close
    def stop() -> None:
        logger.removeHandler(handler)
        logger.setLevel(level)
