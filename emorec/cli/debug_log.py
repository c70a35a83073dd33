"""Log messages on the command line: `emorec --debug` prints those of emorec."""

import logging

import click

from emorec.cli.terminal_text import one_line


class _EchoHandler(logging.Handler):
    """Prints to what standard error is at the time: commands redirect it."""

    def emit(self, record: logging.LogRecord) -> None:
        click.echo(f"{record.levelname.lower()}: {one_line(record.getMessage())}", err=True)


def print_log(context: click.Context) -> None:
    """Print the log messages of emorec to standard error until the command ends.

    Args:
        context: The context of the command.
    """
    logger = logging.getLogger("emorec")
    handler, level = _EchoHandler(), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)

    @context.call_on_close
    def stop() -> None:
        logger.removeHandler(handler)
        logger.setLevel(level)
