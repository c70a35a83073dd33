"""Training on the JAX and PyTorch backends, in processes of their own."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers import backends

from emorec.datasets.manifest import read_prepared
from emorec.evaluation.evaluate import evaluate
from emorec.installation import install_command


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_a_backend_trains_models_that_agree_on_other_backends(
    backend: str, tiny_data: Path, tmp_path: Path
) -> None:
    backends.needs(backend)
    done = backends.run(backend, [*backends.TRAIN, tiny_data], tmp_path)
    assert done.returncode == 0, done.stderr
    ended = [line for line in done.stderr.splitlines() if line.startswith("epoch ")]
    assert [line.split("  ")[0] for line in ended] == ["epoch 1/2", "epoch 2/2"]
    assert not any(word in done.stderr for word in ("Warning", "WARNING", "oneDNN", "cuda"))
    (run,) = (tmp_path / "runs").iterdir()
    assert json.loads((run / "environment.json").read_text())["keras_backend"] == backend
    figures = json.loads((run / "metrics.json").read_text())
    assert figures["parity"]["largest_probability_difference"] < 1e-4
    data = read_prepared(tiny_data)
    by_keras, by_onnx = evaluate(
        [run / name for name in ("model.keras", "model.onnx")], data, "validation"
    )
    np.testing.assert_allclose(by_keras.probabilities, by_onnx.probabilities, atol=1e-4)
    assert by_keras.scores.loss == pytest.approx(figures["loss"], abs=1e-4)


@pytest.mark.slow
def test_without_tensorflow_the_run_is_kept_and_the_error_names_the_package_to_install(
    tiny_data: Path, jax_run: backends.FinishedRun
) -> None:
    assert jax_run.done.returncode == 6, jax_run.done.stderr
    assert jax_run.done.stderr.splitlines()[-1].startswith(
        "error: the ONNX export needs tensorflow; install with: "
    )
    assert install_command("train") in jax_run.done.stderr
    (run,) = (jax_run.folder / "runs").iterdir()
    assert not (run / "model.onnx").exists()
    (found,) = evaluate([run / "model.keras"], read_prepared(tiny_data), "validation")
    assert found.scores.images == 42


def test_an_unknown_backend_is_refused(tiny_data: Path, tmp_path: Path) -> None:
    done = backends.run("tensorfolw", [*backends.TRAIN, tiny_data], tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        "error: KERAS_BACKEND must be one of tensorflow, jax, torch; received 'tensorfolw'\n"
    )
