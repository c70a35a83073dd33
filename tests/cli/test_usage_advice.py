"""Advice for a made-up command; tests/cli/test_beginner_errors.py has those of emorec."""

import click
import pytest

from emorec.cli.main import COMMANDS, main
from emorec.cli.usage_advice import example_of, with_advice


@click.command(
    epilog="\b\nExamples:\n  emorec go MODEL \\\n      --out o\n  emorec go 0 --fast 1; b\n"
)
@click.argument("source")
@click.option("--out")
@click.option("--fast", metavar="SPEED")
@click.option("--slow", type=int)
def go(source: str, out: str | None, fast: str | None, slow: int | None) -> None:
    """Go."""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "Missing argument 'SOURCE'. Example: emorec go MODEL --out o"),
        (["a", "b"], "unexpected extra argument (b). Example: emorec go MODEL --out o"),
        (["a", "--fast"], "'--fast' requires an argument. Example: emorec go 0 --fast 1"),
        (["a", "--slow"], "'--slow' requires an argument. Write: --slow INTEGER"),
        (["a", "--output", "o"], "No such option '--output'. Did you mean '--out'?"),
        (["a", "--fst", "o"], "No such option '--fst'. Did you mean '--fast'?"),
        (["--image", "a"], "A SOURCE is named without an option. Example: emorec go MODEL --out o"),
        (["--webcam"], "A SOURCE is named without an option. Example: emorec go 0 --fast 1"),
        (["a", "--lr", "1"], "No such option '--lr'."),
        (["a", "--slow", "x"], "'x' is not a valid integer."),
    ],
)
def test_advice(words: list[str], message: str) -> None:
    with pytest.raises(click.UsageError) as caught:
        go.main(words, standalone_mode=False)
    found = with_advice(caught.value, click.Context(go))
    assert found.format_message().endswith(message)
    assert found.exit_code == 2
    assert found.ctx is not None
    assert found.ctx.command is go


def test_a_group_and_a_command_without_an_example() -> None:
    assert example_of(main) == ""
    assert example_of(click.Command("bare")) == ""
    error = click.MissingParameter(ctx=click.Context(click.Command("bare")), param_type="option")
    assert with_advice(error, click.Context(main)).format_message() == "Missing option."


@pytest.mark.parametrize("name", COMMANDS)
def test_the_example_of_a_command_is_a_command_line(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    if not isinstance(command, click.Group):
        assert example_of(command).startswith(f"emorec {name}")
