"""The command `emorec data-report`."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from helpers.checkouts import make_checkout, make_images, tree

from emorec.cli.main import main


@pytest.fixture
def data(tmp_path: Path) -> Path:
    source = make_checkout(tmp_path / "FERPlus")
    run("prepare-data", source, "--no-report", "--out", tmp_path / "data")
    return tmp_path / "data"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)))


def test_no_arguments_are_a_usage_error() -> None:
    assert run("data-report").exit_code == 2


def test_the_report_is_written_to_the_data_set(data: Path) -> None:
    result = run("data-report", data)
    assert result.exit_code == 0
    assert result.stdout == f"{data}/report.html: written\n"
    assert json.loads((data / "report.json").read_text())["images"] == 7
    assert "<h2>Samples</h2>" in (data / "report.html").read_text()


def test_it_can_be_written_elsewhere(data: Path, tmp_path: Path) -> None:
    before = tree(data)
    assert run("data-report", data, "--out", tmp_path / "new" / "place").exit_code == 0
    assert sorted(tree(tmp_path / "new" / "place")) == ["report.html", "report.json"]
    assert tree(data) == before


def test_prepare_data_writes_it_once_at_the_end(tmp_path: Path) -> None:
    source, out = make_checkout(tmp_path / "FERPlus"), tmp_path / "out"
    assert "report.html" not in run("prepare-data", source, "--out", out, "--no-report").stdout
    assert not (out / "report.html").exists()
    result = run("prepare-data", source, "--out", out)
    assert result.stdout.endswith(f"{out}/report.html: written\n")
    before = (out / "report.html").stat().st_mtime_ns
    assert "report.html" not in run("prepare-data", source, "--out", out).stdout
    assert (out / "report.html").stat().st_mtime_ns == before
    (out / "report.html").unlink()
    json.loads(run("prepare-data", source, "--out", out, "--json").stdout)
    assert (out / "report.html").exists()


@pytest.mark.parametrize("damage", ["none", "no data", "strange summary"])
def test_bad_data_is_one_line_and_exit_code_4(data: Path, tmp_path: Path, damage: str) -> None:
    if damage == "strange summary":
        (data / "summary.json").write_text('{"fingerprint": 1}')
    place = {"none": tmp_path / "none", "no data": tmp_path / "FERPlus"}.get(damage, data)
    result = run("data-report", place)
    assert result.exit_code == 4
    assert (result.stdout, result.stderr.count("\n")) == ("", 1)
    assert not (place / "report.html").exists()


def test_files_of_a_folder_tree_that_are_no_images_are_named(tmp_path: Path) -> None:
    folders = {"train/happy/more": 20, "train/sad": 20, "dev/happy": 3, "dev/sad": 4, "Test/sad": 1}
    root = make_images(tmp_path / "raw", folders)
    for name in ("a.txt", "b.txt", "Thumbs.db"):
        (root / "train/sad" / name).touch()
    result = run("data-report", root)
    assert (result.exit_code, result.stderr) == (0, "warning: left out: 2 .txt\n")
    facts = json.loads((root / "report.json").read_text())
    assert facts["images"] == 48
    assert facts["counts"]["validation"] == {"happy": 3, "sad": 4}
    assert (facts["left_out"], facts["notes"]) == ({".txt": 2}, ["left out: 2 .txt"])
    printed = run("data-report", root, "--json", "-q")
    assert (printed.exit_code, printed.stderr) == (0, "warning: left out: 2 .txt\n")
    assert json.loads(printed.stdout) == facts
    refused = run("data-report", root, "--json-file", root / "report.json")
    assert (refused.exit_code, refused.stdout) == (2, "")
    # Its own files are not named the next time.
    assert run("data-report", root).stderr == "warning: left out: 2 .txt\n"


def test_labels_are_checked_reviewed_and_corrected(tiny_data: Path, tmp_path: Path) -> None:
    review, out = tmp_path / "review.csv", tmp_path / "report"
    arguments = ("--model", "emorec-nano", "--split", "test", "--review", review, "--out", out)
    result = run("data-report", tiny_data, *arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    first, second, third = result.stdout.splitlines()
    assert first.startswith("emorec-nano on 28 labels: agrees with ")
    assert (second, third) == (
        f"{review}: {len(review.read_text().splitlines()) - 1} images to review",
        f"{out}/report.html: written",
    )
    facts = json.loads((out / "report.json").read_text())["label_errors"]
    assert facts["images"] == 28
    assert "<h2>Labels and model</h2>" in (out / "report.html").read_text()
    lines = review.read_text("utf-8-sig").splitlines()
    header, cells = lines[0].split(","), lines[1].split(",")
    cells[header.index("new_label")] = "drop"
    review.write_text("\n".join([lines[0], ",".join(cells)]))
    done = run("prepare-data", tiny_data, "--relabel", review, "--no-report", "--out", out / "new")
    assert done.exit_code == 0
    assert f"{review.name}: 0 labels changed, 1 images dropped" in done.stderr
    assert not (out / "new" / cells[0]).exists()


def test_a_review_without_a_model_lists_duplicates(data: Path, tmp_path: Path) -> None:
    twin = data / "train/happy/fer0000000.png"
    twin.write_bytes((data / "train/sad/fer0000001.png").read_bytes())
    result = run("data-report", data, "--review", tmp_path / "review.csv")
    assert f"{tmp_path}/review.csv: 3 images to review" in result.stdout
    assert "near duplicate with another label" in (tmp_path / "review.csv").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--split", "test"], 2, "add --model"),
        (["--model", "no-such-model"], 5, "no-such-model"),
        (["--review", "data/review.csv"], 2, "is in data, the data set"),
        (["--review", "none/review.csv"], 2, "name a file in an existing folder"),
        (["--review", "review.json"], 2, "--review"),
        (["--model", "emorec-nano", "--split", "tset"], 2, "Did you mean 'test'"),
    ],
)
def test_options_that_do_not_fit(
    data: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(data.parent)
    result = run("data-report", "data", *arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in result.stderr
    assert not (data / "report.html").exists()
