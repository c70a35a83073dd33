"""Searches with a fake training; tests/training/test_trial_worker.py trains trials."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from helpers.example_trials import CONFIG, SPACE, FakeTrainer

from emorec.errors import ConfigError, DataError
from emorec.training import tuning, tuning_study
from emorec.training.config import read_config
from emorec.training.tuning import TuningResult, resume_tuning, tune
from emorec.training.tuning_progress import TuningProgress
from emorec.training.tuning_records import TrialOutcome

pytestmark = pytest.mark.slow


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch) -> FakeTrainer:
    """A training whose trials take 100 s each by the clock of the search."""
    pytest.importorskip("optuna")
    fake = FakeTrainer(100)
    clock = SimpleNamespace(monotonic=fake.monotonic)
    for module in (tuning, tuning_study):
        monkeypatch.setattr(module, "time", clock)
    return fake


def search(trainer: FakeTrainer, data: Path, folder: Path, **options: Any) -> TuningResult:
    options = {"trials": 6, "pruning": False, **options}
    return tune(CONFIG, SPACE, data, folder, run_trial=trainer, **options)


def test_a_search(trainer: FakeTrainer, tiny_data: Path, tmp_path: Path) -> None:
    reports: list[TuningProgress] = []
    result = search(trainer, tiny_data, tmp_path, progress=reports.append)
    own = trainer.jobs[0]["config"]
    assert (own["learning_rate"], own["dropout"], own["batch_size"]) == (0.1, 0.0, 64)
    assert len({str(job["config"]) for job in trainer.jobs}) == 6
    assert [trial.number for trial in result.trials] == [1, 2, 3, 4, 5, 6]
    best = result.best
    assert best is not None
    assert best.value("accuracy") == max(trial.value("accuracy") or 0 for trial in result.trials)
    found = read_config(result.folder / "best.yaml")
    assert found.learning_rate == best.settings["learning_rate"]
    assert found.epochs == CONFIG.epochs
    assert len((result.folder / "trials.csv").read_text().splitlines()) == 7
    assert "<h2>Trials</h2>" in (result.folder / "report.html").read_text()
    kept = [path.parent.parent.name for path in result.folder.glob("trial-*/checkpoints/last.npz")]
    assert kept == [best.folder]
    assert [each.trial_seconds for each in reports if each.trial_seconds] == [100]
    assert [each.ended.number for each in reports if each.ended] == [1, 2, 3, 4, 5, 6]
    assert not (result.folder / ".lock").exists()
    # A finished search trains nothing, and more trials can be added.
    again = resume_tuning(result.folder, run_trial=trainer)
    assert (again.trials, len(trainer.jobs)) == (result.trials, 6)
    assert len(resume_tuning(result.folder, run_trial=trainer, trials=7).trials) == 7


@pytest.mark.parametrize("killed_in", [1, 3])
@pytest.mark.parametrize("cleanly", [True, False])
def test_a_killed_search_is_resumed(
    trainer: FakeTrainer,
    tiny_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    killed_in: int,
    cleanly: bool,
) -> None:
    trainer.end_in[killed_in] = KeyboardInterrupt()
    with monkeypatch.context() as patch:
        release = tuning_study.TuningStudy.release_interrupted
        calls: list[int] = []

        def released(study: tuning_study.TuningStudy) -> None:
            calls.append(1)
            if cleanly or len(calls) == 1:  # SIGKILL leaves no time for the one after the trial
                release(study)

        patch.setattr(tuning_study.TuningStudy, "release_interrupted", released)
        with pytest.raises(KeyboardInterrupt):
            search(trainer, tiny_data, tmp_path, trials=4)
    (folder,) = tmp_path.iterdir()
    result = resume_tuning(folder, run_trial=trainer)
    assert [trial.number for trial in result.trials] == [1, 2, 3, 4]
    assert len(trainer.jobs) == 5
    assert trainer.jobs[killed_in] == trainer.jobs[killed_in - 1]
    assert [trial.folder for trial in result.trials] == [f"trial-00{n}" for n in range(1, 5)]
    assert trainer.jobs[0]["config"]["learning_rate"] == 0.1


def test_ctrl_c_before_any_epoch_leaves_no_folder(
    trainer: FakeTrainer, tiny_data: Path, tmp_path: Path
) -> None:
    def interrupt(now: TuningProgress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(trainer, tiny_data, tmp_path, progress=interrupt)
    assert list(tmp_path.iterdir()) == []


def test_the_time_is_respected(trainer: FakeTrainer, tiny_data: Path, tmp_path: Path) -> None:
    result = search(trainer, tiny_data, tmp_path, seconds=350)
    assert result.out_of_time
    assert len(result.trials) == 3  # a fourth would end after 400 s
    assert trainer.limits == [None, 250, 150]
    more = resume_tuning(result.folder, run_trial=trainer, seconds=450)
    assert len(more.trials) == 4
    with pytest.raises(ConfigError, match="one trial takes about 100 s, and --time leaves 80 s"):
        search(trainer, tiny_data, tmp_path / "short", seconds=80)
    assert list((tmp_path / "short").iterdir()) == []


def test_a_trial_that_would_end_too_late_is_pruned(
    trainer: FakeTrainer, tiny_data: Path, tmp_path: Path
) -> None:
    def slow_down(now: TuningProgress) -> None:
        if now.number == 2:
            trainer.seconds = 1000

    result = search(trainer, tiny_data, tmp_path, seconds=350, progress=slow_down)
    assert result.trials[1].outcome == TrialOutcome("pruned", "out of time after epoch 1")
    assert result.out_of_time


def test_failures(trainer: FakeTrainer, tiny_data: Path, tmp_path: Path) -> None:
    failed = TrialOutcome("failed", "no memory")
    trainer.end_in = {2: failed, 3: TrialOutcome("pruned", "the loss became nan")}
    result = search(trainer, tiny_data, tmp_path, trials=4)
    assert [trial.outcome.state for trial in result.trials] == [
        *("complete", "failed", "pruned", "complete")
    ]
    trainer.jobs.clear()
    trainer.end_in = {2: failed, 3: failed, 4: failed}
    with pytest.raises(DataError, match=r"3 trials fail .* no memory; fix this, then run"):
        search(trainer, tiny_data, tmp_path)
    trainer.jobs.clear()
    trainer.end_in = {1: failed}
    with pytest.raises(DataError, match="the trial with the settings of the recipe fails"):
        search(trainer, tiny_data, tmp_path)


def test_settings_that_contradict_each_other_are_a_pruned_trial(
    trainer: FakeTrainer, tiny_data: Path, tmp_path: Path
) -> None:
    space = tuning_space({"optimizer": {"choices": ["adamw"]}, "learning_rate": {"factor": 2}})
    result = tune(CONFIG, space, tiny_data, tmp_path, run_trial=trainer, trials=8)
    states = {
        (trial.settings["optimizer"], trial.outcome.state): trial.outcome.reason
        for trial in result.trials
    }
    assert "adamw diverges" in states["adamw", "pruned"]
    assert ("adamw", "complete") not in states


def tuning_space(forms: dict[str, Any]) -> tuple[Any, ...]:
    from emorec.training.search_space import parse_space

    # The combination is refused, each value alone is not.
    (rate,) = parse_space({"learning_rate": forms["learning_rate"]}, "a", CONFIG)
    from emorec.training.search_space import Parameter

    return (rate, Parameter("optimizer", choices=("sgd", "adamw")))


def test_what_cannot_be_resumed(
    trainer: FakeTrainer, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = search(trainer, tiny_data, tmp_path / "a", trials=1).folder
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    with pytest.raises(ConfigError, match="set KERAS_BACKEND=tensorflow"):
        resume_tuning(folder, run_trial=trainer)
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    (folder / "trial-002").symlink_to(tmp_path)
    with pytest.raises(DataError, match="trial-002: a link"):
        resume_tuning(folder, run_trial=trainer)
    (folder / "trial-002").unlink()
    plan = (folder / "tuning.yaml").read_text()
    (folder / "tuning.yaml").write_text(plan.replace("data_fingerprint: ", "data_fingerprint: a"))
    with pytest.raises(DataError, match="the data set differs"):
        resume_tuning(folder, run_trial=trainer)
