from pathlib import Path
from typing import Any

import pytest
from helpers.fake_worker import FIGURES

from emorec.training import trial_process
from emorec.training.trial_process import TrialProcess, TrialReceivers
from emorec.training.tuning_records import TrialOutcome

pytestmark = pytest.mark.slow


def receivers(received: list[Any], stop: str = "") -> TrialReceivers:
    def epoch(number: int, value: float, left: float | None) -> str:
        received.append((number, value, left))
        return stop

    return TrialReceivers(
        epoch, lambda *numbers: received.append(numbers), received.append, received.append
    )


def test_outcomes_of_trials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial_process, "WORKER", "helpers.fake_worker:main")
    process = TrialProcess(tmp_path / "trials.log")
    processes = []

    def run(do: str, stop: str = "", seconds: float | None = None) -> TrialOutcome:
        received: list[Any] = []
        outcome = process.run({"do": do}, receivers(received, stop), seconds)
        if seconds is None:
            processes.append(received.pop(0))
            assert received == [5.0, (1, 2, 3, 4), (1, 0.5, 2.0)]
        return outcome

    try:
        assert run("complete") == TrialOutcome("complete", "", FIGURES)
        assert run("complete", stop="worse") == TrialOutcome("pruned", "worse")
        assert run("diverge") == TrialOutcome("pruned", "the loss became nan")
        assert run("fail") == TrialOutcome("failed", "no such file")
        assert len(set(processes)) == 1, "one process trains all of them"
        crashed = run("crash")
        assert crashed.state == "failed"
        assert "ended by signal 6" in crashed.reason
        assert run("hang", seconds=2) == TrialOutcome("pruned", "out of time")
        assert run("complete").state == "complete"
        assert len(set(processes)) == 2, "the process is started again after its end"
    finally:
        process.close()


def test_an_interrupt_ends_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial_process, "WORKER", "helpers.fake_worker:main")
    process = TrialProcess(tmp_path / "trials.log")

    def interrupt(name: str) -> None:
        raise KeyboardInterrupt

    ended = TrialReceivers(lambda *_: "", lambda *_: None, interrupt, lambda _: None)
    with pytest.raises(KeyboardInterrupt):
        process.run({"do": "hang"}, ended, None)
    assert process._process is None
