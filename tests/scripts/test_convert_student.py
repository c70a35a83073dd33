import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from emorec.labels import EMOTIONS_8
from emorec.modeling.build import build_classifier
from emorec.modeling.classifier_parts import weighted_layers
from emorec.modeling.keras_files import load_model

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "teachers" / "convert_student.py"

Weights = dict[str, npt.NDArray[np.float32]]


def convert(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, words)], capture_output=True, text=True, timeout=300
    )


def random_weights(arch: str) -> Weights:
    """Weights of all layers, and of a second head."""
    generator = np.random.default_rng(0)
    found = {
        f"{layer.name}/{variable.name}": generator.uniform(0.1, 0.3, tuple(variable.shape))
        for layer in weighted_layers(build_classifier(arch, 8))
        for variable in layer.weights
    }
    found["aux/bias"] = np.zeros(7)
    return {name: np.asarray(value, np.float32) for name, value in found.items()}


@pytest.fixture(scope="module")
def weights() -> Weights:
    return random_weights("nano")


@pytest.mark.slow
def test_the_model_has_the_weights_and_is_calibrated(
    weights: Weights, tiny_data: Path, tmp_path: Path
) -> None:
    np.savez(tmp_path / "student.npz", **weights)
    target = tmp_path / "model.keras"
    words = (tmp_path / "student.npz", "nano", target)
    done = convert(*words, "--data", tiny_data, "--version", "2.0")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{target}: nano, temperature ")
    model, metadata = load_model(target)
    for layer in weighted_layers(model):
        for variable in layer.weights:
            np.testing.assert_array_equal(variable, weights[f"{layer.name}/{variable.name}"])
    assert (metadata.name, metadata.version, metadata.labels) == ("emorec-nano", "2.0", EMOTIONS_8)
    assert (metadata.input_size, metadata.default_prior) == (48, 0.3)
    assert metadata.prior is not None
    assert sum(metadata.prior) == pytest.approx(1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arch", "target", "code", "message"),
    [
        ("compact", "m.keras", 5, "do not fit compact: stem_1_conv/kernel must be floats of shape"),
        ("nanno", "m.keras", 3, "nano"),
        ("nano", "m.onnx", 3, "the file to write must end in .keras; received "),
    ],
)
def test_wrong_arguments_are_one_line(
    weights: Weights, tmp_path: Path, arch: str, target: str, code: int, message: str
) -> None:
    np.savez(tmp_path / "student.npz", **weights)
    done = convert(tmp_path / "student.npz", arch, tmp_path / target)
    assert done.returncode == code
    assert done.stderr.splitlines()[-1].startswith("error: ")
    assert message in done.stderr
    assert not (tmp_path / target).exists()


def changed(weights: Weights, **changes: npt.NDArray[np.float32] | None) -> Weights:
    merged = {**weights, **{name.replace("__", "/"): value for name, value in changes.items()}}
    return {name: value for name, value in merged.items() if value is not None}


def test_weights_that_do_not_fit_are_errors(weights: Weights) -> None:
    from convert_student import copied

    from emorec.errors import ModelError

    model = build_classifier("nano", 8)
    copied(model, weights, Path("s.npz"))
    for changes, message in (
        ({"logits__bias": None}, r"logits/bias must be floats of shape \(8,\); received nothing"),
        ({"logits__bias": np.zeros(7, np.float32)}, r"received float32 of shape \(7,\)"),
        ({"logits__bias": np.zeros(8, np.int64)}, r"received int64 of shape \(8,\)"),
        ({"logits__bias": np.full(8, np.nan)}, r"logits/bias has values that are not finite"),
        ({"block_7__kernel": np.zeros(1, np.float32)}, r"nano has no layer for block_7/kernel"),
    ):
        with pytest.raises(ModelError, match=message):
            copied(model, changed(weights, **changes), Path("s.npz"))
