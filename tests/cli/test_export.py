"""What the command refuses; exports of real runs are in test_train_evaluate_export.py."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from emorec.cli.main import main


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["export", *map(str, words)])


@pytest.mark.parametrize(
    ("model", "code", "message"),
    [
        ("none", 5, "none: no such model file, run folder or name"),
        ("model.onnx", 5, "the model must be a .keras file; received '.onnx'"),
        ("emorec-compact", 5, "the model must be a .keras file; received '.onnx'"),
        ("runs/empty", 5, "runs/empty: the folder holds no model.keras"),
        ("runs/2026", 5, "2 run folders begin with it"),
        ("runs/20260101", 3, "the data set of the run"),
        ("20260101", 3, "name one with --data"),
        ("emorec-compact.keras", 2, "name the ONNX file with --out"),
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
