"""The options of `emorec train` agree with the settings of a run."""

from typing import Any, get_args

import click
import pytest

from emorec.cli.train import train
from emorec.cli.training_settings import NO_SETTINGS
from emorec.labels import POLICIES
from emorec.training.config import TrainConfig

FIELDS = TrainConfig.model_fields
SETTINGS = [
    option
    for option in train.params
    if isinstance(option, click.Option) and option.name not in NO_SETTINGS
]
WITHOUT_OPTION = {
    "align",
    "augmentation",
    "balance_strength",
    "crop_margin",
    "default_prior",
    "ema_warmup",
    "model_license",
    "model_version",
    "step_epochs",
    "step_factor",
    "stop_after",
    "training_data",
}
"""Settings that are set in a file or with --set."""


def alternatives(annotation: Any) -> list[Any]:
    """Types and values that an annotation such as `Literal[7, 8] | None` allows."""
    parts = get_args(annotation)
    return [each for part in parts for each in alternatives(part)] if parts else [annotation]


def test_each_setting_has_an_option_or_is_listed() -> None:
    assert {str(option.name) for option in SETTINGS} == set(FIELDS) - WITHOUT_OPTION


@pytest.mark.parametrize("option", SETTINGS, ids=lambda option: option.opts[0])
def test_an_option_has_the_name_and_the_values_of_its_setting(option: click.Option) -> None:
    allowed = alternatives(FIELDS[str(option.name)].annotation)
    assert option.opts[0] == f"--{str(option.name).replace('_', '-')}"
    if option.name == "policy":
        assert isinstance(option.type, click.Choice)
        assert tuple(option.type.choices) == tuple(POLICIES)
    elif isinstance(option.type, click.Choice):
        assert [*option.type.choices, *{type(None)}.intersection(allowed)] == allowed
    else:
        kinds = {"boolean": bool, "float": float, "integer": int, "text": str}
        assert kinds[option.type.name] in allowed
    # The default is that of the file of the architecture: an absent option sets nothing.
    assert option.to_info_dict()["default"] is None
    assert option.help
