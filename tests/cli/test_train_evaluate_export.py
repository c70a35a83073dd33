import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from helpers.signalled_runs import SignalledRun
from helpers.tiny_data import make_prepared

from emorec.cli.main import main
from emorec.errors import ConfigError
from emorec.inference.classifier import EmotionClassifier
from emorec.training import run_folder

pytestmark = pytest.mark.usefixtures("quick_network")

QUICK = [
    *("--arch", "compact", "--image-size", "24", "--epochs", "2", "--batch-size", "12"),
    *("--labels", "hard", "--policy", "majority", "--classes", "7", "--precision", "float32"),
]


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.mark.slow
def test_train_as_a_process_is_quiet_and_names_its_run(tiny_data: Path, tmp_path: Path) -> None:
    words = ["train", "--data", tiny_data, *QUICK, "--limit", "40"]
    words += ["--set", "augmentation.zoom=0.1"]
    done = subprocess.run(
        [sys.executable, "-m", "emorec", *map(str, words)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # On a busy machine the estimate and the progress have lines too.
    ended = [line for line in done.stderr.splitlines() if line.startswith("epoch ")]
    assert [line.split("  ")[0] for line in ended] == ["epoch 1/2", "epoch 2/2"]
    assert not any(word in done.stderr for word in ("Warning", "WARNING", "oneDNN", "cuda"))
    first, *_, last = done.stdout.splitlines()
    assert first.startswith("validation: accuracy 0.")
    assert "(40 images, epoch " in first
    folder = tmp_path / last.removeprefix("run folder: ")
    assert (folder / "model.onnx").is_file()
    assert "zoom: 0.1" in (folder / "config.yaml").read_text()


@pytest.mark.slow
def test_an_interrupt_names_the_run(tiny_data: Path, tmp_path: Path) -> None:
    words = ["train", "--data", tiny_data, *QUICK, "--epochs", "500", "--patience", "500"]
    run = SignalledRun(tmp_path, *words, quick=True)
    assert run.process.stderr is not None
    assert any(line.startswith("epoch 1/500") for line in run.process.stderr)
    code, stdout, stderr = run.end(signal.SIGINT)
    assert code == 130
    name = stdout.splitlines()[-1].removeprefix("run folder: ")
    assert stderr.splitlines()[-2:] == [
        f"resume with: emorec train --resume {name}",
        "interrupted",
    ]
    assert (tmp_path / name / "model.onnx").is_file()


@pytest.mark.slow
def test_train_prints_json(tiny_data: Path, tmp_path: Path) -> None:
    done = run("train", "--data", tiny_data, *QUICK, "--no-augment", "--out", tmp_path, "--json")
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert result["validation"]["images"] == 42
    assert (Path(result["run"]) / "metrics.json").is_file()


def test_a_dry_run_prints_json_and_leaves_nothing(tiny_data: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    done = run("train", "--data", tiny_data, *QUICK, "--out", runs, "--dry-run", "--json")
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert result["estimate"]["stages"][0]["epochs"] == 2
    assert result["estimate"]["seconds"] > 0
    assert (result["train_images"], result["config"]["image_size"]) == (84, 24)
    assert not runs.exists()


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--arch", "vgg61"], 3, "unknown architecture 'vgg61'"),
        (["--set", "epoch=3"], 3, "did you mean 'epochs'"),
        (["--set", "epochs"], 2, "KEY=VALUE"),
        (["--set", "epochs=["], 2, "not a YAML value"),
        (["--epochs", "0"], 3, "epochs"),
        (["--config", "no.yaml"], 3, "no.yaml: cannot read"),
        (["--arch", "xception", "--weights", "none", "--image-size", "48"], 3, "at least 71"),
        (["--data", "nowhere"], 4, "nowhere: no such folder"),
        (["--weights", "no.h5"], 5, "no.h5: no such model file"),
    ],
)
def test_errors_of_train(
    tiny_data: Path, tmp_path: Path, words: list[str], code: int, message: str
) -> None:
    done = run("train", "--data", tiny_data, *QUICK, "--out", tmp_path / "runs", *words)
    assert (done.exit_code, done.stdout) == (code, "")
    assert message in done.stderr
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ([], 2, "Missing option '--data'"),
        (["--data", "d", "--dry-run", "--distribute", "hosts"], 2, "measures one process"),
        (["--resume", "run", "--dry-run"], 2, "received --dry-run, which needs a new run"),
        (["--resume", "run", "--epochs", "9"], 2, "received --epochs, which needs a new run"),
        (["--resume", "run", "--no-augment"], 2, "received --augment, which needs a new run"),
        (["--resume", "run", "--out", "runs"], 2, "received --out, which needs a new run"),
        (["--resume", "empty"], 4, "empty: not a run folder"),
        (["--resume", "no"], 4, "no: not a run folder"),
    ],
)
def test_errors_of_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    done = run("train", *words)
    assert (done.exit_code, done.stdout) == (code, "")
    assert message in done.stderr


def test_a_finished_run_is_left_unchanged(tiny_run: Path) -> None:
    before = sorted((path, path.stat().st_mtime_ns) for path in tiny_run.rglob("*"))
    done = run("train", "--resume", tiny_run)
    assert (done.exit_code, done.stdout) == (0, f"run folder: {tiny_run}\n")
    assert done.stderr == f"note: {tiny_run}: the run is already finished\n"
    result = json.loads(run("train", "--resume", tiny_run, "--json").stdout)
    assert (result["run"], result["interrupted"]) == (str(tiny_run), False)
    assert result["validation"]["images"] == 42
    assert sorted((path, path.stat().st_mtime_ns) for path in tiny_run.rglob("*")) == before


