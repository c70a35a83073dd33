import json
import sys
from pathlib import Path

import numpy as np
import pytest
import simulate_temperatures as script

from emorec.evaluation.calibration import fit_temperature


def drawn(count: int, temperature: float) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels drawn from their probabilities at a temperature."""
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 3, (count, 3))
    # The largest of logits with Gumbel noise has the distribution of the softmax.
    labels = (logits / temperature + generator.gumbel(size=logits.shape)).argmax(axis=1)
    return logits, np.eye(3, dtype=np.float32)[labels]


def test_few_images_are_not_fitted_and_many_are() -> None:
    rows = script.simulate([drawn(2000, 2.0)], (18, 1000), draws=4)
    few, many = rows
    assert few["images"] == 18
    assert few["rule"] == few["T = 1"]
    assert many["rule"] == pytest.approx(many["best fit"], abs=0.005)
    assert many["rule"] < 0.5 * many["T = 1"]
    assert script.simulate([], (), draws=1) == []


def test_logits_are_scaled_to_best_temperatures() -> None:
    scaled = script.scaled_models([drawn(500, 1.4)], (0.6, 1.25))
    assert [fit_temperature(*model) for model in scaled] == pytest.approx([0.6, 1.25])


def test_the_table(
    tiny_data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(tiny_data), "--models", "emorec-nano", "--sizes", "18", "30", "--draws", "2"]
    monkeypatch.setattr(sys, "argv", ["simulate", *words, "--json"])
    script.main()
    rows = json.loads(capsys.readouterr().out)
    assert [row["images"] for row in rows] == [18, 30]
    assert rows[0].keys() == {"images", "T = 1", "best fit", "rule"}
    monkeypatch.setattr(sys, "argv", ["simulate", *words, "--as-trained"])
    script.main()
    assert "mean of 1 models, 2 draws each" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["simulate", *words, "--sizes", "42"])
    with pytest.raises(SystemExit):
        script.main()
    assert "--sizes must be 1 to 41; received [42]" in capsys.readouterr().err
