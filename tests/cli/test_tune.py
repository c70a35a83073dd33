import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from helpers.example_trials import FakeTrainer

from emorec.cli.main import main
from emorec.training import tuning

QUICK = ("--epochs", "4", "--image-size", "24", "--trials", "3")


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["tune", *map(str, words)])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "Missing option '--data'"),
        (("--data", "a", "--config", "b", "--recipe", "c"), "exclude each other"),
        (("--data", "a", "--trials", "0"), "--trials"),
        (("--data", "a", "--time", "soon"), "such as 90m, 2h or 1h30m"),
        (("--data", "a", "--time", "0h"), "is not a duration"),
        (("--data", "a", "--objective", "speed"), "--objective"),
        (("--resume", "a", "--epochs", "3"), "--resume keeps the settings of the search"),
        (("--resume", "a", "--space", "b"), "--resume keeps the settings of the search"),
    ],
)
def test_usage(words: tuple[str, ...], message: str) -> None:
    done = run(*words)
    assert done.exit_code == 2
    assert message in done.stderr


@pytest.mark.slow
def test_a_search_and_its_results(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("optuna")
    trainer = FakeTrainer()

    class Process:
        def __init__(self, log: Path) -> None:
            self.run = trainer

        def close(self) -> None:
            pass

    monkeypatch.setattr(tuning, "TrialProcess", Process)
    done = run("--data", tiny_data, *QUICK, "--out", tmp_path, "--dropout", "0.1")
    assert done.exit_code == 0, done.stderr
    (folder,) = tmp_path.iterdir()
    assert "searched settings" in done.stderr
    assert "dropout" not in done.stderr.splitlines()[0]
    assert "trial 1/3, the settings of the recipe: accuracy 0." in done.stderr
    assert "best: trial " in done.stdout
    assert f"settings: {folder}/best.yaml" in done.stdout
    assert "The figure of the best trial is optimistic" in done.stdout
    assert all(job["config"]["dropout"] == 0.1 for job in trainer.jobs)

    again = run("--resume", folder, "--json")
    found = json.loads(again.stdout)
    assert [trial["trial"] for trial in found["trials"]] == [1, 2, 3]
    assert found["best"]["values"]["accuracy"] >= found["recipe"]["values"]["accuracy"]
    assert len(trainer.jobs) == 3

    trainer.end_in[4] = KeyboardInterrupt()
    interrupted = run("--resume", folder, "--trials", "4")
    assert interrupted.exit_code == 130
    assert f"resume with: emorec tune --resume {folder}" in interrupted.stderr
    assert run("--resume", folder).exit_code == 0
    assert len(trainer.jobs) == 5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--data", "{tmp}/none"), 4, "none"),
        (("--data", "{data}", "--space", "{tmp}/none.yaml"), 3, "cannot read"),
        (("--data", "{data}", "--recipe", "unknown"), 3, "unknown recipe"),
        (("--data", "{data}", "--arch", "nono"), 3, "nono"),
        (("--resume", "{tmp}"), 4, "no search"),
    ],
)
def test_errors(
    tiny_data: Path, tmp_path: Path, words: tuple[str, ...], code: int, message: str
) -> None:
    done = run(*(word.format(tmp=tmp_path, data=tiny_data) for word in words))
    assert done.exit_code == code, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
