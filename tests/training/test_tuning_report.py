from pathlib import Path

import numpy as np
import pytest
from helpers.example_trials import plan, record

from emorec.training.tuning_report import (
    looks,
    render_tuning,
    selection_optimism,
    summary_lines,
    tuning_dict,
)

TRIALS = (record(1, 0.5), record(2, None), record(3, 0.7))


@pytest.mark.parametrize("count", [1, 2, 5, 20, 100])
def test_the_optimism_is_the_expected_largest_error(count: int) -> None:
    standard_error = 0.1 / (2 * 1.959964)
    draws = np.random.default_rng(0).normal(0, standard_error, (20_000, count)).max(axis=1)
    found = selection_optimism(TRIALS[0], "accuracy", count)
    assert found == pytest.approx(draws.mean(), abs=0.03 * standard_error)
    assert selection_optimism(TRIALS[0], "loss", count) is None
    assert selection_optimism(TRIALS[1], "accuracy", count) is None


def test_the_summary_says_what_the_best_figure_is_worth() -> None:
    assert summary_lines(plan(), ()) == ["no trial is complete (0 trials ())"]
    text = "\n".join(summary_lines(plan(), TRIALS))
    assert "best: trial 3, validation accuracy 0.7000 (95 % interval 0.6500 to 0.7500" in text
    assert "settings of the recipe (trial 1): accuracy 0.5000" in text
    assert "3 trials (2 complete, 1 pruned), 9 looks at the validation split" in text
    assert "The gain over the recipe, 0.2000, is more than that." in text
    near = (record(1, 0.5), record(2, 0.505))
    assert summary_lines(plan(), near)[-1].endswith("0.0050, is no more than that.")
    assert looks(TRIALS) == 9


def test_the_result_for_json() -> None:
    found = tuning_dict(Path("a"), plan(), TRIALS)
    assert found["best"]["trial"] == 3
    assert found["recipe"]["values"]["accuracy"] == 0.5
    assert found["trials"][1]["reason"] == "worse <i>than</i> others"
    assert found["looks"] == 9
    assert tuning_dict(Path("a"), plan(), ())["best"] is None


@pytest.mark.slow
def test_the_page(tmp_path: Path) -> None:
    page = render_tuning(plan(), TRIALS, {"dropout": 0.75, "learning_rate": 0.25})
    assert page.count("<img") == 3
    assert "<i>" not in page
    assert "FER&lt;b&gt;" in page
    assert "2 complete, 1 pruned" in page
    alone = render_tuning(plan(), (record(1, None),), {})
    assert "No trial is complete" in alone
