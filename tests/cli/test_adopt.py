import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from helpers.foreign_models import write_foreign_model

from emorec.cli.main import main

LABELS = "Anger,Disgust,Fear,Happiness,Neutral,Sadness,Surprise"
PHOTO = Path(__file__).parents[2] / "examples" / "astronaut.jpg"


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    return write_foreign_model(tmp_path / "foreign.onnx", channels=3, batch=1, probabilities=True)


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["models", "adopt", *map(str, words)])


def test_adopt_show_and_detect(foreign: Path, tmp_path: Path) -> None:
    target = tmp_path / "adopted.onnx"
    options = ["--label-names", LABELS, "--size", 8, "--color", "bgr", "--scale", "1/255"]
    more = [
        "--mean",
        "0.5",
        "--std",
        "0.2,0.2,0.2",
        "--license",
        "Apache-2.0",
        "--out-file",
        target,
    ]
    result = run(foreign, *options, *more)
    assert (result.exit_code, result.stderr) == (0, "")
    size = f"{target.stat().st_size / 1e6:.2f} MB"
    assert result.stdout == f"{target}: 7 labels, 8 x 8, bgr, nchw, output probabilities, {size}\n"
    printed = json.loads(run(foreign, *options, *more, "--json").stdout)
    assert (printed["path"], printed["bytes"]) == (str(target), target.stat().st_size)
    assert (printed["input_size"], printed["layout"]) == (8, "nchw")
    shown = CliRunner().invoke(main, ["models", "show", str(target), "--json"])
    card = json.loads(shown.stdout)
    assert card["labels"] == ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]
    assert (card["name"], card["version"], card["license"]) == (
        "foreign",
        "unspecified",
        "Apache-2.0",
    )
    assert card["input"] == "8 x 8, rgb, 0..255"
    records = tmp_path / "faces.json"
    detected = CliRunner().invoke(
        main,
        ["detect", str(PHOTO), "--no-save", "--model", str(target), "--json-file", str(records)],
    )
    assert detected.exit_code == 0, detected.output
    text = records.read_text("utf-8")
    assert set(card["labels"]) <= set(text.split('"'))


def test_an_unspecified_licence_is_mentioned(foreign: Path, tmp_path: Path) -> None:
    target = tmp_path / "adopted.onnx"
    options = ["--label-names", LABELS, "--color", "rgb", "--scale", "1/255", "--out-file", target]
    result = run(foreign, *options)
    assert result.exit_code == 0
    assert (
        result.stderr == "note: the licence of the model is unspecified; state it with --license\n"
    )


@pytest.mark.parametrize(
    ("options", "exit_code", "message"),
    [
        (["--out-file", "new.onnx"], 2, "Missing option '--label-names'"),
        (["--label-names", LABELS], 2, "Missing option '--out-file'"),
        (
            ["--label-names", "a,b", "--out-file", "new.onnx", "--model-name", "emorec-2"],
            2,
            "choose another name",
        ),
        (
            ["--label-names", "a", "--out-file", "new.onnx"],
            2,
            "'a' is not a list of names with commas",
        ),
        (["--label-names", "a,,b", "--out-file", "new.onnx"], 2, "is not a list of names"),
        (["--label-names", "a,\x1b", "--out-file", "new.onnx"], 2, "is not a list of names"),
        (["--label-names", "joy,happy", "--out-file", "new.onnx"], 2, "names 'happy' twice"),
        (
            ["--label-names", "a,b", "--out-file", "foreign.onnx"],
            2,
            "would be written over foreign.onnx",
        ),
        (
            ["--label-names", "a,b", "--out-file", "new.bin"],
            2,
            "--out-file: new.bin must have the suffix .onnx",
        ),
        (
            ["--label-names", "a,b", "--out-file", "no/new.onnx"],
            2,
            "name a file in an existing folder",
        ),
        (
            ["--label-names", "a,b", "--out-file", "n.onnx", "--scale", "1/0"],
            2,
            "'1/0' is not a number or a",
        ),
        (["--label-names", "a,b", "--out-file", "n.onnx", "--scale", "0"], 2, "it must not be 0"),
        (
            ["--label-names", "a,b", "--out-file", "n.onnx", "--mean", "1,x"],
            2,
            "'x' is not a number",
        ),
        (
            ["--label-names", "a,b", "--out-file", "n.onnx", "--mean", "nan"],
            2,
            "'nan' is not a number",
        ),
        (["--label-names", "a,b", "--out-file", "n.onnx", "--std", "1,0,1"], 2, "it must not be 0"),
        (
            ["--label-names", "a,b", "--out-file", "n.onnx", "--color", "grey"],
            2,
            "Did you mean 'gray'?",
        ),
        (
            ["--label-names", "a,b", "--out-file", "n.onnx", "--color", "rgb"],
            5,
            "2 labels need one output of",
        ),
        (
            ["--label-names", LABELS, "--out-file", "n.onnx"],
            5,
            "state with --color whether it is gray, rgb",
        ),
    ],
)
def test_refused_options(
    foreign: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], exit_code: int, message: str
) -> None:
    monkeypatch.chdir(foreign.parent)
    before = foreign.read_bytes()
    result = run(foreign.name, *options)
    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert message in result.stderr
    assert sorted(foreign.parent.iterdir()) == [foreign]
    assert foreign.read_bytes() == before


@pytest.mark.parametrize("content", [None, b"", b"no model"])
def test_a_file_that_is_no_model(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "foreign.onnx"
    if content is not None:
        path.write_bytes(content)
    result = run(path, "--label-names", LABELS, "--out-file", tmp_path / "new.onnx")
    assert (result.exit_code, result.stdout) == (5, "")
    assert len(result.stderr.splitlines()) == 1


def test_the_onnx_package_is_missing(foreign: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(("onnx.", "emorec.export"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "onnx", None)
    result = run(
        foreign,
        "--label-names",
        LABELS,
        "--color",
        "rgb",
        "--out-file",
        foreign.with_name("n.onnx"),
    )
    assert (result.exit_code, result.stdout) == (6, "")
    assert "needs the package 'onnx'; install it with: " in result.stderr
