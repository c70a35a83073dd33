"""The contract of every record format: a new row of FORMATS is tested here without more ado.

A format needs its golden file, its section in docs/output.md, and its option in `emorec detect`.
"""

import io
import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers.example_records import LABELS, RECORDS, SUMMARY, ExampleModel

from emorec import __version__
from emorec.cli.main import main
from emorec.errors import ConfigError, DataError
from emorec.outputs.base import RecordFormat
from emorec.outputs.formats import FORMATS, open_writer, record_format

GOLDEN = Path(__file__).parent / "golden"
OUTPUT_PAGE = Path(__file__).parents[2] / "docs" / "output.md"

every_format = pytest.mark.parametrize("row", FORMATS.values(), ids=list(FORMATS))


def write_all(row: RecordFormat, target: str | Path, records=RECORDS, resume: bool = False) -> None:
    with open_writer(row.name, target, ExampleModel(), resume) as writer:
        for record in records:
            writer.add(record)
        writer.add_video(SUMMARY)
        writer.add_left_out({".txt": 3, ".heic": 2})


@every_format
def test_the_golden_file(tmp_path: Path, row: RecordFormat):
    """A change here is a change of the schema: raise SCHEMA_VERSION, list it in docs/output.md.

    `EMOREC_GOLDEN=1 pytest tests/outputs/test_formats.py` updates the files.
    """
    write_all(row, tmp_path / "records")
    text = (tmp_path / "records").read_text("utf-8").replace(f'"{__version__}"', '"VERSION"')
    golden = GOLDEN / f"records.{row.name}"
    if os.environ.get("EMOREC_GOLDEN"):
        golden.write_text(text, "utf-8")
    assert golden.is_file(), f"no golden file of the format {row.name}"
    assert text == golden.read_text("utf-8")


@every_format
def test_standard_output(monkeypatch, tmp_path: Path, row: RecordFormat):
    if not row.prints:
        with pytest.raises(ConfigError):
            open_writer(row.name, "-", ExampleModel())
        return
    printed = io.StringIO()
    monkeypatch.setattr("sys.stdout", printed)
    write_all(row, "-")
    write_all(row, tmp_path / "records")
    assert printed.getvalue() == (tmp_path / "records").read_text("utf-8")
    assert not printed.closed


@every_format
def test_an_exception_leaves_a_complete_file(tmp_path: Path, row: RecordFormat):
    def interrupted() -> None:
        with open_writer(row.name, tmp_path / "records", ExampleModel()) as writer:
            writer.add(RECORDS[0])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with open_writer(row.name, tmp_path / "expected", ExampleModel()) as writer:
        writer.add(RECORDS[0])
    assert (tmp_path / "records").read_bytes() == (tmp_path / "expected").read_bytes()
    assert len(list(tmp_path.iterdir())) == 2


@every_format
def test_resuming(tmp_path: Path, row: RecordFormat):
    path = tmp_path / "records"
    if row.read_groups is None:
        with pytest.raises(ConfigError, match="cannot be resumed"):
            open_writer(row.name, path, ExampleModel(), resume=True)
        return
    assert list(row.read_groups(path, LABELS)) == []
    write_all(row, path)
    complete = path.read_bytes()
    groups = list(row.read_groups(path, LABELS))
    assert [group.failed for group in groups] == [False, False, True, False]
    assert groups[-1].end == len(complete)
    path.write_bytes(complete[: groups[1].end])
    write_all(row, path, RECORDS[2:], resume=True)
    assert path.read_bytes() == complete


@every_format
def test_no_records(tmp_path: Path, row: RecordFormat):
    with open_writer(row.name, tmp_path / "records", ExampleModel()):
        pass
    assert (tmp_path / "records").is_file()
    if row.read_groups is not None:
        assert list(row.read_groups(tmp_path / "records", LABELS)) == []


@every_format
@pytest.mark.parametrize("name", ["a.xlsx", "a.XLSX", "a.html"])
def test_the_suffix_of_another_format(tmp_path: Path, row: RecordFormat, name: str):
    with pytest.raises(ConfigError, match=f"name it a.{row.name}"):
        open_writer(row.name, tmp_path / name, ExampleModel())
    assert list(tmp_path.iterdir()) == []


@every_format
def test_a_file_that_cannot_be_opened(tmp_path: Path, row: RecordFormat):
    with pytest.raises(DataError, match="cannot write"):
        write_all(row, tmp_path / "none" / "records")


@every_format
def test_detect_has_the_option(row: RecordFormat):
    text = " ".join(CliRunner().invoke(main, ["detect", "--help"]).output.split())
    named = "--json-file FILE" if row.name == "json" else f"--{row.name} FILE|-"
    assert f"{named} {row.help}" in text
    resume = text[text.index("--resume ") :]
    assert (f"--{row.name}" in resume.split(" file.")[0].split()) == row.resumes


@every_format
def test_the_documentation_has_the_format(row: RecordFormat):
    text = OUTPUT_PAGE.read_text("utf-8")
    option = "json-file" if row.name == "json" else row.name
    assert f"\n| `--{option} FILE` |" in text, f"docs/output.md: no row for --{option}"
    assert f"(`--{row.name}`)\n" in text, f"docs/output.md: no section for --{row.name}"


@pytest.mark.parametrize("name", ["", "xml", "JSON"])
def test_an_unknown_format(name: str):
    with pytest.raises(ConfigError, match=f"{name!r}; known formats: json, jsonl, csv"):
        record_format(name)
    with pytest.raises(ConfigError):
        open_writer(name, "a", ExampleModel())


def test_an_added_row_is_an_option(monkeypatch, tmp_path: Path):
    """An option is there as soon as the table has a row; checked in another process."""
    import subprocess
    import sys

    code = """
from emorec.outputs import formats
from emorec.outputs.base import RecordFormat
from emorec.outputs.jsonl_format import JsonLinesWriter

make = lambda target, model, resume: JsonLinesWriter(target)
formats.FORMATS["mine"] = RecordFormat("mine", "Write my format", make, prints=False)
from emorec.cli.main import run
run()
"""
    photo = Path(__file__).parents[2] / "examples" / "astronaut.jpg"
    command = [sys.executable, "-c", code, "detect", str(photo), "--no-save", "--mine"]
    done = subprocess.run([*command, "a.mine"], cwd=tmp_path, check=True, capture_output=True)
    assert done.stdout
    assert (tmp_path / "a.mine").read_text().count('"status": "ok"') == 1
    refused = subprocess.run([*command, "-"], cwd=tmp_path, capture_output=True, check=False)
    assert refused.returncode == 2
    assert b"--mine needs a file" in refused.stderr
