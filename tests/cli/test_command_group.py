from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from emorec.cli.main import COMMANDS, SYNONYMS, main


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["detct"], "No such command 'detct'. Did you mean 'detect'?"),
        (["DETECT"], "No such command 'DETECT'. Did you mean 'detect'?"),
        (["predict"], "No such command 'predict'. Did you mean 'detect'?"),
        (["prepare"], "No such command 'prepare'. Did you mean 'prepare-data'?"),
        (["version"], "No such command 'version'. Did you mean '--version'?"),
        (["models", "lst"], "No such command 'lst'. Did you mean 'list'?"),
        (["models", "zebra"], "No such command 'zebra'. Known commands: adopt, list, "),
        (["zebra"], "No such command 'zebra'. Known commands: datasets, prepare-data,"),
        (["zebra.jpg"], "To detect the faces in this file: emorec detect zebra.jpg"),
        (["webcam"], "No such command 'webcam'. Did you mean 'detect 0 --show'?"),
    ],
)
def test_an_unknown_command_names_the_one_meant(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(main, arguments, prog_name="emorec")
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


def test_a_file_in_the_place_of_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my photo.jpg").touch()
    result = CliRunner().invoke(main, ["my photo.jpg"], prog_name="emorec")
    assert result.exit_code == 2
    assert "To detect the faces in this file: emorec detect 'my photo.jpg'" in result.stderr


@pytest.mark.parametrize(("word", "meant"), SYNONYMS.items())
def test_synonyms_are_of_commands(word: str, meant: str) -> None:
    assert word not in COMMANDS
    command, *below = meant.split()
    if not command.startswith("--"):
        group = main.get_command(click.Context(main), command)
        assert group is not None
        if isinstance(group, click.Group):
            assert below[0] in group.commands
        elif below:
            assert group.make_context(command, below).params["arguments"] == ("0",)
