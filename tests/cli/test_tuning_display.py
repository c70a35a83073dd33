from dataclasses import replace
from pathlib import Path

import pytest
from helpers.example_trials import plan, record

from emorec.cli.tuning_display import TuningDisplay
from emorec.training.tuning_progress import TuningProgress

BEGUN = TuningProgress(Path("tuning/a"), plan(seconds=250.0), 1, {})


def test_a_line_for_the_estimate_and_each_trial(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = record(1, 0.5), record(2, None, learning_rate=0.05)
    third = record(3, 0.25)
    with TuningDisplay(0) as display:
        assert display.folder is None
        display.update(BEGUN)
        display.update(replace(BEGUN, step="decoding"))
        assert display._status == "trial 1/5: decoding"
        display.update(replace(BEGUN, trial_seconds=100.0))
        display.update(replace(BEGUN, epoch=2, epochs=4, batch=3, batches=9))
        assert display._status == "trial 1/5: epoch 2/4, batch 3/9"
        for ended in (first, second, third):
            display.update(replace(BEGUN, number=ended.number, ended=ended, best=first))
    assert display.folder == Path("tuning/a")
    assert capsys.readouterr().err.splitlines() == [
        "search of settings: at most 5 trials; tuning/a",
        "estimate: about 1 min 40 s a trial: about 2 of 5 trials fit into 4 min 10 s; pruned "
        "trials are shorter",
        "trial 1/5, the settings of the recipe: accuracy 0.5000 (best); learning_rate 0.1, "
        "dropout 0, batch_size 64; 1 min",
        "trial 2/5: pruned: worse <i>than</i> others; learning_rate 0.05, dropout 0, batch_size "
        "64; 2 min",
        "trial 3/5: accuracy 0.2500 (best 0.5000, trial 1); learning_rate 0.3, dropout 0, "
        "batch_size 64; 3 min",
    ]


def test_without_a_limit_of_time(capsys: pytest.CaptureFixture[str]) -> None:
    with TuningDisplay(0) as display:
        display.update(replace(BEGUN, plan=plan(), trial_seconds=60.0))
    assert "about 1 min a trial, at most 5 min for 5 trials" in capsys.readouterr().err
