"""Injected faults: signals at random moments end every command, and leave whole files only."""

import json
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.checkouts import make_images, tree
from helpers.clips import Placed, draw, write_clip
from helpers.onnx_models import write_tiny_model
from helpers.signalled_runs import SignalledRun, finished

from emorec.images import write_image
from emorec.outputs.records import SCHEMA_VERSION

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")

KILLS = pytest.mark.parametrize(
    "kills",
    [pytest.param(3, marks=pytest.mark.slow), pytest.param(20, marks=pytest.mark.long)],
)
LEFT_AFTER_S = 10.0
IMAGES = 300
Ending = tuple[signal.Signals, int, str]
ENDINGS: list[Ending] = [(signal.SIGTERM, 143, " by SIGTERM"), (signal.SIGHUP, 129, " by SIGHUP")]


@pytest.fixture
def chance() -> random.Random:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    return random.Random(seed)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of noise, which takes some time to decode, and of a model beside it."""
    folder = tmp_path_factory.mktemp("photos")
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    (folder / "in").mkdir()
    for number in range(IMAGES):
        write_image(folder / "in" / f"{number:03}.png", np.roll(noise, number, axis=1))
    write_tiny_model(folder / "tiny.onnx")
    return folder


def detect_words(photos: Path, *more: str) -> list[str]:
    words = ["detect", str(photos / "in"), "--model", str(photos / "tiny.onnx")]
    return [*words, "--detector", "none", "--save", "out", "--jsonl", "r.jsonl", *more]


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def line_count(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


@pytest.fixture(scope="module")
def whole(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The records of a run without interruption."""
    folder = tmp_path_factory.mktemp("whole")
    finished(folder, *detect_words(photos))
    return (folder / "r.jsonl").read_bytes()


def check_folder_run(photos: Path, folder: Path, at_line: int, ending: Ending, *more: str) -> None:
    """Signal a run after some images, check what it leaves, and resume it."""
    folder.mkdir()
    sent, code, by = ending
    records = folder / "r.jsonl"
    run = SignalledRun(folder, *detect_words(photos, "--json-file", "r.json", *more))
    run.wait_until(lambda: line_count(records) >= at_line)
    returncode, _, stderr = run.end(sent)
    assert (returncode, stderr) == (code, f"interrupted{by}\n")
    assert run.left_after(LEFT_AFTER_S) == []
    assert run.partials() == []
    document = json.loads((folder / "r.json").read_text())["images"]
    assert len(document) >= at_line
    found = lines(records)
    assert [record.pop("schema_version") for record in found] == [SCHEMA_VERSION] * len(found)
    assert found == document
    finished(folder, *detect_words(photos, "--resume", *more))
    assert len(list((folder / "out").iterdir())) == IMAGES
    assert all(cv2.imread(str(path)) is not None for path in (folder / "out").iterdir())


