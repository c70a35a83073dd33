"""An option has one meaning in every command; docs/cli.md lists all of them."""

import importlib.util
from pathlib import Path
from types import ModuleType

import click
import pytest

ROOT = Path(__file__).resolve().parents[2]

TWO_KINDS = {
    "--resume": "a run is resumed from its folder; a detection from the files that --jsonl and "
    "--csv name in any case",
}
"""Options that are a flag in one command and take a value in another, with the reason."""


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "gen_cli_docs", ROOT / "scripts" / "gen_cli_docs.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCRIPT = _script()
OPTIONS: dict[str, dict[str, click.Option]] = SCRIPT.options_by_name()


def kind(option: click.Option) -> str:
    if option.is_flag:
        return "flag"
    return (
        option.type.name.removesuffix(" range").replace("directory", "path").replace("file", "path")
    )


def kinds(by_command: dict[str, click.Option]) -> set[str]:
    return {kind(option) for option in by_command.values()}


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_is_of_one_kind(name: str) -> None:
    found = kinds(OPTIONS[name])
    assert (len(found) > 1) == (name in TWO_KINDS), found


def test_the_shared_options_are_compared() -> None:
    assert set(OPTIONS["--out"]) == {
        *("prepare-data", "data-report", "train", "tune", "export", "detect", "explain")
    }
    assert {option.metavar for option in OPTIONS["--out"].values()} == {"FOLDER"}
    assert {option.metavar for option in OPTIONS["--out-file"].values()} == {"FILE"}
    assert kinds({"a": OPTIONS["--json"]["detect"], "b": OPTIONS["--jsonl"]["detect"]}) == {
        "flag",
        "text",
    }


def test_a_short_option_is_of_one_option() -> None:
    short: dict[str, set[str]] = {}
    for name, by_command in OPTIONS.items():
        for option in by_command.values():
            for opt in option.opts:
                if not opt.startswith("--"):
                    short.setdefault(opt, set()).add(name)
    assert short == {"-h": {"--help"}, "-q": {"--quiet"}, "-v": {"--verbose"}}


def _names(row: str) -> list[str]:
    """Return the options that a row of the table begins with."""
    return row.removeprefix("| `").partition("`")[0].replace(",", "").split()


@pytest.mark.parametrize("name", OPTIONS)
def test_the_table_states_one_meaning(name: str) -> None:
    texts = {option.help for option in OPTIONS[name].values()}
    assert len(texts) == 1 or name in SCRIPT.MEANINGS, texts
    page = (ROOT / "docs" / "cli.md").read_text("utf-8")
    (row,) = (line for line in SCRIPT.options_table() if name in _names(line))
    assert row in page
    assert len(row.split(" | ")) == 3


def test_meanings_are_of_options() -> None:
    assert SCRIPT.MEANINGS.keys() <= OPTIONS.keys()
