"""What is reported, also when a run is interrupted, killed or resumed."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.detect_command import (
    TwoFacesDetector,
    enter_workplace,
    make_clip,
    names,
    run,
    write_gray,
)
from helpers.onnx_models import METADATA, write_tiny_model
from PIL import Image

from emorec.cli.detect import results
from emorec.cli.status_lines import line_progress
from emorec.detection import yunet


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch) -> None:
    enter_workplace(tmp_path, monkeypatch, TwoFacesDetector)


def test_many_written_files_are_counted():
    images = [write_gray(f"{number}.jpg", 0) for number in range(30)]
    assert run(*images).stdout.splitlines()[-1] == "wrote 30 files"


@pytest.mark.parametrize("options", [(), ("--workers", "1")])
def test_notes_are_no_errors(options):
    page = Image.new("L", (120, 100))
    page.save("a.tif", save_all=True, append_images=[page, page])
    result = run("a.tif", "--no-save", *options)
    assert result.exit_code == 0
    assert result.stderr == "warning: a.tif: page 1 of 3 was read\n"


@pytest.mark.parametrize(("images", "calibrated"), [(None, None), (18, False), (50, True)])
def test_a_confidence_that_is_not_calibrated_is_said_once(
    images: int | None, calibrated: bool | None
):
    model = METADATA.replaced(calibration_images=images)
    words = ("--model", str(write_tiny_model(Path("own.onnx"), model)), "--json-file", "r.json")
    result = run(write_gray("a.jpg"), write_gray("b.jpg"), "--no-save", *words)
    assert result.exit_code == 0
    said = result.stderr.count("note: own.onnx: confidence not calibrated: the model had 18 ")
    assert said == (1 if calibrated is False else 0)
    assert json.loads(Path("r.json").read_text())["model"]["calibrated"] is calibrated


@pytest.mark.parametrize(
    "options", [("--detector", "none"), ("--detector", "none", "--workers", "1")]
)
def test_bars_and_labels_that_are_not_drawn_are_counted(options):
    """Nothing is beside a face that fills its image; one of 20x20 is too small for a label."""
    images = [write_gray("a.jpg"), write_gray("b.jpg")]
    small = np.full((20, 20, 3), 90, np.uint8)
    cv2.imwrite("small.png", small)
    reason = "they would hide faces or labels, or not fit into the image"
    bars = f"note: bars of 3 faces not drawn: {reason}\n"
    labels = "note: labels of 1 face not drawn: the image is too small for readable text\n"
    assert run(*images, "small.png", "--bars", *options).stderr == bars + labels
    assert run(*images, *options).stderr == ""
    assert run(*images, "small.png", "--no-save", *options).stderr == ""


def test_bars_that_are_not_drawn_in_a_video():
    result = run(make_clip("clip.avi", frames=3), "--bars")
    assert result.exit_code == 0
    assert "note: clip.avi: bars of 6 faces not drawn: " in result.stderr
    assert "image (counted in each frame)\n" in result.stderr


OWN_LABELS = ("m\xfcde", "\U000f0000", "b", "c", "d", "e", "f", "g")


@pytest.mark.parametrize(
    ("arguments", "noted"),
    [(["a.jpg"], True), (["a.jpg", "--no-save"], False), (["folder"], False)],
)
def test_labels_that_no_font_has_are_noted_once(arguments, noted):
    write_gray("folder/b.jpg"), write_gray("a.jpg")
    model = write_tiny_model(Path("own.onnx"), METADATA.replaced(labels=OWN_LABELS))
    result = run(*arguments, "--model", str(model))
    assert result.exit_code == 0
    note = (
        r"note: labels drawn with escapes such as \U000f0000: ?; no installed font has these "
        "characters; install one, such as a Noto font\n"
    )
    assert result.stderr == note * noted


def test_progress_over_images_and_videos_without_a_terminal(monkeypatch):
    class SlowDetector(TwoFacesDetector):
        def detect(self, image_bgr):
            time.sleep(0.02)
            return super().detect(image_bgr)

    monkeypatch.setattr(yunet, "YuNetDetector", SlowDetector)
    monkeypatch.setattr(results, "line_progress", partial(line_progress, seconds=0.02))
    images = [write_gray(f"{number}.jpg") for number in range(20)]
    result = run(*images, make_clip("a.mp4"), make_clip("b.mp4"), "--no-save")
    assert result.exit_code == 0
    for name, unit in (("detecting faces", "images"), (r"b.mp4 \(2 of 2\)", "frames")):
        line = rf"{name}: \d+ of 20, [\d.]+ {unit}/s, \d:\d\d left\n"
        assert re.search(line, result.stderr)


def test_resume():
    images = [write_gray(f"{number}.jpg") for number in range(5)]
    assert run(*images, "--jsonl", "a.jsonl", "--csv", "a.csv", "--no-save").exit_code == 0
    whole = Path("a.jsonl").read_bytes(), Path("a.csv").read_bytes()
    Path("a.jsonl").write_bytes(whole[0][: len(whole[0]) // 2])
    result = run(*images, "--jsonl", "a.jsonl", "--csv", "a.csv", "--no-save", "--resume")
    assert result.exit_code == 0
    assert "resuming: 1 of 5 are done" in result.stderr
    assert (Path("a.jsonl").read_bytes(), Path("a.csv").read_bytes()) == whole


def test_resume_remembers_what_failed():
    Path("bad.jpg").write_text("no image")
    images = "bad.jpg", write_gray("a.jpg"), write_gray("b.jpg")
    assert run(*images, "--csv", "a.csv").exit_code == 1
    result = run(*images, "--csv", "a.csv", "--resume")
    assert result.exit_code == 1
    assert "bad.jpg" not in result.stderr


class InterruptedDetector(TwoFacesDetector):
    """Gets a Ctrl-C at the third image."""

    count = 0

    def detect(self, image_bgr):
        InterruptedDetector.count += 1
        if InterruptedDetector.count == 3:
            raise KeyboardInterrupt
        return super().detect(image_bgr)


def test_ctrl_c_keeps_the_results_so_far(monkeypatch):
    monkeypatch.setattr(yunet, "YuNetDetector", InterruptedDetector)
    images = [write_gray(f"{number}.jpg") for number in range(40)]
    InterruptedDetector.count = 0
    result = run(*images, "--json-file", "a.json", "--jsonl", "a.jsonl", "--no-save")
    assert result.exit_code == 130
    assert result.stderr == "interrupted\n"
    done = json.loads(Path("a.json").read_text())["images"]
    assert len(done) <= 40 - 1
    assert len(Path("a.jsonl").read_text().splitlines()) == len(done)


def test_a_full_disk_ends_the_run_with_one_line():
    Path("full.jsonl").symlink_to("/dev/full")
    result = run(write_gray("a.jpg"), write_gray("b.jpg"), "--jsonl", "full.jsonl", "--no-save")
    assert result.exit_code == 4
    assert result.stderr == "error: full.jsonl: cannot write: No space left on device\n"


@pytest.mark.slow
@pytest.mark.parametrize("how", [(), ("--workers", "2")])
def test_a_real_ctrl_c_keeps_the_results_so_far(tmp_path: Path, how):
    for number in range(600):
        write_gray(f"f/{number:03}.png", number % 250)
    texts = ("--json-file", "a.json", "--jsonl", "a.jsonl")
    command = [sys.executable, "-m", "emorec", "detect", "f", *texts, *how]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            while not Path("a.jsonl").exists() or Path("a.jsonl").stat().st_size < 5000:
                assert process.poll() is None
                time.sleep(0.01)
            os.killpg(process.pid, signal.SIGINT)
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()  # leaving the block would wait for it, for ever if it hangs
    assert (process.returncode, errors) == (130, "interrupted\n")
    images = json.loads(Path("a.json").read_text())["images"]
    assert 10 < len(images) < 600
    assert len(Path("a.jsonl").read_text().splitlines()) == len(images)
    assert names() == ["a.json", "a.jsonl", "f"]


@pytest.mark.slow
def test_a_killed_run_leaves_complete_lines_and_can_be_resumed(tmp_path: Path):
    for number in range(400):
        write_gray(f"f/{number:03}.png", number % 250)
    command = [
        sys.executable,
        "-m",
        "emorec",
        "detect",
        "f",
        "--jsonl",
        "a.jsonl",
        "--csv",
        "a.csv",
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment) as process:
        while not Path("a.jsonl").exists() or Path("a.jsonl").stat().st_size < 5000:
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
    lines = Path("a.jsonl").read_text().splitlines()
    assert 10 < len(lines) < 400
    assert all(json.loads(line)["status"] for line in lines)
    subprocess.run([*command, "--resume"], stdout=subprocess.DEVNULL, env=environment, check=True)
    records = [json.loads(line) for line in Path("a.jsonl").read_text().splitlines()]
    assert [record["source"] for record in records] == [f"f/{n:03}.png" for n in range(400)]
