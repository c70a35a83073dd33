import json
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner
from helpers.example_folds import figures
from helpers.people_data import make_people

from emorec.cli.folds import print_result, read_folds
from emorec.cli.json_output import JsonOutput
from emorec.cli.main import main
from emorec.training.cross_validation import CrossValidationResult
from emorec.training.fold_folder import FOLDS, FoldPlan
from emorec.training.fold_progress import CrossValidationCallback, CrossValidationProgress
from emorec.training.run_folder import METRICS


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_people(tmp_path_factory.mktemp("people") / "data", 4, 1)


@pytest.fixture
def context() -> click.Context:
    return click.Context(click.Command("train"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (None, None),
        ("10", 10),
        ("1", 1),
        ("-3", -3),
        ("leave-one-group-out", "leave-one-group-out"),
    ],
)
def test_values(context: click.Context, text: str | None, value: int | str | None):
    assert read_folds(context, click.Option(["--folds"]), text) == value


@pytest.mark.parametrize("text", ["", "ten", "2.5", "leave-one-out"])
def test_other_values(context: click.Context, text: str):
    with pytest.raises(click.BadParameter, match="neither a number of folds nor leave-one-group"):
        read_folds(context, click.Option(["--folds"]), text)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--folds", "ten"], 2, "'ten' is neither a number of folds nor leave-one-group-out"),
        (["--folds", "3", "--distribute", "devices"], 2, "remove --distribute"),
        (["--folds", "3", "--dry-run"], 2, "--dry-run measures one run"),
        (["--folds", "1"], 3, "a cross-validation needs 2 or more folds; received 1"),
        (["--folds", "4", "--limit", "6"], 3, "4 folds need 4 or more images of every class"),
        (["--folds", "5"], 3, "5 folds need 5 or more"),
    ],
)
def test_options_that_are_wrong(
    people: Path, tmp_path: Path, words: list[str], code: int, message: str
):
    out = tmp_path / "runs"
    command = ["train", "--data", str(people), "--out", str(out), *words]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == code
    assert message in done.stderr.replace("\n", " ")
    assert not out.exists()


def test_folds_are_not_an_option_of_a_run_that_is_resumed(tmp_path: Path):
    done = CliRunner().invoke(main, ["train", "--resume", str(tmp_path), "--folds", "3"])
    assert done.exit_code == 2
    assert "--resume keeps the settings of the run; received --folds" in done.stderr


def test_a_finished_cross_validation_is_not_resumed(tmp_path: Path):
    for part in (tmp_path, tmp_path / "final", tmp_path / "fold-01"):
        part.mkdir(exist_ok=True)
        (part / METRICS).write_text('{"epochs": 7}')
    (tmp_path / FOLDS).write_text("{}")
    for named in (tmp_path, tmp_path / "fold-01", tmp_path / "final"):
        done = CliRunner().invoke(main, ["train", "--resume", str(named), "--json"])
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout) == {"run": str(tmp_path.resolve()), "epochs": 7}
        assert "the cross-validation is already finished" in done.stderr
    refused = CliRunner().invoke(
        main, ["train", "--resume", str(tmp_path), "--distribute", "devices"]
    )
    assert "remove --distribute" in refused.stderr


def test_an_interrupt_names_the_folder(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "runs" / "some-folds"
    folder.mkdir(parents=True)

    def interrupted(*_: object, progress: CrossValidationCallback, **__: object) -> None:
        progress(CrossValidationProgress(folder, FoldPlan(2, 0, ("a", "b"), np.array([0, 1])), 1))
        raise KeyboardInterrupt

    monkeypatch.setattr("emorec.training.cross_validation.cross_validate", interrupted)
    done = CliRunner().invoke(main, ["train", "--data", str(people), "--folds", "2"])
    assert done.exit_code == 130
    lines = done.stderr.splitlines()
    assert lines[0].startswith(
        "cross-validation: 2 images, 2 folds (stratified, no groups, seed 0)"
    )
    assert lines[1:] == [f"resume with: emorec train --resume {folder}", "interrupted"]


def test_the_result_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    found = figures(None)
    (tmp_path / METRICS).write_text(json.dumps(found.to_dict()))
    result = CrossValidationResult(tmp_path, found)
    print_result(result, JsonOutput())
    text = capsys.readouterr().out
    low, high = found.evaluation.scores.accuracy_interval
    for expected in (
        f"accuracy           0.6000 (95 %: {low:.4f} to {high:.4f})  0.6000 ± 0.0500",
        "bootstrap samples of the images.",
        f"worst class: {found.worst_class.label}, recall 0.2500 (8 images)",
        f"final model: 1 epoch on all images; {tmp_path}",
    ):
        assert expected in text
    assert "worst group" not in text
    print_result(result, JsonOutput(printed=True))
    assert json.loads(capsys.readouterr().out)["epochs"] == 1
