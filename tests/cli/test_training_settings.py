"""The settings of a training from the options of a command."""

import pytest
from click.testing import CliRunner

from emorec.cli.main import main
from emorec.cli.train import train
from emorec.cli.training_settings import option_of


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("train --data d --config a.yaml --recipe quick", "--config and --recipe exclude each"),
        ("tune --data d --config a.yaml --recipe quick", "--config and --recipe exclude each"),
        (
            "train --resume RUN --epochs 3",
            "--resume keeps the settings of the run; received --epochs, which needs a new run",
        ),
        (
            "tune --resume RUN --epochs 3 --trials 4",
            "the settings of the search; received --epochs, which needs a new search",
        ),
    ],
)
def test_options_that_are_refused(words: str, message: str) -> None:
    result = CliRunner().invoke(main, words.split())
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("words", "key", "option"),
    [
        (["--epochs", "0"], "epochs", "--epochs"),
        (["--epochs", "3", "--set", "epochs=0"], "epochs", "--set epochs"),
        (["--set", "augmentation.zoom=3"], "augmentation.zoom", "--set augmentation.zoom"),
        (["--no-augment"], "augmentation", "--no-augment"),
    ],
)
def test_the_option_that_has_set_a_setting(words: list[str], key: str, option: str) -> None:
    context = train.make_context("train", words)
    assert option_of(context, key) == option
