import logging

import click
from click.testing import CliRunner, Result

from emorec.cli.debug_log import print_log

LOGGER = logging.getLogger("emorec.inference")


def run(*messages: str) -> Result:
    @click.command()
    @click.pass_context
    def command(context: click.Context) -> None:
        print_log(context)
        for message in messages:
            LOGGER.info("%s", message)

    return CliRunner().invoke(command)


def test_each_message_is_a_line_on_standard_error():
    result = run("device cpu", "two\nlines")
    assert (result.exit_code, result.stdout) == (0, "")
    first, second = result.stderr.splitlines()
    assert first == "info: device cpu"
    assert second.startswith("info: two")


def test_it_ends_with_the_command():
    before = logging.getLogger("emorec").level
    run("one")
    assert logging.getLogger("emorec").level == before
    assert run("one").stderr == "info: one\n"
