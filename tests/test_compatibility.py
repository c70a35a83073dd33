"""What version 0.1.0 left on disk stays readable, and leads to the figures that 0.1.0 reached.

helpers/make_0_1_0_data.py made the files and says what is in them.
"""

import csv
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from emorec.cli.main import main
from emorec.datasets.fingerprint import fingerprint
from emorec.datasets.manifest import read_prepared
from emorec.errors import ConfigError
from emorec.labels import EMOTIONS_7, VOTE_CLASSES
from emorec.outputs.records import record_of_version

FILES = Path(__file__).resolve().parent / "data_0_1_0"
EXPECTED: dict[str, Any] = json.loads((FILES / "expected.json").read_text("utf-8"))
MODEL = "runs/finished/model.onnx"
NEW_FIGURES = {
    "device",
    "majority_label",
    "majority_share",
    "beats_majority",
    "calibration_images",
    "resampled_groups",
}
CHANGED_FIGURES = {"two_fold_calibration"}
"""Few images leave a temperature at 1 since."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, holding all files of 0.1.0."""
    for archive in FILES.glob("*.tar.xz"):
        with tarfile.open(archive) as file:
            # Python 3.11.3 and earlier have no filters, not even the argument of `extractall`.
            file.extraction_filter = getattr(tarfile, "data_filter", None)
            file.extractall(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def emorec(*words: str, exit_code: int = 0) -> str:
    """Run a command; return its standard output."""
    result = CliRunner().invoke(main, words)
    assert result.exit_code == exit_code, result.stderr
    return result.stdout


def close(value: object) -> object:
    """Make a value that equals another one whose numbers differ by at most 1e-4."""
    if isinstance(value, dict):
        return {key: close(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [close(entry) for entry in value]
    return pytest.approx(value, abs=1e-4) if isinstance(value, float) else value


def history(text: str) -> list[dict[str, float]]:
    rows = csv.DictReader(io.StringIO(text))
    return [{name: float(value) for name, value in row.items()} for row in rows]


def records(text: str) -> list[dict[str, Any]]:
    """Read JSON lines, without what later schemas add; the wording of errors is free."""
    lines = [json.loads(line) for line in text.splitlines()]
    return [
        {**record_of_version(line, 2), "schema_version": 2, "error": line["error"] is not None}
        for line in lines
    ]


def rows(text: str) -> list[dict[str, object]]:
    """Read CSV; the wording of errors is free."""
    found: list[dict[str, object]] = []
    for row in csv.DictReader(io.StringIO(text)):
        cells: dict[str, object] = {**row, "error": bool(row.get("error"))}
        for name in (*EMOTIONS_7, "confidence"):
            cells[name] = float(row[name]) if row[name] else None
        found.append(cells)
    return found


def test_the_files_are_of_0_1_0() -> None:
    assert EXPECTED["version"] == "0.1.0"
    assert sum(path.stat().st_size for path in FILES.iterdir()) < 300_000


def test_a_prepared_data_set_is_read(folder: Path) -> None:
    data = read_prepared(folder / "prepared")
    manifest = list(csv.DictReader((folder / "prepared" / "manifest.csv").open()))
    assert data.paths.tolist() == [row["path"] for row in manifest]
    assert data.policy == "dominant"
    assert data.votes is not None
    votes = [[int(row[f"votes_{name}"]) for name in VOTE_CLASSES] for row in manifest]
    assert data.votes.tolist() == votes
    assert {sum(row) for row in votes} == {10}
    counts = {}
    for split in ("train", "validation", "test"):
        examples = data.examples(split, None, None, False)
        assert examples.class_names == EMOTIONS_7
        counts[split] = len(examples.paths)
    summary = json.loads((folder / "prepared" / "summary.json").read_text())
    assert counts == {split: sum(kept.values()) for split, kept in summary["kept"].items()}


def test_a_prepared_data_set_is_up_to_date(folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (folder / "prepared").rglob("*")}
    emorec("prepare-data", "checkout", "--out", "prepared", "--no-report")
    assert {path: path.stat().st_mtime_ns for path in (folder / "prepared").rglob("*")} == before


@pytest.mark.parametrize("run", ["finished", "interrupted"])
def test_the_configuration_of_a_run_is_read(folder: Path, run: str) -> None:
    from emorec.training import run_folder

    config, environment = run_folder.read(folder / "runs" / run)
    assert (config.arch, config.epochs, config.ema, config.mixup) == ("compact", 4, 0.9, 0.2)
    assert run_folder.finished(folder / "runs" / run) == (run == "finished")
    found = fingerprint(read_prepared(folder / "prepared"))
    assert found == environment["data_fingerprint"]


def test_keys_of_a_configuration_that_are_no_more_are_read(folder: Path) -> None:
    from emorec.training.config import load_config

    path = folder / "partner.yaml"
    with pytest.raises(ConfigError, match="partner, a second network for the mirror image, was"):
        load_config(path, {})
    text = path.read_text().replace("partner: runs/finished/model.keras", "partner: null")
    assert "partner: null" in text
    path.write_text(text)
    assert load_config(path, {}).mix_off_epochs == 1


@pytest.mark.parametrize("split", ["validation", pytest.param("test", marks=pytest.mark.slow)])
@pytest.mark.parametrize("model", ["runs/finished", "runs/finished/model.keras", MODEL])
def test_a_model_is_evaluated_to_the_same_figures(folder: Path, split: str, model: str) -> None:
    words = ("--data", "prepared", "--split", split, "--json-file", "figures.json")
    emorec("evaluate", model, *words)
    found = json.loads((folder / "figures.json").read_text())
    expected = EXPECTED["evaluation"][split]
    assert found.keys() - expected.keys() == NEW_FIGURES
    kept = {name: found[name] for name in expected.keys() - CHANGED_FIGURES}
    assert {**kept, "model": MODEL} == close(
        {name: expected[name] for name in expected.keys() - CHANGED_FIGURES}
    )


@pytest.mark.slow
def test_an_interrupted_run_is_resumed_to_the_same_history(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from emorec.evaluation.calibration import fit_temperature
    from emorec.training import finish

    # As in 0.1.0; all figures depend on it.
    monkeypatch.setattr(finish, "shrunk_temperature", fit_temperature)
    emorec("train", "--resume", "runs/interrupted", "--data", "prepared")
    found = history((folder / "runs" / "interrupted" / "history.csv").read_text())
    assert found == close(history(EXPECTED["history"]))
    finished, resumed = (
        json.loads((folder / "runs" / run / "metrics.json").read_text())
        for run in ("finished", "interrupted")
    )
    for metrics in (finished, resumed):
        # They name the place of the run or of the data, or are differences of rounding.
        del metrics["parity"], metrics["model"], metrics["confident_mistakes"]
    # A model is named after its run since.
    assert (finished.pop("name"), resumed.pop("name")) == ("emorec-compact", "interrupted")
    assert resumed.keys() - finished.keys() == NEW_FIGURES
    same = finished.keys() - CHANGED_FIGURES
    assert {name: resumed[name] for name in same} == close({name: finished[name] for name in same})


def test_the_output_of_detect_is_resumed(folder: Path) -> None:
    words = ["--detector", "none", "--no-save", "--jsonl", "detect.jsonl", "--csv", "detect.csv"]
    begun = (folder / "detect.jsonl").read_text()
    emorec("detect", "faces", "--model", MODEL, *words, "--resume", exit_code=1)
    whole = (folder / "detect.jsonl").read_text()
    assert {json.loads(line)["schema_version"] for line in whole.splitlines()} == {2}
    assert whole.splitlines()[:5] == begun.splitlines()[:5]
    assert records(whole) == close(records(EXPECTED["jsonl"]))
    assert rows((folder / "detect.csv").read_text()) == close(rows(EXPECTED["csv"]))


def test_an_onnx_file_classifies_to_the_same_probabilities(folder: Path) -> None:
    printed = emorec(
        *("detect", "faces", "--model", MODEL, "--detector", "none"),
        *("--no-save", "--jsonl", "-"),
        exit_code=1,
    )
    assert records(printed) == close(records(EXPECTED["jsonl"]))
