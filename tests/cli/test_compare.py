"""The command `emorec compare`."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from helpers.run_folders import make_run

from emorec.cli.main import main


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["compare", *map(str, arguments)])


def test_no_run_is_a_usage_error() -> None:
    assert run().exit_code == 2


def test_runs_are_printed_with_what_differs(tmp_path: Path) -> None:
    first = make_run(tmp_path / "first")
    second = make_run(tmp_path / "second", settings="epochs: 9", finished=False)
    result = run(first, second)
    assert (result.exit_code, result.stderr) == (0, "")
    head, *rows = result.stdout.splitlines()
    assert head.split()[:4] == ["run", "state", "data", "best"]
    assert rows[0].split()[:6] == ["1", "first", "finished", "1", "2", "of"]
    assert rows[1].split()[:3] == ["2", "second", "unfinished"]
    assert rows[2:] == [
        "",
        "settings that differ, by the numbers of the runs",
        "epochs: 3 (1); 9 (2)",
    ]


def test_the_page_and_json(tmp_path: Path) -> None:
    folders = [make_run(tmp_path / name, fingerprint=name, folds=2) for name in "ab"]
    page = tmp_path / "page.html"
    result = run(*folders, "--report", page)
    assert result.exit_code == 0
    assert "different data sets" in result.stderr
    assert "a: 0, b: 0, p = 1" in result.stdout
    assert result.stdout.endswith(f"{page}: written\n")
    assert "<h2>Learning curves</h2>" in page.read_text("utf-8")
    facts = json.loads(run(*folders, "--json").stdout)
    assert [entry["data_set"] for entry in facts["runs"]] == [1, 2]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["missing"], 4, "missing: not a run folder"),
        (["."] * 21, 2, "21 runs; compare at most 20"),
        (["run", "run"], 3, "named twice"),
        (["run", "--report", "."], 2, "--report: . cannot be a file"),
        (["run", "--report", "page.csv"], 2, "--report"),
        (["run", "--report", "run/report.html"], 2, "is in run, a run"),
        (["run", "--json-file", "run/metrics.json"], 2, "is a file of run"),
    ],
)
def test_what_cannot_be_compared(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    make_run(Path("run"))
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in result.stderr


def test_a_damaged_run_is_shown_with_a_warning(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    (folder / "config.yaml").write_text("\x1b[31m: [")
    result = run(folder)
    assert result.exit_code == 0
    assert "damaged" in result.stdout
    assert result.stderr.startswith("warning: ")
    assert "\x1b" not in result.output
