"""Sessions from the command line."""

import csv
import json
import signal
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.clips import Placed, draw, write_clip
from helpers.detect_command import (
    MovingDetector,
    TwoFacesDetector,
    enter_workplace,
    make_clip,
    names,
    run,
)
from helpers.signalled_runs import SignalledRun

from emorec.detection import yunet
from emorec.outputs.session import recorder


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch) -> None:
    enter_workplace(tmp_path, monkeypatch, MovingDetector)


def rows(table: str, folder: str = "out") -> list[dict[str, str]]:
    with Path(folder, table).open(newline="") as file:
        return list(csv.DictReader(file))


def session(folder: str = "out") -> dict:
    return json.loads(Path(folder, "session.json").read_text())


def test_the_session_of_a_video():
    result = run(make_clip(), "--no-save", "--session", "out", "--csv", "r.csv")
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "wrote out")
    assert names() == ["clip.avi", "out", "r.csv"]
    with Path("r.csv").open() as file:
        records = list(csv.DictReader(file))
    frames = rows("frames.csv")
    for name in ("frame", "id", "x", "y", "box_width", "detector", "emotion", "uncertain"):
        assert [row[name] for row in frames] == [row[name] for row in records]
    for name in ("time_s", "detector_score", "confidence", "happy"):
        numbers = [float(row[name]) for row in records]
        assert [float(row[name]) for row in frames] == pytest.approx(numbers, abs=1e-6)
    assert {row["duration_s"] for row in frames} == {"0.1"}
    assert [row["bin"] for row in rows("bins.csv")] == ["0", "1"]
    (person,) = rows("people.csv")
    assert (person["person"], person["seen_s"], person["frames"]) == ("clip.avi-1", "2.0", "20")


def test_what_is_needed_to_repeat_it():
    words = [make_clip(), "--no-save", "--session", "out", "--every", "2", "--detect-every", "3"]
    words += [
        "--start",
        "0:00.5",
        "--baseline",
        "0-1s",
        "--person",
        "1=Anna B",
        "--roi",
        "0,0,80,60",
    ]
    assert run(*words).exit_code == 0
    found = session()
    assert found["status"] == "complete"
    settings = found["settings"]
    assert (settings["every"], settings["detect_every"], settings["start"]) == (2, 3, 0.5)
    assert (settings["roi"], settings["device"]) == ("0,0,80,60", "cpu")
    assert found["videos"][0]["frame_s"] == pytest.approx(0.2)
    before = {name: Path("out", name).read_bytes() for name in ("frames.csv", "people.csv")}
    program, command, *again = found["command"]
    assert command == "detect"
    assert program
    assert run(*again).exit_code == 0
    assert {name: Path("out", name).read_bytes() for name in before} == before
    assert {row["person"] for row in rows("frames.csv")} == {"Anna B"}
    assert {row["detected"] for row in rows("frames.csv")} == {"true", "false"}


def test_several_videos_and_a_person_in_both(monkeypatch):
    monkeypatch.setattr(yunet, "YuNetDetector", TwoFacesDetector)
    words = [make_clip("a.avi", 3), make_clip("b.avi", 2), "--no-save", "--session", "out"]
    assert run(*words, "--person", "a.avi:1=Anna", "--person", "2:2=Anna").exit_code == 0
    found = [(row["person"], row["video"], row["ids"]) for row in rows("people.csv")]
    assert found == [
        ("Anna", "a.avi", "1"),
        ("Anna", "b.avi", "2"),
        ("Anna", "(all)", ""),
        ("a.avi-2", "a.avi", "2"),
        ("b.avi-1", "b.avi", "1"),
    ]


def test_a_wrong_name_does_not_cost_the_session():
    result = run(make_clip(), "--no-save", "--session", "out", "--person", "7=Anna")
    assert result.exit_code == 3
    assert "has no face 7; its faces: 1" in result.stderr
    assert "emorec session" in result.stderr
    assert [row["person"] for row in rows("people.csv")] == ["clip.avi-1"]
    assert session()["derivation"]["persons"] == []


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--person", "x.avi:1=A"], 3, "no video 'x.avi'"),
        (["--bin", "0"], 3, "a bin has"),
        (["--csv", "out/r.csv"], 2, "out"),
        (["--save", "out"], 2, "is in out"),
    ],
)
def test_wrong_words_do_no_work(words: list[str], code: int, message: str):
    Path("out").mkdir()
    save = [] if "--save" in words else ["--no-save"]
    result = run(make_clip(), *save, "--session", "out", *words)
    assert result.exit_code == code
    assert message in result.stderr
    assert list(Path("out").iterdir()) == []


def test_images_and_folders_with_other_files_are_refused():
    cv2.imwrite("a.png", np.full((60, 80, 3), 90, np.uint8))
    result = run("a.png", "--session", "out")
    assert result.exit_code == 2
    assert "a.png is not one" in result.stderr
    result = run(make_clip(), "--no-save", "--session", ".")
    assert result.exit_code == 4
    assert "not part of a session" in result.stderr
    assert names() == ["a.png", "clip.avi"]


def test_an_earlier_session_is_replaced():
    run(make_clip("a.avi", 2), make_clip("b.avi", 2), "--no-save", "--session", "out")
    assert Path("out/a.avi.eaf").exists()
    assert run("a.avi", "--no-save", "--session", "out").exit_code == 0
    assert not Path("out/a.avi.eaf").exists()
    assert Path("out/session.eaf").exists()


def test_a_video_that_cannot_be_read_to_its_end():
    data = Path(make_clip("whole.avi", 60)).read_bytes()
    Path("cut.avi").write_bytes(data[: int(0.8 * len(data))])
    Path("none.avi").write_bytes(b"")
    assert run("cut.avi", "none.avi", "--no-save", "--session", "out").exit_code == 1
    cut, none = session()["videos"]
    assert "ends after" in cut["problem"]
    assert cut["frames"] == len(rows("frames.csv")) > 20
    assert "empty" in none["problem"]
    assert none["frames"] == 0
    assert "empty" in Path("out/session.html").read_text()


def test_a_full_disk_is_one_line(monkeypatch):
    make = recorder.TextWriter

    def full(target: str):
        if target.endswith("frames.csv"):
            Path(target).symlink_to("/dev/full")
        return make(target)

    original = recorder.SessionRecorder.__enter__

    def enter(self):
        self._text = full(str(self.folder / "frames.csv"))
        return original(self)

    monkeypatch.setattr(recorder.SessionRecorder, "__enter__", enter)
    result = run(make_clip(), "--no-save", "--session", "out")
    assert result.exit_code == 4
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("error")]
    assert "No space left" in line


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code", "status"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGKILL, -9, "running")],
)
def test_a_run_that_is_ended_early(number: signal.Signals, code: int, status: str):
    write_clip(Path("clip.avi"), (draw([Placed(240, 135)]) for _ in range(60)), fps=10)
    words = ["detect", "clip.avi", "--no-save", "--session", "out"]
    process = SignalledRun(Path(), *words)
    frames = Path("out/frames.csv")
    process.wait_until(lambda: frames.exists() and frames.read_bytes().count(b"\n") > 10)
    assert process.end(number)[0] == code
    assert session()["status"] == status
    assert Path("out/session.html").exists() is (code == 130)
    from click.testing import CliRunner

    from emorec.cli.main import main

    assert CliRunner().invoke(main, ["session", "out"]).exit_code == 0
    assert session()["status"] == "interrupted"
    count = len(rows("frames.csv"))
    assert 10 <= count <= 60
    (person,) = rows("people.csv")
    assert int(person["frames"]) == count
