import click
import pytest
from click.testing import CliRunner

from emorec.cli.derivation_options import derivation_options


@click.command()
@derivation_options
def command(**values: object) -> None:
    click.echo(repr(values))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], {"bin_s": None, "baseline": None, "persons": ()}),
        (["--bin", "1s"], {"bin_s": 1.0}),
        (["--bin", "0.25"], {"bin_s": 0.25}),
        (["--bin", "1:00"], {"bin_s": 60.0}),
        (["--baseline", "0-10s"], {"baseline": (0.0, 10.0)}),
        (["--baseline", "0s-10s"], {"baseline": (0.0, 10.0)}),
        (["--baseline", "1:00-1:30.5"], {"baseline": (60.0, 90.5)}),
        (["--baseline", "none"], {"baseline": "none"}),
        (["--person", "1=A", "--person", "2=B"], {"persons": ("1=A", "2=B")}),
    ],
)
def test_values(words: list[str], expected: dict):
    result = CliRunner().invoke(command, words)
    assert result.exit_code == 0, result.output
    found = eval(result.output)  # what the command printed
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--bin", "soon"], "'soon' is not a duration"),
        (["--bin", "-1"], "not a duration"),
        (["--baseline", "10"], "not an interval"),
        (["--baseline", "0-x"], "not an interval"),
        (["--baseline", "5-5"], "later than the begin"),
        (["--baseline", "1-2-3"], "not an interval"),
    ],
)
def test_wrong_values(words: list[str], message: str):
    result = CliRunner().invoke(command, words)
    assert result.exit_code == 2
    assert message in result.output
