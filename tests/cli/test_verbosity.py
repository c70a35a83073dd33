import logging
import sys
import types

import click
import pytest
from click.testing import CliRunner, Result

from emorec.cli import verbosity
from emorec.cli.main import COMMANDS, main
from emorec.cli.models import models
from emorec.cli.progress import image_progress

pytestmark = pytest.mark.usefixtures("own_signals")


@click.command()
@click.option("--fail", is_flag=True)
def noisy(fail: bool) -> None:
    """Print."""
    verbosity.note("a\nnote")
    verbosity.warn("a\x1bwarning")
    logging.getLogger("emorec.noisy").info("a log message")
    with image_progress("images") as progress:
        progress(1, 2)
    click.echo("a result")
    if fail:
        raise ZeroDivisionError("by zero")


@pytest.fixture(autouse=True)
def command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make `emorec noisy` and `emorec models noisy` commands."""
    module = types.ModuleType("emorec.cli.noisy")
    module.noisy = noisy
    monkeypatch.setitem(sys.modules, "emorec.cli.noisy", module)
    monkeypatch.setitem(COMMANDS, "noisy", "Print.")
    monkeypatch.setitem(models.commands, "noisy", noisy)


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words)


PLACES = [
    "{option} noisy {more}",
    "noisy {option} {more}",
    "noisy {more} {option}",
    "{option} models noisy {more}",
    "models {option} noisy {more}",
    "models noisy {more} {option}",
]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("", "note: a note\nwarning: a?warning\n"),
        ("-q", "warning: a?warning\n"),
        ("--quiet", "warning: a?warning\n"),
        ("-v", "note: a note\nwarning: a?warning\ninfo: a log message\n"),
        ("--verbose", "note: a note\nwarning: a?warning\ninfo: a log message\n"),
        ("--debug", "note: a note\nwarning: a?warning\ninfo: a log message\n"),
    ],
)
def test_the_options_mean_the_same_in_every_place(place: str, option: str, expected: str) -> None:
    result = run(*place.format(option=option, more="").split())
    assert (result.exit_code, result.stdout) == (0, "a result\n")
    assert result.stderr == expected


@pytest.mark.parametrize("place", PLACES)
def test_the_traceback(place: str) -> None:
    shown = run(*place.format(option="--debug", more="--fail").split())
    assert shown.exit_code == 70
    assert "Traceback" in shown.stderr
    hidden = run(*place.format(option="-v", more="--fail").split())
    assert "Traceback" not in hidden.stderr
    assert hidden.stderr.splitlines()[-1].startswith("error: unexpected ZeroDivisionError")


@pytest.mark.parametrize(
    "words", [("-q", "-v", "noisy"), ("-q", "noisy", "--debug"), ("noisy", "-v", "-q")]
)
def test_quiet_excludes_the_others(words: tuple[str, ...]) -> None:
    result = run(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "-q (--quiet) excludes -v (--verbose) and --debug" in result.stderr


def test_a_quiet_command_shows_no_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes the stream for a terminal
    assert "images" in run("noisy").stderr
    assert run("noisy", "-q").stderr == "warning: a?warning\n"


@pytest.mark.parametrize("words", [[], *([name] for name in COMMANDS), ["models", "list"]])
def test_the_help_of_emorec_alone_describes_them(words: list[str]) -> None:
    text = run(*words, "--help").stdout
    assert ("-q, --quiet" in text) == (words == [])


def test_without_a_command() -> None:
    assert not verbosity.is_quiet()
