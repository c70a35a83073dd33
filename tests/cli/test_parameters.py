from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from emorec.cli.parameters import (
    OutputFolder,
    device_option,
    note_flip_without_effect,
    prior_option,
    region,
)
from emorec.types import Box


@click.command()
@click.option("--roi", callback=region)
@prior_option
def command(roi: Box | None, prior: float | None) -> None:
    click.echo(f"{roi} {prior}")


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        ([], "None None"),
        (["--roi", "0,5,20,30"], "Box(x=0, y=5, width=20, height=30) None"),
        (["--prior", "natural"], "None 0.0"),
        (["--prior", "balanced"], "None 1.0"),
        (["--prior", "0.3"], "None 0.3"),
    ],
)
def test_values(words: list[str], printed: str):
    result = CliRunner().invoke(command, words)
    assert (result.exit_code, result.stdout) == (0, f"{printed}\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--roi", ""], "'' is not four whole numbers x,y,w,h"),
        (["--roi", "1,2,3"], "'1,2,3' is not four whole numbers x,y,w,h"),
        (["--roi", "1,2,3,x"], "'1,2,3,x' is not four whole numbers x,y,w,h"),
        (["--roi=-1,2,3,4"], "x and y must be 0 or more, w and h 1 or more"),
        (["--roi", "1,2,0,4"], "x and y must be 0 or more, w and h 1 or more"),
        (["--prior", "rare"], "received 'rare'"),
    ],
)
def test_values_that_do_not_fit(words: list[str], message: str):
    result = CliRunner().invoke(command, words)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


@click.command()
@device_option
def with_device(device: str) -> None:
    click.echo(device)


@pytest.mark.parametrize(
    ("words", "variable", "expected"),
    [([], None, "auto"), ([], "openvino", "openvino"), (["--device", "cpu"], "cuda", "cpu")],
)
def test_the_device(words: list[str], variable: str | None, expected: str):
    result = CliRunner().invoke(with_device, words, env={"EMOREC_DEVICE": variable})
    assert (result.exit_code, result.stdout) == (0, f"{expected}\n")


@pytest.mark.parametrize(
    ("words", "variable", "message"),
    [
        (["--device", "gpu"], None, "'gpu' is not one of 'auto', 'cpu', 'cuda', 'coreml'"),
        ([], "gpu", "(env var: 'EMOREC_DEVICE'): 'gpu' is not one of 'auto', 'cpu', 'cuda'"),
    ],
)
def test_an_unknown_device(words: list[str], variable: str | None, message: str):
    result = CliRunner().invoke(with_device, words, env={"EMOREC_DEVICE": variable})
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


def test_the_note_on_flip(capsys: pytest.CaptureFixture[str]):
    note_flip_without_effect(Path("a\nb.onnx"))
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("averages over mirror images itself, so --flip changes nothing")


@pytest.mark.parametrize(
    ("name", "accepted"),
    [("new", True), ("v1.2", True), ("old.zip", True), ("new.zip", False), ("a/B.JPG", False)],
)
def test_a_new_folder_is_not_named_like_a_file(tmp_path: Path, name: str, accepted: bool):
    (tmp_path / "old.zip").mkdir()
    folder = tmp_path / name
    if accepted:
        assert OutputFolder().convert(str(folder), None, None) == folder
    else:
        with pytest.raises(click.BadParameter, match="named like a file; name a folder"):
            OutputFolder().convert(str(folder), None, None)
