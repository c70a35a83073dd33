"""Published data sets: each has a command that parses, and the guide lists it."""

import shlex
from pathlib import Path

import pytest

from emorec.cli.prepare_data import prepare_data
from emorec.datasets.published import PUBLISHED
from emorec.datasets.readers.registry import LAYOUTS

GUIDE = (Path(__file__).parents[2] / "docs" / "datasets.md").read_text("utf-8")


@pytest.mark.parametrize("entry", PUBLISHED, ids=lambda entry: entry.name)
def test_the_command_parses_and_the_guide_lists_it(entry) -> None:
    words = shlex.split(entry.command)
    assert words[:2] == ["emorec", "prepare-data"]
    prepare_data.make_context("prepare-data", words[2:])
    assert entry.command in GUIDE
    assert all(place in GUIDE for place in entry.places)


def test_every_layout_has_an_entry() -> None:
    keys = [entry.key for entry in PUBLISHED]
    assert len({*keys}) == len(keys)
    assert {*keys} >= {*LAYOUTS} - {"prepared"}