def test_a_run_in_use_is_refused_before_keras_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emorec.cli.keras_backend.load_keras", None)
    (tmp_path / run_folder.CONFIG).touch()
    with run_folder.in_use(tmp_path):
        done = run("train", "--resume", tmp_path)
    assert (done.exit_code, done.stdout) == (4, "")
    assert done.stderr.startswith(f"error: {tmp_path}: another emorec train uses this run (process")


def test_the_run_folder_is_checked_without_keras() -> None:
    code = "import sys, emorec.training.run_folder; print('keras' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_what_is_taken_over_is_printed_before_keras_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise ConfigError("Keras would be loaded")

    monkeypatch.setattr("emorec.cli.keras_backend.load_keras", stop)
    data = make_prepared(tmp_path / "data", votes=False)
    (data / "train" / "happy").rename(data / "train" / "grin")
    (data / "test" / "happy").rename(data / "test" / "grin")
    words = ["train", "--data", data, "--weights", "emorec", "--out", tmp_path / "runs"]
    recipe = "note: recipe finetune, because emorec-compact fills the network and "
    for more, lines in (
        ([], [recipe, "note: the head keeps 6 of its 7 rows: angry, "]),
        (["--recipe", "compact"], ["note: the head keeps 6 of its 7 rows: angry, "]),
        (["--weights", "none"], []),
    ):
        done = run(*words, *more)
        *printed, last = done.stderr.splitlines()
        assert last == "error: Keras would be loaded"
        for line, start in zip(printed, lines, strict=True):
            assert line.startswith(start)
    labels = tmp_path / "labels.yaml"
    labels.write_text("grin: hapy\n")
    done = run(*words, "--label-map", labels)
    assert (done.exit_code, done.stdout) == (3, "")
    assert "error: label_map: unknown label of the initial weights 'hapy'; did you" in done.stderr
    labels.write_text("grin: joy\n")
    assert "7 of its 7 rows" in run(*words, "--label-map", labels).stderr


def test_a_missing_tensorboard_is_reported_before_the_training(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    done = run("train", "--data", tiny_data, *QUICK, "--out", tmp_path / "runs", "--tensorboard")
    assert done.exit_code == 6
    assert "needs the package 'tensorboard'" in done.stderr
    assert not (tmp_path / "runs").exists()


def test_evaluate_writes_text_json_and_plot(
    tiny_run: Path, tiny_data: Path, tmp_path: Path
) -> None:
    target, plot = tmp_path / "figures.json", tmp_path / "matrix.png"
    words = ["evaluate", tiny_run, "--data", tiny_data, "--split", "test"]
    done = run(*words, "--json-file", target, "--plot", plot)
    assert done.exit_code == 0, done.output
    figures = json.loads(target.read_text())
    assert f"accuracy           {figures['accuracy']:.4f}" in done.stdout
    assert "on 28 images" in done.stdout
    assert "confusion matrix" in done.stdout
    assert plot.stat().st_size > 10_000
    printed = json.loads(run(*words, "--json").stdout)
    assert printed == figures


def test_evaluate_agrees_for_both_files_of_a_run(tiny_run: Path, tiny_data: Path) -> None:
    printed = [
        run("evaluate", tiny_run / name, "--data", tiny_data).stdout
        for name in ("model.keras", "model.onnx")
    ]
    assert printed[0] == printed[1]
    assert printed[0]


@pytest.mark.parametrize(
    ("model", "data", "code", "message"),
    [
        ("no.onnx", "tiny", 5, "no.onnx: no such model file"),
        ("text.onnx", "tiny", 5, "text.onnx"),
        ("text.keras", "tiny", 5, "not a .keras file"),
        ("run", "no", 4, "no: no such folder"),
    ],
)
def test_errors_of_evaluate(
    tiny_run: Path, tiny_data: Path, tmp_path: Path, model: str, data: str, code: int, message: str
) -> None:
    for name in ("text.onnx", "text.keras"):
        (tmp_path / name).write_text("no model")
    place = tiny_run if model == "run" else tmp_path / model
    done = run("evaluate", place, "--data", tiny_data if data == "tiny" else tmp_path / data)
    assert (done.exit_code, done.stdout) == (code, "")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_export_of_a_run_and_of_a_file_alone(
    tiny_run: Path, tiny_data: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "run"
    shutil.copytree(tiny_run, copy)
    (copy / "model.onnx").unlink()
    done = run("export", copy)
    assert done.exit_code == 0, done.output
    images = np.random.default_rng(0).uniform(0, 255, (5, 24, 24, 1))
    made, before = (EmotionClassifier(run / "model.onnx") for run in (copy, tiny_run))
    np.testing.assert_allclose(made.logits(images), before.logits(images), atol=1e-5)
    assert made.metadata == before.metadata
    alone = shutil.copy(tiny_run / "model.keras", tmp_path / "alone.keras")
    refused = run("export", alone)
    assert refused.exit_code == 3
    assert "name one with --data" in refused.stderr
    done = run("export", alone, "--data", tiny_data, "--out-file", tmp_path / "out.onnx")
    assert done.exit_code == 0, done.output
    assert "on 42 faces and noise" in done.stdout
    assert run("export", tmp_path / "out.onnx").exit_code == 5
