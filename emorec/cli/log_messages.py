"""Prints the log messages of emorec on standard error: warnings, and with -v the others too."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

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


@contextmanager
def each_warning_once() -> Iterator[None]:
    """Print a warning only once within the context, in which several runs have the same ones."""
    printed: set[str] = set()

    def is_new(record: logging.LogRecord) -> bool:
        text = record.getMessage()
        known = record.levelno >= logging.WARNING and text in printed
        printed.add(text)
        return not known

    handlers = [
        handler
        for handler in logging.getLogger("emorec").handlers
        if isinstance(handler, _EchoHandler)
    ]
    for handler in handlers:
        handler.addFilter(is_new)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(is_new)


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
