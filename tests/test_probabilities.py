from pathlib import Path

import numpy as np
import pytest
from helpers.onnx_models import METADATA, write_tiny_model
from hypothesis import given
from hypothesis import strategies as st

from emorec.errors import ConfigError, ModelError
from emorec.inference.classifier import EmotionClassifier
from emorec.probabilities import parse_prior, prior_offsets, probabilities_from_logits

PRIOR = (0.4, 0.2, 0.1, 0.1, 0.08, 0.06, 0.04, 0.02)
INPUTS = np.random.default_rng(3).integers(0, 256, (20, 48, 48, 1)).astype(np.float32)


def classifier(
    folder: Path, prior: str | float | None, default: float = 0.0, known: bool = True
) -> EmotionClassifier:
    metadata = METADATA.replaced(prior=PRIOR if known else None, default_prior=default)
    return EmotionClassifier(write_tiny_model(folder / "tiny.onnx", metadata), prior=prior)


@pytest.mark.parametrize(
    ("given_prior", "expected"),
    [("natural", 0), ("balanced", 1), ("0", 0), ("0.25", 0.25), (0.5, 0.5), (1, 1), ("2", 2)],
)
def test_valid_priors(given_prior: str | float, expected: float) -> None:
    assert parse_prior(given_prior) == expected


@pytest.mark.parametrize("value", ["", "Balanced", "none", "-0.1", "2.1", "nan", "inf", "1,5", -1])
def test_invalid_priors(value: str | float) -> None:
    with pytest.raises(ConfigError, match="the prior must be natural, balanced or a number"):
        parse_prior(value)


@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0])
def test_probabilities_are_divided_by_a_power_of_the_prior(tmp_path: Path, strength: float) -> None:
    plain = classifier(tmp_path, "natural").probabilities(INPUTS).astype(np.float64)
    expected = plain / np.array(PRIOR) ** strength
    expected /= expected.sum(axis=1, keepdims=True)
    found = classifier(tmp_path, strength).probabilities(INPUTS)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_default_is_that_of_the_model(tmp_path: Path) -> None:
    chosen = classifier(tmp_path, None, default=0.7)
    explicit = classifier(tmp_path, 0.7)
    assert chosen.tau == 0.7
    np.testing.assert_array_equal(chosen.probabilities(INPUTS), explicit.probabilities(INPUTS))
    assert classifier(tmp_path, "natural", default=0.7).tau == 0
    assert classifier(tmp_path, None).tau == 0


def test_a_model_without_prior_supports_only_natural(tmp_path: Path) -> None:
    assert classifier(tmp_path, "natural", known=False).tau == 0
    assert classifier(tmp_path, None, known=False).tau == 0
    with pytest.raises(ModelError, match=r"tiny\.onnx: the model does not say how frequent"):
        classifier(tmp_path, "balanced", known=False)


@given(st.floats(0.1, 10), st.floats(0, 2), st.floats(-1000, 1000))
def test_probabilities_sum_to_one_whatever_the_logits(
    temperature: float, strength: float, height: float
) -> None:
    offsets = prior_offsets(METADATA.replaced(prior=PRIOR), strength)
    logits = np.linspace(-height, height, 16).reshape(2, 8)
    found = probabilities_from_logits(logits, temperature, offsets)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found.sum(axis=1), 1)
