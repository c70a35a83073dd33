"""Refusals and --int8; exports of .keras files are in test_train_evaluate_export.py."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from emorec.cli.main import main
from emorec.inference.classifier import EmotionClassifier


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["export", *map(str, words)])


@pytest.mark.parametrize(
    ("model", "code", "message"),
    [
        ("none", 5, "none: no such model file, run folder or name"),
        ("model.onnx", 5, "the model must be a .keras file; received '.onnx'"),
        ("emorec-compact", 2, "name a folder with --out"),
        ("runs/empty", 5, "runs/empty: the folder holds no model.keras"),
        ("runs/2026", 5, "2 run folders begin with it"),
        ("runs/20260101", 3, "the data set of the run"),
        ("20260101", 3, "name one with --data"),
        ("emorec-compact.keras", 2, "name a folder with --out"),
    ],
)
def test_refused_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str, code: int, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("model.onnx").write_bytes(b"")
    Path("runs/empty").mkdir(parents=True)
    for name in ("20260101-120000-compact", "20260201-120000-compact"):
        folder = Path("runs") / name
        folder.mkdir()
        (folder / "model.keras").write_bytes(b"")
        (folder / "environment.json").write_text(json.dumps({"data": "nowhere"}))
    done = run(model)
    assert (done.exit_code, done.stdout) == (code, "")
    assert message in done.stderr
    assert code == 2 or len(done.stderr.splitlines()) == 1


def test_a_data_set_that_does_not_exist(tmp_path: Path) -> None:
    (tmp_path / "model.keras").write_bytes(b"no model")
    done = run(tmp_path, "--data", tmp_path / "none")
    assert (done.exit_code, done.stdout) == (4, "")
    assert "none: no such folder; name a data set" in done.stderr


def test_a_damaged_model(tmp_path: Path, tiny_data: Path) -> None:
    (tmp_path / "model.keras").write_bytes(b"no model")
    done = run(tmp_path, "--data", tiny_data)
    assert (done.exit_code, done.stdout) == (5, "")
    assert "not a .keras file" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--int8", "--half-weights"], "drop the other option"),
        (["--int8", "--format", "litert"], "drop the other option"),
        (["--format", "litert", "--half-weights"], "--half-weights needs --format onnx"),
        (["--calibration", "9"], "--calibration needs --int8"),
        (["--max-loss", "0"], "--max-loss needs --int8"),
        (["--limit", "9"], "--limit needs --int8"),
        (["--format", "openvin"], "Did you mean 'openvino'?"),
        (["--format", "litert", "--out", "."], "exists already; name a new folder with --out"),
        (["--format", "litert", "--out", "none/model"], "none is no folder"),
        (
            ["--out", "model.keras"],
            "name a folder, such as model, or the file: --out-file model.keras",
        ),
        (["--int8", "--out-file", "model.onnx"], "would be written over"),
        (["--out", "new.onnx"], "name a folder, such as new, or the file: --out-file new.onnx"),
        (["--out", "a", "--out-file", "b.onnx"], "--out and --out-file exclude each other"),
        (["--out", "none/model"], "none is no folder; name one that exists"),
        (["--format", "litert", "--out-file", "b.onnx"], "writes a folder; name it with --out"),
        (["--out-file", "new.keras"], "the suffix .keras belongs to another format"),
        (["--out-file", "none/b.onnx"], "--out-file: none/b.onnx cannot be a file"),
    ],
)
def test_refused_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("model.keras", "model.onnx"):
        Path(name).write_bytes(b"no model")
    done = run("model.onnx" if words[-1] == "model.onnx" else "model.keras", *words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr
    assert len(list(tmp_path.iterdir())) == 2


def test_int8(tiny_run: Path, tiny_data: Path, tmp_path: Path) -> None:
    target = tmp_path / "new" / "model-int8.onnx"
    words = [tiny_run, "--int8", "--calibration", "20", "--max-loss", "10", "--limit", "30"]
    record = tmp_path / "r.json"
    done = run(*words, "--out", target.parent, "--json-file", record)
    assert done.exit_code == 0, done.output
    values = json.loads(record.read_text())
    assert (values["path"], values["format"]) == (str(target), "onnx")
    assert (values["images"], values["calibration_images"]) == (30, 20)
    assert values["before"]["bytes"] > values["after"]["bytes"] == target.stat().st_size
    lines = done.stdout.splitlines()
    assert lines[0] == f"{target}: calibrated on 20 training images"
    assert lines[2].split() == ["before", "after"]
    assert "on 30 validation images at tau 0.25" in lines[-1]
    assert EmotionClassifier(target).metadata.version.endswith("+int8")
    # The quantised model is one that the command evaluates, but does not quantise again.
    again = run(target, "--int8", "--data", tiny_data, "--out-file", tmp_path / "again.onnx")
    assert again.exit_code == 5
    assert "int8.onnx: the model is quantised already" in again.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "r.json"]


def test_an_int8_model_that_loses_too_much_is_not_written(
    tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emorec.evaluation.quantization_cost.QuantizationCost.lost_points", 1.5)
    words = [tiny_run, "--int8", "--calibration", "20", "--limit", "30"]
    done = run(*words, "--out", tmp_path / "new")
    assert (done.exit_code, done.stdout) == (5, "")
    assert "by 1.50 points (limit 1); the int8 model is not written" in done.stderr
    assert "--max-loss" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_default_names() -> None:
    from emorec.cli.export import _default_target

    source = Path("run") / "model.keras"
    names = [_default_target(source, *choice).name for choice in (("onnx", False), ("onnx", True))]
    assert names == ["model.onnx", "model-int8.onnx"]
    assert _default_target(source, "litert", False).name == "model-litert"
