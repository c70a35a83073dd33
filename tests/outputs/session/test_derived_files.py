import csv
import json
from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import pytest
from helpers.example_records import LABELS
from helpers.example_sessions import HAPPY, NAMED, TWO_PEOPLE, Shot, record, shots

from emorec.atomic_files import PARTIAL
from emorec.errors import ConfigError, DataError
from emorec.outputs.session import derived_files, parquet_table
from emorec.outputs.session.derived_files import write_session_files
from emorec.outputs.session.session_columns import TABLES, header
from emorec.outputs.session.session_file import Derivation, read_session

ALL = {
    *("frames.csv", "frames.parquet", "bins.csv", "people.csv", "session.eaf", "events.tsv"),
    *("openface.csv", "session.html", "codebook.md", "session.json"),
}


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def rows(folder: Path, table: str) -> list[dict[str, str]]:
    with (folder / table).open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def folder(one_video: Path, tmp_path: Path) -> Path:
    # Beside the original, as relative addresses of the video are to stay.
    return copytree(one_video, one_video.parent / tmp_path.name)


def test_all_files_are_written(one_video: Path, two_videos: Path):
    assert names(one_video) == ALL
    several = {
        f"{video}.{end}" for video in ("a.avi", "camera-0") for end in ("eaf", "openface.csv")
    }
    assert names(two_videos) == ALL - {"session.eaf", "openface.csv"} | several
    assert set(read_session(one_video).files) == ALL - {"session.json"}


@pytest.mark.parametrize("table", TABLES)
def test_headers_are_those_of_the_columns(one_video: Path, table: str):
    text = (one_video / table).read_text().splitlines()[0]
    assert text.split("\t" if table.endswith(".tsv") else ",") == header(table, LABELS)


def test_a_session_without_a_face(tmp_path: Path):
    record(tmp_path, {"a.avi": shots(10, {}, {})})
    written = write_session_files(tmp_path)
    assert names(tmp_path) == ALL
    assert written.people == ()
    assert rows(tmp_path, "people.csv") == rows(tmp_path, "bins.csv") == []


def test_a_session_without_a_frame(tmp_path: Path):
    record(tmp_path, {"a.avi": []})
    write_session_files(tmp_path)
    assert names(tmp_path) == ALL


def test_new_names_change_every_table(folder: Path):
    before = (folder / "frames.csv").read_text()
    persons = {("a.avi", 1): "Ä, <b>", ("a.avi", 2): "=Ben"}
    written = write_session_files(folder, Derivation(persons=persons))
    assert [row["person"] for row in written.people] == ["Ä, <b>", "=Ben", "a.avi-3"]
    assert {row["person"] for row in rows(folder, "frames.csv")} == {
        *("Ä, <b>", "'=Ben", "a.avi-3", "")
    }
    assert {row["person"] for row in rows(folder, "people.csv")} == {"Ä, <b>", "'=Ben", "a.avi-3"}
    assert "=Ben" in (folder / "session.eaf").read_text()
    assert read_session(folder).derivation.persons == persons
    write_session_files(folder, NAMED)
    assert (folder / "frames.csv").read_text() == before


def test_the_same_again_leaves_the_same_files(folder: Path):
    before = {name: (folder / name).read_bytes() for name in ALL - {"session.eaf"}}
    inode = (folder / "frames.csv").stat().st_ino
    write_session_files(folder)
    assert {name: (folder / name).read_bytes() for name in before} == before
    assert (folder / "frames.csv").stat().st_ino == inode


def test_bins_and_baseline(folder: Path):
    written = write_session_files(folder, Derivation(0.2, (0.0, 0.1), NAMED.persons))
    assert [(row["person"], row["bin"]) for row in rows(folder, "bins.csv")] == [
        ("Anna", "0"),
        ("a.avi-2", "0"),
        ("Anna", "1"),
        ("a.avi-2", "1"),
        ("Anna", "2"),
    ]
    anna, other = rows(folder, "people.csv")
    assert (anna["baseline_seen_s"], other["diff_happy"]) == ("0.1", "")
    assert float(anna["diff_happy"]) == pytest.approx((3 * 0.75 + 0.25) / 4 - 0.75)
    assert written.notes == ("not seen in the baseline, so without differences: a.avi-2 (a.avi)",)


def test_another_folder_without_hidden_people(folder: Path, tmp_path: Path):
    before = {name: (folder / name).read_bytes() for name in ALL}
    target = tmp_path / "elsewhere"
    target.mkdir()
    written = write_session_files(folder, NAMED, target, hidden={("a.avi", 1), ("a.avi", 3)})
    assert names(target) == ALL
    assert [row["person"] for row in written.people] == ["a.avi-2"]
    for name in ALL:
        assert b"Anna" not in (target / name).read_bytes()
    assert len(rows(target, "frames.csv")) == 6
    assert {name: (folder / name).read_bytes() for name in ALL} == before


