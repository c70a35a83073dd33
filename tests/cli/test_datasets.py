"""The command `emorec datasets`."""

import json

from click.testing import CliRunner

from emorec.cli.main import main
from emorec.datasets.published import PUBLISHED


def test_every_data_set_is_listed() -> None:
    result = CliRunner().invoke(main, ["datasets"])
    assert result.exit_code == 0
    for entry in PUBLISHED:
        assert f"{entry.key}: {entry.name}\n" in result.stdout
        assert f"  prepare  {entry.command}\n" in result.stdout
        assert all(f"  from     {place}\n" in result.stdout for place in entry.places)


def test_json_lists_every_data_set() -> None:
    entries = json.loads(CliRunner().invoke(main, ["datasets", "--json"]).stdout)
    assert [entry["name"] for entry in entries] == [entry.name for entry in PUBLISHED]


def test_names_limit_the_list() -> None:
    stdout = CliRunner().invoke(main, ["datasets", "kdef", "jaffe", "--json"]).stdout
    assert [entry["name"] for entry in json.loads(stdout)] == ["KDEF", "JAFFE"]
    text = CliRunner().invoke(main, ["datasets", "rafdb"]).stdout
    assert text.startswith("rafdb: RAF-DB, basic\n  holds ")
    assert text.count("  prepare ") == 1


def test_an_unknown_name_is_refused() -> None:
    result = CliRunner().invoke(main, ["datasets", "raf"])
    assert result.exit_code == 3
    assert "unknown data set 'raf'; did you mean 'rafdb'?" in result.stderr
