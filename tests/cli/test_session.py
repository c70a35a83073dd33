import csv
import json
from pathlib import Path
from shutil import copytree

import pytest
from click.testing import CliRunner, Result
from helpers.example_sessions import TWO_PEOPLE, record, shots

from emorec.cli.main import main


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    record(Path("s"), {"x/a.avi": shots(10, *TWO_PEOPLE), "b.avi": shots(10, *TWO_PEOPLE)})


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["session", *words])


def people() -> list[tuple[str, str, str]]:
    with Path("s/people.csv").open(newline="") as file:
        return [(row["person"], row["video"], row["ids"]) for row in csv.DictReader(file)]


def test_names_are_kept_changed_and_removed():
    result = run(
        "s", "--person", "a.avi:1=Anna", "--person", "x/a.avi:3=Anna", "--person", "2:2=Ben"
    )
    assert result.exit_code == 0, result.output
    assert people() == [
        ("Anna", "a.avi", "1+3"),
        ("a.avi-2", "a.avi", "2"),
        ("b.avi-1", "b.avi", "1"),
        ("Ben", "b.avi", "2"),
        ("b.avi-3", "b.avi", "3"),
    ]
    assert "Anna  a.avi  0.4 s  mostly happy" in result.stdout
    assert run("s", "--person", "2:2=Anna", "--person", "1:3=").exit_code == 0
    assert people()[:4] == [
        ("Anna", "a.avi", "1"),
        ("Anna", "b.avi", "2"),
        ("Anna", "(all)", ""),
        ("a.avi-2", "a.avi", "2"),
    ]


def test_bins_and_baseline_are_kept_and_removed():
    assert run("s", "--bin", "0.2s", "--baseline", "0-0.1").exit_code == 0
    derivation = json.loads(Path("s/session.json").read_text())["derivation"]
    assert (derivation["bin_s"], derivation["baseline_s"]) == (0.2, [0.0, 0.1])
    result = run("s", "--person", "1:1=Anna")
    assert "not seen in the baseline" in result.stderr
    assert "diff_happy" in Path("s/bins.csv").read_text()
    assert run("s", "--baseline", "none").exit_code == 0
    assert "diff_happy" not in Path("s/bins.csv").read_text()


def test_json():
    document = json.loads(run("s", "--json").stdout)
    assert document["folder"] == "s"
    first = document["people"][0]
    assert (first["person"], first["missing_s"]) == ("a.avi-1", 0)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["none"], 4, "not a session"),
        (["s", "--person", "9:1=A"], 3, "no video '9'"),
        (["s", "--person", "1:9=A"], 3, "no face 9"),
        (["s", "--person", "1:1=A", "--person", "1:2=A"], 3, "both seen"),
        (["s", "--bin", "0"], 3, "a bin has"),
        (["s", "--baseline", "x"], 2, "not an interval"),
        (["s", "--json-file", "s/x.json"], 2, "output"),
        ([], 2, "FOLDER"),
    ],
)
def test_wrong_words(words: list[str], code: int, message: str):
    copytree("s", "copy")
    result = run(*words)
    assert result.exit_code == code
    assert message in result.output
    assert sorted(path.name for path in Path("s").iterdir()) == ["frames.csv", "session.json"]
