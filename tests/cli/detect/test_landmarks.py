"""Landmarks of the faces: in the records, drawn, and used to rotate the crops."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.detect_command import enter_workplace, lines, make_clip, names, run
from helpers.onnx_models import METADATA, write_tiny_model

from emorec import resources
from emorec.types import LANDMARK_NAMES, Box, Face, Landmarks

ON_ITS_SIDE = Landmarks((50, 30), (50, 70), (40, 50), (30, 35), (30, 65))
"""A face that is rotated clockwise by 90 degrees."""

ASTRONAUT = Path(__file__).resolve().parents[3] / "examples" / "astronaut.jpg"


class SidewaysDetector:
    """Detects a face on its side, and one without landmarks, in every image."""

    def __init__(self, model=None, **options):
        pass

    def detect(self, image_bgr):
        first = Face(Box(20, 20, 60, 60), "stub", 2.5, ON_ITS_SIDE)
        return [first, Face(Box(20, 20, 60, 60), "stub", 1.5)]


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch) -> None:
    enter_workplace(tmp_path, monkeypatch, SidewaysDetector)
    noise = np.random.default_rng(0).integers(0, 256, (100, 120, 3), np.uint8)
    cv2.imwrite("photo.png", noise)


def test_records():
    result = run(
        "photo.png", "--no-save", "--json-file", "r.json", "--jsonl", "r.jsonl", "--csv", "r.csv"
    )
    assert (result.exit_code, result.stderr) == (0, "")
    (image,) = json.loads(Path("r.json").read_text())["images"]
    assert lines() == [{"schema_version": 3, **image}]
    first, second = image["faces"]
    assert first["landmarks"] == {name: list(point) for name, point in ON_ITS_SIDE.points.items()}
    assert second["landmarks"] is None
    with Path("r.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(rows[0][f"{name}_y"]) for name in LANDMARK_NAMES] == [30, 70, 50, 35, 65]
    assert [rows[1][f"{name}_x"] for name in LANDMARK_NAMES] == [""] * 5


@pytest.mark.parametrize("options", [("--max-side", "60"), ("--roi", "10,0,110,100")])
def test_records_are_in_pixels_of_the_full_image(options):
    run("photo.png", "--no-save", "--jsonl", "r.jsonl", *options)
    nose = lines()[0]["faces"][0]["landmarks"]["nose"]
    assert nose == ([80, 100] if "--max-side" in options else [50, 50])


def test_landmarks_are_drawn():
    run("photo.png", "--save", "plain")
    run("photo.png", "--save", "marked", "--landmarks")
    plain, marked = (
        cv2.imread(f"{folder}/photo-emotions.jpg").astype(int) for folder in ("plain", "marked")
    )
    for x, y in ON_ITS_SIDE.points.values():
        around = slice(int(y) - 3, int(y) + 4), slice(int(x) - 3, int(x) + 4)
        assert np.abs(plain[around] - marked[around]).max() > 60
    assert np.abs(plain[45:60, 60:75] - marked[45:60, 60:75]).max() < 40


def test_landmarks_are_drawn_into_videos():
    clip = make_clip(frames=3)
    run(clip, "--save", "plain")
    run(clip, "--save", "marked", "--landmarks")
    frames = [
        cv2.VideoCapture(f"{folder}/clip-emotions.avi").read()[1].astype(int)
        for folder in ("plain", "marked")
    ]
    assert np.abs(frames[0] - frames[1]).max() > 60


@pytest.mark.parametrize(
    ("options", "default", "rotated"),
    [
        ((), False, False),
        ((), True, True),
        (("--align", "auto"), True, True),
        (("--align", "on"), False, True),
        (("--align", "off"), True, False),
    ],
)
def test_alignment(tmp_path: Path, monkeypatch, options, default, rotated):
    """The crops are those that the model classifies: rotated crops have other probabilities."""
    shipped = write_tiny_model(tmp_path / "align.onnx", METADATA.replaced(align=default))
    monkeypatch.setattr(resources, "shipped_model", lambda: shipped)
    run("photo.png", "--no-save", "--crops", "crops", "--jsonl", "r.jsonl", *options)
    tilted, without = (cv2.imread(f"crops/photo-face{number}.png") for number in (1, 2))
    np.testing.assert_array_equal(tilted, np.rot90(without) if rotated else without)
    first, second = lines()[0]["faces"]
    assert (first["probabilities"] != second["probabilities"]) == rotated


@pytest.mark.parametrize("detector", ["haar", "none"])
@pytest.mark.parametrize("options", [("--landmarks",), ("--align", "on")])
def test_a_detector_without_landmarks(detector, options):
    result = run("photo.png", "--detector", detector, *options)
    assert (result.exit_code, result.stdout) == (2, "")
    needs = f"{' '.join(options)} needs landmarks, which --detector {detector} does not return"
    assert f"{needs}; use --detector yunet" in result.stderr
    assert names() == ["photo.png"]
    assert run("photo.png", "--detector", detector, "--align", "auto").exit_code == 0


def test_a_run_of_schema_version_2_is_resumed():
    cv2.imwrite("second.png", cv2.imread("photo.png"))
    old = {"source": "photo.png", "frame": None, "status": "ok"}
    begun = [{"schema_version": 2, **old}, {"schema_version": 2, **old, "source": "second.png"}]
    Path("r.jsonl").write_text("".join(json.dumps(line) + "\n" for line in begun))
    result = run("photo.png", "second.png", "--no-save", "--jsonl", "r.jsonl", "--resume")
    assert result.exit_code == 0
    assert result.stderr == (
        "note: resuming: 1 of 2 are done\n"
        "note: r.jsonl: continued in its schema version 2, which has no landmarks\n"
    )
    first, second = lines()
    assert first == begun[0]
    assert (second["schema_version"], second["source"]) == (2, "second.png")
    assert all("landmarks" not in face for face in second["faces"])


@pytest.mark.slow
def test_processes_return_landmarks(tmp_path: Path, monkeypatch):
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    command = (str(ASTRONAUT), str(ASTRONAUT), "--no-save")
    assert run(*command, "--jsonl", "threads.jsonl").exit_code == 0
    assert run(*command, "--jsonl", "workers.jsonl", "--workers", "2").exit_code == 0
    assert lines("threads.jsonl") == lines("workers.jsonl")
    assert lines("threads.jsonl")[0]["faces"][0]["landmarks"] is not None
