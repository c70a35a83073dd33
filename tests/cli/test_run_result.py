import json
from pathlib import Path

import numpy as np
import pytest

from emorec.cli.json_output import JsonOutput
from emorec.cli.run_result import print_finished, print_result
from emorec.evaluation.metrics import score
from emorec.training.finish import RunResult


def result(interrupted: bool = False, calibration_images: int | None = None) -> RunResult:
    targets = np.eye(2)[[0, 1, 1, 0]]
    scores = score(np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]]), targets, ("a", "b"))
    return RunResult(Path("runs/one"), scores, 3, interrupted, calibration_images)


def test_the_result_is_printed_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    print_result(result(), JsonOutput())
    first, problem, last = capsys.readouterr().out.splitlines()
    assert first.startswith("validation: accuracy 0.7500, macro F1 0.7333, loss ")
    assert first.endswith("(4 images, epoch 3); 0.5000 of the images are a")
    assert problem.startswith("This model is not better than always predicting 'a'")
    assert last == "run folder: runs/one"


@pytest.mark.parametrize(("images", "said"), [(None, False), (4, True), (50, False)])
def test_a_confidence_that_is_not_calibrated_is_said(
    capsys: pytest.CaptureFixture[str], images: int | None, said: bool
) -> None:
    print_result(result(calibration_images=images), JsonOutput())
    assert ("confidence not calibrated: the model had 4" in capsys.readouterr().out) is said
    print_result(result(calibration_images=images), JsonOutput(printed=True))
    validation = json.loads(capsys.readouterr().out)["validation"]
    assert (validation["calibration_images"], validation["images"]) == (images, 4)


def test_an_interrupted_run_names_the_command_that_resumes_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(KeyboardInterrupt):
        print_result(result(interrupted=True), JsonOutput(printed=True))
    printed = capsys.readouterr()
    values = json.loads(printed.out)
    assert values.keys() == {"run", "best_epoch", "interrupted", "validation"}
    assert (values["best_epoch"], values["interrupted"]) == (3, True)
    assert printed.err == "resume with: emorec train --resume runs/one\n"


def test_a_finished_run_prints_its_metrics(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "metrics.json").write_text('{"best_epoch": 5, "accuracy": 0.5}')
    print_finished(tmp_path, JsonOutput(printed=True))
    printed = capsys.readouterr()
    assert json.loads(printed.out)["validation"] == {"best_epoch": 5, "accuracy": 0.5}
    assert printed.err == f"note: {tmp_path}: the run is already finished\n"
