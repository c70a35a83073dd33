import logging
from threading import Thread

import click
import pytest
from click.testing import CliRunner, Result

from emorec.cli import verbosity
from emorec.cli.log_messages import each_warning_once, print_log

LOGGER = logging.getLogger("emorec.inference")


def run(*options: str, messages: tuple[str, ...] = ("device cpu",)) -> Result:
    @click.command()
    @click.pass_context
    def command(context: click.Context) -> None:
        print_log(context)
        for message in messages:
            LOGGER.info("%s", message)
        LOGGER.warning("lost")

    command.params += verbosity.OPTIONS
    return CliRunner().invoke(command, options)


@pytest.mark.parametrize("options", [(), ("-q",)])
def test_warnings_alone_by_default(options: tuple[str, ...]) -> None:
    result = run(*options)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "warning: lost\n")


@pytest.mark.parametrize("option", ["-v", "--verbose", "--debug"])
def test_each_message_is_a_line_on_standard_error(option: str) -> None:
    result = run(option, messages=("device cpu", "two\nlines"))
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "info: device cpu\ninfo: two lines\nwarning: lost\n"


def test_messages_of_threads() -> None:
    @click.command()
    @click.pass_context
    def command(context: click.Context) -> None:
        print_log(context)
        thread = Thread(target=lambda: LOGGER.info("in a thread"))
        thread.start()
        thread.join()

    command.params += verbosity.OPTIONS
    assert CliRunner().invoke(command, ["-v"]).stderr == "info: in a thread\n"


def test_it_ends_with_the_command() -> None:
    before = logging.getLogger("emorec").level
    run("-v")
    assert logging.getLogger("emorec").level == before
    assert run("-v").stderr.count("info: device cpu") == 1


def test_each_warning_once_within_a_context() -> None:
    @click.command()
    @click.pass_context
    def command(context: click.Context) -> None:
        print_log(context)
        with each_warning_once():
            for number in (1, 2, 2, 1):
                LOGGER.warning("layer %d", number)
                LOGGER.info("again")
        LOGGER.warning("layer 1")

    command.params += verbosity.OPTIONS
    warnings = "warning: layer 1\nwarning: layer 2\nwarning: layer 1\n"
    assert CliRunner().invoke(command).stderr == warnings
    assert CliRunner().invoke(command, ["-v"]).stderr.count("info: again") == 4
