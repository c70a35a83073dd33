"""The command `emorec datasets`, and that the guide says the same."""

import json
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from emorec.cli.main import main
from emorec.cli.prepare_data import prepare_data
from emorec.datasets.published import PUBLISHED

GUIDE = (Path(__file__).parents[2] / "docs" / "datasets.md").read_text("utf-8")


def test_every_data_set_is_told() -> None:
    result = CliRunner().invoke(main, ["datasets"])
    assert result.exit_code == 0
    for entry in PUBLISHED:
        assert f"{entry.name}\n" in result.stdout
        assert f"  prepare  {entry.command}\n" in result.stdout
        assert all(f"  from     {place}\n" in result.stdout for place in entry.places)


def test_json_has_all_of_it() -> None:
    entries = json.loads(CliRunner().invoke(main, ["datasets", "--json"]).stdout)
    assert [entry["name"] for entry in entries] == [entry.name for entry in PUBLISHED]


@pytest.mark.parametrize("entry", PUBLISHED, ids=lambda entry: entry.name)
def test_the_command_is_one_and_the_guide_has_it(entry) -> None:
    words = shlex.split(entry.command)
    assert words[:2] == ["emorec", "prepare-data"]
    prepare_data.make_context("prepare-data", words[2:])
    assert entry.command in GUIDE
    assert all(place in GUIDE for place in entry.places)