def test_a_session_that_grows_meanwhile(folder: Path, tmp_path: Path):
    target = tmp_path / "elsewhere"
    target.mkdir()
    path = folder / "frames.csv"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines).replace("a.avi-2", "x" * 20_000))

    def grow(*numbers: int) -> None:
        with path.open("a") as file:
            file.write(lines[-1].replace("Anna,3,5", "new,9,6"))

    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setattr(derived_files, "_REPORTED_FRAMES", 1)
    written = write_session_files(folder, NAMED, target, progress=grow)
    monkeypatch.undo()
    assert [row["person"] for row in written.people] == ["Anna", "a.avi-2"]


def test_hidden_people_cannot_be_dropped_in_place(folder: Path):
    with pytest.raises(ConfigError, match="another folder"):
        write_session_files(folder, hidden={("a.avi", 1)})


@pytest.mark.parametrize(
    ("derivation", "message"),
    [
        (Derivation(0.0), "a bin has"),
        (Derivation(baseline_s=(2.0, 1.0)), "baseline"),
        (Derivation(baseline_s=(-1.0, 1.0)), "baseline"),
        (Derivation(persons={("a.avi", 9): "x"}), "no face 9"),
        (Derivation(persons={("a.avi", 1): "x", ("a.avi", 2): "x"}), "both seen at 0.10 s"),
    ],
)
def test_wrong_settings_change_nothing(folder: Path, derivation: Derivation, message: str):
    before = {name: (folder / name).read_bytes() for name in ALL}
    with pytest.raises(ConfigError, match=message):
        write_session_files(folder, derivation)
    assert {name: (folder / name).read_bytes() for name in names(folder)} == before


def test_a_killed_run_is_finished(tmp_path: Path):
    record(tmp_path, {"a.avi": shots(10, *TWO_PEOPLE)})
    path = tmp_path / "session.json"
    document = json.loads(path.read_text())
    document["videos"][0]["frames"] = None
    path.write_text(json.dumps({**document, "status": "running", "finished": None}))
    with (tmp_path / "frames.csv").open("a") as file:
        file.write("a.avi,a.avi-3,3,6,0.6")
    written = write_session_files(tmp_path)
    assert written.session.status == "interrupted"
    assert names(tmp_path) == ALL
    assert (tmp_path / "frames.csv").read_text().endswith("\n")
    assert len(rows(tmp_path, "frames.csv")) == 8


@pytest.mark.parametrize("name", ["bins.csv", "session.html", "session.eaf"])
def test_a_full_disk_changes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str):
    before = {each: (folder / each).read_bytes() for each in ALL}
    path_of = derived_files._NewFiles.path

    def full(files: derived_files._NewFiles, wanted: str) -> Path:
        path = path_of(files, wanted)
        if wanted == name:
            path.unlink()
            path.symlink_to("/dev/full")
        return path

    monkeypatch.setattr(derived_files._NewFiles, "path", full)
    with pytest.raises(DataError, match="No space left"):
        write_session_files(folder, Derivation(0.5))
    assert {each: (folder / each).read_bytes() for each in names(folder)} == before
    assert not [each for each in names(folder) if each.startswith(PARTIAL)]


def test_an_old_parquet_file_does_not_stay(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(parquet_table, "is_installed", lambda: False)
    write_session_files(folder, Derivation(persons={("a.avi", 1): "Eve"}))
    assert names(folder) == ALL - {"frames.parquet"}


def test_frames_of_an_unknown_video(folder: Path):
    path = folder / "frames.csv"
    path.write_text(path.read_text().replace("a.avi,", "b.avi,"))
    with pytest.raises(DataError, match=r"b\.avi"):
        write_session_files(folder)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The time line of the page has as many cells in both."""
    import tracemalloc

    def peak(work: Callable[[], object]) -> int:
        tracemalloc.start()
        work()
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    monkeypatch.setattr("emorec.outputs.session.page_data.MAX_CELLS", 20)
    monkeypatch.setattr(parquet_table, "_ROWS", 50)
    peaks = []
    for count in (100, 1000):
        folder = tmp_path / str(count)
        frames = [Shot(number / 25, {1: HAPPY}) for number in range(count)]
        recorded = peak(lambda f=folder, s=frames: record(f, {"a.avi": s}, fps=25))
        derived = peak(lambda f=folder: write_session_files(f))
        peaks.append((recorded, derived))
    assert peaks[1][0] < 1.2 * peaks[0][0]
    assert peaks[1][1] < 1.2 * peaks[0][1]
