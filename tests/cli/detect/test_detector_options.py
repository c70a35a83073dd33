"""The command-line options made from the table of detectors."""

import pickle
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from emorec.cli.detect.detector_options import DetectorOptions, detector_options
from emorec.detection.registry import DETECTORS


@click.command()
@detector_options
def show(choice: DetectorOptions) -> None:
    """Print what a command receives."""
    click.echo(repr((choice.detector, dict(choice.values), choice.inputs())))


def received(*arguments: str) -> tuple[str, dict[str, object], list[Path]]:
    result = CliRunner().invoke(show, arguments)
    assert result.exit_code == 0, result.output
    return eval(result.stdout, {"PosixPath": Path, "WindowsPath": Path})


HAAR = {"cascade": "alt", "scale_factor": 1.15, "min_neighbors": 2, "profile": False}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ("yunet", {}, [])),
        (["--min-size", "30"], ("yunet", {"min_size": 30}, [])),
        (["--detector", "haar"], ("haar", HAAR, [])),
        (["--detector", "haar", "--min-size", "30"], ("haar", HAAR | {"min_size": 30}, [])),
        # An option selects the detector that has it.
        (["--cascade", "alt2"], ("haar", HAAR | {"cascade": "alt2"}, [])),
        (["--cascade", "my.xml"], ("haar", HAAR | {"cascade": "my.xml"}, [Path("my.xml")])),
        (["--profile", "--min-size", "9"], ("haar", HAAR | {"profile": True, "min_size": 9}, [])),
        (
            ["--detector-model", "a.onnx", "--min-score", "0.5"],
            ("yunet", {"detector_model": Path("a.onnx"), "min_score": 0.5}, [Path("a.onnx")]),
        ),
        (["--detector", "none"], ("none", {}, [])),
    ],
)
def test_a_command_receives_the_options_of_its_detector(arguments, expected):
    assert received(*arguments) == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--detector", "mtcnn"], "'mtcnn' is not one of 'yunet', 'haar', 'none'"),
        (["--detector", "none", "--min-size", "3"], "--min-size goes with --detector yunet or ha"),
        (
            ["--detector-model", "a", "--detector", "haar"],
            "--detector-model goes with --detector yunet, not with haar",
        ),
        (["--detector-model", "a", "--profile"], "--profile goes with --detector haar"),
        # Also where the value is the default.
        (["--detector", "yunet", "--cascade", "alt"], "--cascade goes with --detector haar"),
        (["--scale-factor", "1"], "1.001<=x<=10"),
        (["--min-neighbors", "0"], "x>=1"),
        (["--min-size", "0"], "x>=1"),
    ],
)
def test_usage_errors(arguments, message):
    result = CliRunner().invoke(show, arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


@pytest.mark.parametrize("name", DETECTORS)
def test_the_help_describes_every_detector_and_option(name):
    text = " ".join(CliRunner().invoke(show, ["--help"], terminal_width=1000).stdout.split())
    entry = DETECTORS[name]
    assert f"{name}: {entry.help}" in text
    for option in entry.options:
        assert f"--{option.name.replace('_', '-')}" in text
        assert option.help in text
        assert option.default_text in text


def test_shared_options_list_the_defaults_of_their_detectors():
    text = " ".join(CliRunner().invoke(show, ["--help"], terminal_width=1000).stdout.split())
    assert "yunet, haar: side of the smallest face to detect." in text
    assert "[default: yunet: 0.65; haar: no limit]" in text


def test_the_choice_can_be_sent_to_another_process():
    build = pickle.loads(pickle.dumps(DetectorOptions("none", {}).build))
    assert build().name == "none"
