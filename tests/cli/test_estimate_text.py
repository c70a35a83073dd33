import json

import pytest

from emorec.cli.estimate_text import estimate_lines, print_dry_run
from emorec.cli.json_output import JsonOutput
from emorec.training.config import TrainConfig
from emorec.training.dry_run import DryRun
from emorec.training.estimate import Estimate, StageEstimate
from emorec.training.shortening import Shortening

STAGE = StageEstimate(96, 30, 0.0, 700.0, 20.0)
LONG = Estimate(60.0, (STAGE,), 40.0)
SHORTER = (Shortening("--image-size 48", 5500.0, "1/4.0 of the pixels"),)
REST = "set-up and final figures included; early stopping may end the run sooner"


@pytest.mark.parametrize(
    ("estimate", "again", "line"),
    [
        (LONG, False, f"estimate: 12 min per epoch; about 6 h 2 min in all for 30 epochs, {REST}"),
        (
            LONG,
            True,
            f"new estimate: 12 min per epoch; about 6 h 2 min in all for 30 epochs more, {REST}",
        ),
        (
            Estimate(5.0, (StageEstimate(96, 1, 0.0, 6.0, 1.0),), 3.0),
            False,
            f"estimate: 7.0 s per epoch; about 15 s in all for 1 epoch, {REST}",
        ),
        (
            Estimate(5.0, (StageEstimate(96, 3, 90.0, 1.0, 0.0), STAGE), 3.0),
            False,
            "estimate: 1 min 30 s for the features of the frozen layers, 1.0 s per epoch "
            "(3 epochs) and 12 min per epoch (30 epochs); about 6 h 2 min in all for 33 epochs, "
            f"{REST}",
        ),
    ],
)
def test_the_first_line(estimate: Estimate, again: bool, line: str) -> None:
    assert next(iter(estimate_lines(estimate, (), again=again))) == line


def test_a_long_run_names_what_shortens_it() -> None:
    lines = list(estimate_lines(LONG, SHORTER, 20.0))
    assert lines[1] == "to shorten it:"
    assert " ".join(lines[2].split()) == "--image-size 48 about 1 h 32 min 1/4.0 of the pixels"
    assert len(list(estimate_lines(Estimate(5.0, (), 3.0), SHORTER))) == 1


FOUND = DryRun(TrainConfig(), LONG, SHORTER, 28_000, 3500, 2_500_000_000, 72_576_000)


def test_a_dry_run_as_text(capsys: pytest.CaptureFixture) -> None:
    print_dry_run(FOUND, 20.0, JsonOutput())
    out, err = capsys.readouterr()
    assert err == ""
    assert "arch: compact\n" in out
    assert "images: 28,000 training, 3,500 validation\n" in out
    assert "memory: about 2.5 GB at most, of which 0.07 GB are decoded images\n" in out
    assert "\nestimate: 12 min per epoch" in out
    assert "--image-size 48" in out


def test_a_dry_run_as_json(capsys: pytest.CaptureFixture) -> None:
    print_dry_run(FOUND, 20.0, JsonOutput(printed=True))
    result = json.loads(capsys.readouterr().out)
    assert result["estimate"]["seconds"] == LONG.seconds + 20
    assert result["estimate"]["stages"][0]["epoch_seconds"] == 720
    assert result["shorter"][0]["seconds"] == 5520
    assert result["memory_bytes"] == 2_500_000_000
    assert result["config"]["arch"] == "compact"
