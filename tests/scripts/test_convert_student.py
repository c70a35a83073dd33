from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from convert_student import copied, main

from emorec.errors import EmorecError, ModelError
from emorec.labels import EMOTIONS_8
from emorec.modeling.build import build_classifier
from emorec.modeling.classifier_parts import weighted_layers
from emorec.modeling.keras_files import load_model

Weights = dict[str, npt.NDArray[np.float32]]


Convert = Callable[..., str]


@pytest.fixture
def convert(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Convert:
    """A function that runs the script in this process and returns what it printed."""

    def run(*words: object) -> str:
        monkeypatch.setattr("sys.argv", ["convert_student.py", *map(str, words)])
        main()
        return capsys.readouterr().out

    return run


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


def test_the_model_has_the_weights_and_is_calibrated(
    weights: Weights, tiny_data: Path, tmp_path: Path, convert: Convert
) -> None:
    np.savez(tmp_path / "student.npz", **weights)
    target = tmp_path / "model.keras"
    words = (tmp_path / "student.npz", "nano", target)
    printed = convert(*words, "--data", tiny_data, "--version", "2.0")
    assert printed.startswith(f"{target}: nano, temperature ")
    model, metadata = load_model(target)
    for layer in weighted_layers(model):
        for variable in layer.weights:
            np.testing.assert_array_equal(variable, weights[f"{layer.name}/{variable.name}"])
    assert (metadata.name, metadata.version, metadata.labels) == ("emorec-nano", "2.0", EMOTIONS_8)
    assert (metadata.input_size, metadata.default_prior) == (48, 0.3)
    assert metadata.prior is not None
    assert sum(metadata.prior) == pytest.approx(1)


@pytest.mark.parametrize(
    ("arch", "target", "code", "message"),
    [
        ("compact", "m.keras", 5, "do not fit compact: stem_1_conv/kernel must be floats of shape"),
        ("nanno", "m.keras", 3, "nano"),
        ("nano", "m.onnx", 3, "the file to write must end in .keras; received "),
    ],
)
def test_wrong_arguments_are_errors(
    weights: Weights,
    tmp_path: Path,
    convert: Convert,
    arch: str,
    target: str,
    code: int,
    message: str,
) -> None:
    np.savez(tmp_path / "student.npz", **weights)
    with pytest.raises(EmorecError) as caught:
        convert(tmp_path / "student.npz", arch, tmp_path / target)
    assert caught.value.exit_code == code
    assert message in str(caught.value)
    assert not (tmp_path / target).exists()


def changed(weights: Weights, **changes: npt.NDArray[np.float32] | None) -> Weights:
    merged = {**weights, **{name.replace("__", "/"): value for name, value in changes.items()}}
    return {name: value for name, value in merged.items() if value is not None}


def test_weights_that_do_not_fit_are_errors(weights: Weights) -> None:
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
