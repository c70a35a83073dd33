import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from emorec.cli.json_output import JsonOutput, files_of_run, json_options
from emorec.cli.main import COMMANDS, main
from emorec.models.files import ENVIRONMENT
from emorec.training import run_folder

pytestmark = pytest.mark.usefixtures("own_signals")


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@json_options
def command(folder: Path | None, json_output: JsonOutput) -> None:
    json_output.check(folders=[folder] if folder else [])
    if not json_output.write({"name": "a\udcff", "é": 1.5}):
        click.echo("text")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(command, words)


def test_text_by_default(folder: Path) -> None:
    assert run().stdout == "text\n"
    assert not list(folder.iterdir())


def test_the_document_in_place_of_the_text() -> None:
    result = run("--json")
    assert json.loads(result.stdout) == {"name": "a\udcff", "é": 1.5}
    assert result.stdout.isascii()


def test_the_document_in_a_file_beside_the_text() -> None:
    Path("r.json").write_text("old")
    result = run("--json-file", "r.json")
    assert (result.exit_code, result.stdout) == (0, "text\n")
    assert json.loads(Path("r.json").read_text()) == {"name": "a\udcff", "é": 1.5}
    assert [path.name for path in Path().iterdir()] == ["r.json"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--json", "--json-file", "r.json"), "--json (print) and --json-file exclude each other"),
        (("--json-file", "no/r.json"), "no/r.json cannot be a file; name a file in an existing"),
        (("--json-file", "data"), "data cannot be a file"),
        (("--json-file", "r.csv"), "the suffix .csv belongs to another format; name it r.json"),
        (("data", "--json-file", "data/summary.json"), "data/summary.json is a file of data"),
        (("data", "--json-file", "link.json"), "link.json is a file of data"),
    ],
)
def test_refused_files(words: tuple[str, ...], message: str) -> None:
    Path("data").mkdir()
    Path("data", "summary.json").write_text("old")
    Path("link.json").symlink_to("data/summary.json")
    result = run(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in " ".join(result.stderr.split())
    assert Path("data", "summary.json").read_text() == "old"


def test_files_of_a_run_and_folders_that_are_written(folder: Path) -> None:
    for name in ("metrics.json", "environment.json"):
        Path(name).touch()
        with pytest.raises(click.UsageError, match="would be written over"):
            JsonOutput(file=Path(name)).check(models=[folder / "model.onnx"])
    with pytest.raises(click.UsageError, match="an output"):
        JsonOutput(file=folder / "new.json").check(written=[folder])
    JsonOutput(file=folder / "new.json").check(models=[folder / "model.onnx"], folders=[folder])
    JsonOutput().check(written=[folder])
    named = {ENVIRONMENT, run_folder.METRICS}
    assert {path.name for path in files_of_run(Path("model.onnx"))} == named


WITH_JSON = [*(name for name in COMMANDS if name != "models")]
WITH_JSON += [f"models {name}" for name in ("list", "show", "pull", "adopt")]


@pytest.mark.parametrize("name", WITH_JSON)
def test_every_command_has_both_options(name: str) -> None:
    text = CliRunner().invoke(main, [*name.split(), "--help"]).stdout
    assert "  --json  " in text
    assert "  --json-file FILE  " in text


@pytest.mark.parametrize(
    "words",
    [
        "detect x.jpg --json faces.json",
        "detect --json faces.JSON x.jpg",
        "evaluate model.onnx --data d --json faces.json",
        "doctor --json faces.json",
        "models list --json faces.json",
        "models list --json=faces.json",
        "train --json faces.json --data d",
    ],
)
def test_a_file_after_json_is_refused_with_the_right_option(words: str) -> None:
    result = CliRunner().invoke(main, words.split(), prog_name="emorec")
    assert (result.exit_code, result.stdout) == (2, "")
    name = "faces.JSON" if "JSON" in words else "faces.json"
    assert f"takes no value; to write a file: --json-file {name}" in " ".join(result.stderr.split())
    command = "models list" if "list" in words else words.split()[0]
    assert result.stderr.startswith(f"Usage: emorec {command} [OPTIONS]")


@pytest.mark.parametrize(
    ("words", "refused"),
    [
        ("detect x.jpg --json -", True),
        ("detect - --json -", True),
        ("evaluate model.onnx --data d --json -", True),
        ("models list --json -", True),
        ("detect --json - --detector none --max-side 20", False),
        ("detect -- --json faces.json", False),
    ],
)
def test_a_hyphen_after_json(words: str, refused: bool) -> None:
    result = CliRunner().invoke(main, words.split())
    assert ("takes no value; drop the -" in " ".join(result.stderr.split())) == refused
    assert result.exit_code == (2 if refused else 1)