@KILLS
@pytest.mark.parametrize("more", [(), ("--workers", "2")], ids=["threads", "workers"])
def test_a_folder(
    photos: Path,
    whole: bytes,
    tmp_path: Path,
    chance: random.Random,
    kills: int,
    more: tuple[str, ...],
) -> None:
    for number in range(kills):
        folder = tmp_path / f"run{number}"
        ending = ENDINGS[number % len(ENDINGS)]
        check_folder_run(photos, folder, chance.randrange(1, IMAGES // 2), ending, *more)
        assert (folder / "r.jsonl").read_bytes() == whole


@KILLS
def test_a_killed_parent_ends_its_workers(
    photos: Path, whole: bytes, tmp_path: Path, chance: random.Random, kills: int
) -> None:
    for number in range(kills):
        folder = tmp_path / f"run{number}"
        folder.mkdir()
        run = SignalledRun(folder, *detect_words(photos, "--workers", "2"))
        at_line = chance.randrange(0, IMAGES // 2)
        run.wait_until(lambda n=at_line, f=folder: line_count(f / "r.jsonl") >= n)
        if not at_line:  # while the workers start
            run.wait_until(lambda r=run: len(r.processes()) > 2)
        run.process.send_signal(signal.SIGKILL)
        run.process.wait()
        assert run.left_after(LEFT_AFTER_S) == []
        assert run.partials() == []
        finished(folder, *detect_words(photos, "--workers", "2", "--resume"))
        assert (folder / "r.jsonl").read_bytes() == whole


@KILLS
def test_two_interrupts_shortly_after_each_other_end_workers_at_once(
    photos: Path, tmp_path: Path, chance: random.Random, kills: int
) -> None:
    for number in range(kills):
        folder = tmp_path / f"run{number}"
        folder.mkdir()
        run = SignalledRun(folder, *detect_words(photos, "--workers", "2"))
        at_line = chance.randrange(1, IMAGES // 2)
        run.wait_until(lambda n=at_line, f=folder: line_count(f / "r.jsonl") >= n)
        code, _, stderr = run.end(signal.SIGINT, signal.SIGINT)
        assert (code, stderr) == (130, "interrupted\n")
        assert run.left_after(LEFT_AFTER_S) == []
        assert run.partials() == []


@KILLS
def test_a_video(tmp_path: Path, chance: random.Random, kills: int) -> None:
    frames = 400
    write_clip(
        tmp_path / "clip.mp4", (draw([Placed(90 + n % 50, 60)], (320, 240)) for n in range(frames))
    )
    model = write_tiny_model(tmp_path / "tiny.onnx")
    for number in range(kills):
        folder = tmp_path / f"run{number}"
        folder.mkdir()
        sent, code, by = ENDINGS[number % len(ENDINGS)]
        words = ["detect", "../clip.mp4", "--model", model, "--save", ".", "--json-file", "r.json"]
        run = SignalledRun(folder, *words, "--jsonl", "r.jsonl")
        at_line = chance.randrange(1, frames // 2)
        run.wait_until(lambda n=at_line, f=folder: line_count(f / "r.jsonl") >= n)
        returncode, _, stderr = run.end(sent)
        assert (returncode, stderr.splitlines()[-1]) == (code, f"interrupted{by}")
        assert run.left_after(LEFT_AFTER_S) == []
        assert run.partials() == []
        document = json.loads((folder / "r.json").read_text())
        assert len(document["images"]) == line_count(folder / "r.jsonl") >= at_line
        assert document["videos"][0]["frames"] == len(document["images"])
        capture = cv2.VideoCapture(str(folder / "clip-emotions.mp4"))
        played = 0
        while capture.read()[0]:
            played += 1
        capture.release()
        assert at_line <= played <= len(document["images"])


def signalled_during(
    folder: Path, words: list[str], moment: Callable[[], bool], ending: Ending
) -> str:
    """Signal a command at a moment; check its exit code, and that nothing temporary is left.

    Returns:
        What it printed to standard error before the line of the signal.
    """
    sent, code, by = ending
    run = SignalledRun(folder, *words, quick=words[0] == "train")
    run.wait_until(moment)
    returncode, _, stderr = run.end(sent)
    *before, last = stderr.splitlines()
    assert (returncode, last) == (code, f"interrupted{by}")
    assert run.left_after(LEFT_AFTER_S) == []
    assert run.partials() == []
    return "\n".join(before)


@KILLS
def test_prepare_data(tmp_path: Path, chance: random.Random, kills: int) -> None:
    images = 4000
    source = make_images(tmp_path / "source", {"happy": images // 2, "sad": images // 2})
    finished(tmp_path, "prepare-data", source, "--no-report", "--out", "whole")
    for number in range(kills):
        folder = tmp_path / f"run{number}"
        folder.mkdir()
        work = folder / ".data.emorec-partial"
        written = chance.randrange(1, images // 4)

        def moment(work: Path = work, written: int = written) -> bool:
            try:
                return sum(1 for _ in work.rglob("*.png")) >= written
            except FileNotFoundError:  # folders are removed and renamed meanwhile
                return False

        words = ["prepare-data", str(source), "--no-report", "--out", "data"]
        signalled_during(folder, words, moment, ENDINGS[number % len(ENDINGS)])
        assert list(folder.iterdir()) == []
        finished(folder, *words)
        assert tree(folder / "data") == tree(tmp_path / "whole")


@KILLS
def test_train(tiny_data: Path, tmp_path: Path, chance: random.Random, kills: int) -> None:
    from helpers.everything import quick_compact, settings  # imports Keras

    from emorec.training.runner import resume, train

    epochs = 10
    setting = settings(epochs=epochs, patience=epochs)
    config = tmp_path / "config.yaml"
    config.write_text(setting.to_yaml())
    words = ["train", "--config", str(config), "--data", str(tiny_data)]
    with quick_compact():
        whole = train(setting, tiny_data, tmp_path / "whole").folder
    for number in range(kills):
        folder = tmp_path / f"run{number}"
        folder.mkdir()
        done = chance.randrange(1, epochs // 2)

        def moment(folder: Path = folder, done: int = done) -> bool:
            return any(line_count(path) > done for path in folder.glob("runs/*/history.csv"))

        stderr = signalled_during(folder, words, moment, ENDINGS[number % len(ENDINGS)])
        (run,) = (folder / "runs").iterdir()
        assert stderr.endswith(f"resume with: emorec train --resume runs/{run.name}")
        assert (run / "model.onnx").is_file()
        with quick_compact():  # in this process: starting one takes longer than the training
            assert resume(run) is not None
        assert (run / "history.csv").read_text() == (whole / "history.csv").read_text()


@pytest.mark.slow
def test_a_signal_that_is_ignored_at_the_start_stays_ignored(photos: Path, tmp_path: Path) -> None:
    run = SignalledRun(tmp_path, *detect_words(photos), ignored=signal.SIGHUP)
    run.wait_until(lambda: line_count(tmp_path / "r.jsonl") >= 3)
    code, _, stderr = run.end(signal.SIGHUP)
    assert (code, stderr) == (0, "")
    assert line_count(tmp_path / "r.jsonl") == IMAGES
