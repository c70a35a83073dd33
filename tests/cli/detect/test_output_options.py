"""The options for outputs: what is written, where, and what is refused."""

import csv
import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.detect_command import (
    FACES,
    TwoFacesDetector,
    enter_workplace,
    names,
    run,
    write_gray,
)
from helpers.onnx_models import write_tiny_model

from emorec.labels import EMOTIONS_7
from emorec.media.blurring import blur_faces
from emorec.outputs.formats import FORMATS
from emorec.types import BLURS


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch) -> None:
    enter_workplace(tmp_path, monkeypatch, TwoFacesDetector)


def test_json_on_standard_output_replaces_the_table():
    result = run(write_gray("photo.jpg"), "--json", "--no-save")
    assert (result.exit_code, result.stderr) == (0, "")
    document = json.loads(result.stdout)
    assert document["model"] == {
        "name": "tiny",
        "version": "1",
        "labels": list(EMOTIONS_7),
        "calibrated": None,
    }
    (image,) = document["images"]
    assert (image["width"], image["height"], image["status"]) == (120, 100, "ok")
    face = image["faces"][1]
    assert (face["box"], face["detector"], face["detector_score"]) == (
        [60, 20, 30, 30],
        "stub",
        1.5,
    )
    assert list(face["probabilities"]) == list(EMOTIONS_7)
    assert sum(face["probabilities"].values()) == pytest.approx(1)
    assert face["confidence"] == face["probabilities"][face["emotion"]]
    assert names() == ["photo.jpg"]


def test_json_to_a_file_keeps_the_table():
    result = run(write_gray("photo.jpg"), "--json-file", "faces.json")
    assert result.stdout.startswith("file ")
    assert json.loads(Path("faces.json").read_text())["images"][0]["source"] == "photo.jpg"


@pytest.mark.parametrize("target", ["nowhere/faces.json", "photo.jpg/faces.json", "."])
def test_json_to_an_impossible_path(target):
    result = run(write_gray("photo.jpg"), "--json-file", target)
    assert (result.exit_code, result.stdout) == (2, "")
    assert names() == ["photo.jpg"]


def test_every_output_at_once():
    images = write_gray("a.jpg"), write_gray("black.png", 0)
    texts = ("--json-file", "a.json", "--jsonl", "a.jsonl", "--csv", "a.csv")
    result = run(*images, *texts, "--crops", "crops", "--save", "marked")
    assert (result.exit_code, result.stderr) == (0, "")
    document = json.loads(Path("a.json").read_text())
    lines = [json.loads(line) for line in Path("a.jsonl").read_text().splitlines()]
    assert [
        {**record, "schema_version": document["schema_version"]} for record in document["images"]
    ] == lines
    with Path("a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["source"], row["face"], row["emotion"]) for row in rows] == [
        *(("a.jpg", str(n), face["emotion"]) for n, face in enumerate(lines[0]["faces"], 1)),
        ("black.png", "", ""),
    ]
    assert sorted(path.name for path in Path("crops").iterdir()) == ["a-face1.png", "a-face2.png"]
    assert cv2.imread("crops/a-face1.png").shape == (48, 48, 3)  # 40 pixels and a tenth each side
    assert len(list(Path("marked").iterdir())) == 2


@pytest.mark.parametrize("option", ["--jsonl", "--csv"])
def test_lines_on_standard_output_replace_the_table(option):
    result = run(write_gray("a.jpg"), write_gray("b.jpg"), option, "-", "--no-save")
    assert (result.exit_code, result.stderr) == (0, "")
    assert [("a.jpg" in line, "b.jpg" in line) for line in result.stdout.splitlines()][-1] == (0, 1)
    assert "confidence  " not in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("--json", "--csv", "-"),
        ("--save", "x", "--no-save"),
        ("--resume",),
        ("--resume", "--jsonl", "-"),
        ("--resume", "--jsonl", "a.jsonl", "--json-file", "a.json"),
        ("--roi", "1,2,3"),
        ("--roi", "1,2,3,x"),
        ("--roi", "-1,2,3,4"),
        ("--roi", "1,2,0,4"),
        ("--max-side", "3"),
        ("--workers", "0"),
        ("--workers", "2", "-"),
        ("--ray", "local", "-"),
        ("--csv", "none/a.csv"),
        ("--jsonl", "x.jpg"),
        ("--csv", "a.txt", "--jsonl", "./a.txt"),
    ],
)
def test_invalid_combinations(arguments):
    write_gray("x.jpg")
    before = names()
    result = run("x.jpg", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert names() == before


@pytest.mark.parametrize("row", FORMATS.values(), ids=list(FORMATS))
def test_formats_that_resume(row):
    option = "--json-file" if row.name == "json" else f"--{row.name}"
    result = run(write_gray("x.jpg"), option, "a.out", "--resume", "--no-save")
    if row.resumes:
        assert (result.exit_code, result.stderr) == (0, "note: resuming: 0 of 1 are done\n")
        return
    assert result.exit_code == 2
    assert "--resume needs --jsonl FILE or --csv FILE of the interrupted run" in result.stderr
    assert f"it does not go with {option} a.out" in result.stderr


def test_only_one_output_can_be_printed():
    result = run(write_gray("x.jpg"), "--csv=-", "--json", "--jsonl=-")
    assert result.exit_code == 2
    message = "--json, --jsonl - and --csv - print to standard output; keep one of them"
    assert message in " ".join(result.stderr.split())


def test_images_of_a_folder_are_saved_only_on_request():
    for name in ("f/a.jpg", "f/sub/b.png", "f/sub/a.jpg"):
        write_gray(name)
    Path("f/text.jpg").write_text("no image")
    result = run("f", "--csv", "faces.csv")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: f/text.jpg: ")
    assert names() == ["f", "faces.csv"]
    result = run("f", "--save", "marked")
    written = sorted(str(path) for path in Path("marked").rglob("*.jpg"))
    assert written == [
        "marked/a-emotions.jpg",
        "marked/sub/a-emotions.jpg",
        "marked/sub/b-emotions.jpg",
    ]


def test_equal_names_are_numbered_and_a_rerun_overwrites_its_own_files():
    images = [
        write_gray("a/x.jpg"),
        write_gray("b/x.png"),
        write_gray("c/X.jpg"),
        write_gray("d/y.jpg"),
    ]
    for _ in range(2):
        assert run(*images).exit_code == 0
        written = [name for name in names() if name.endswith(".jpg")]
        assert written == [
            "X-emotions-3.jpg",
            "x-emotions-2.jpg",
            "x-emotions.jpg",
            "y-emotions.jpg",
        ]


def test_the_same_image_twice():
    assert run(write_gray("x.jpg"), "x.jpg").exit_code == 0
    assert names() == ["x-emotions-2.jpg", "x-emotions.jpg", "x.jpg"]


def test_the_folder_is_created():
    result = run(write_gray("x.jpg"), "--out", "new/folder")
    assert result.exit_code == 0
    assert [path.name for path in Path("new/folder").iterdir()] == ["x-emotions.jpg"]
    assert f"wrote {Path('new/folder/x-emotions.jpg')}" in result.stdout


def test_a_folder_that_cannot_be_created():
    Path("file").write_text("")
    result = run(write_gray("x.jpg"), "--out", "file/below")
    assert result.exit_code == 4
    assert names() == ["file", "x.jpg"]


def test_an_image_that_cannot_be_written_is_reported():
    Path("x-emotions.jpg").mkdir()
    result = run(write_gray("x.jpg"), write_gray("y.jpg"), "--json-file", "faces.json")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: x-emotions.jpg: ")
    assert names() == ["faces.json", "x-emotions.jpg", "x.jpg", "y-emotions.jpg", "y.jpg"]
    assert [i["status"] for i in json.loads(Path("faces.json").read_text())["images"]] == ["ok"] * 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("x.jpg", "x-emotions.jpg"),
        ("x-emotions.jpg", "x.jpg"),
        ("x.jpg", "./link.jpg"),
        ("x.jpg", "hard.jpg"),
        ("x.jpg", "--out", "round/..", "x-emotions.jpg"),
        ("x.jpg", "--json-file", "x.jpg"),
        ("x.jpg", "--json-file", "./round/../x.jpg"),
        ("x.jpg", "--json-file", "x-emotions.jpg"),
        ("x.jpg", "--json-file", "model.onnx", "--model", "model.onnx"),
        ("x.jpg", "--json-file", "cascade.xml", "--cascade", "cascade.xml"),
    ],
)
def test_no_output_overwrites_an_input(arguments):
    write_gray("x.jpg")
    write_gray("x-emotions.jpg", 50)
    Path("round").mkdir()
    Path("link.jpg").symlink_to("x-emotions.jpg")
    os.link("x-emotions.jpg", "hard.jpg")
    write_tiny_model(Path("model.onnx"))
    Path("cascade.xml").write_text("<a/>")
    before = {path.name: path.read_bytes() for path in Path().iterdir() if path.is_file()}
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "would be written over" in result.stderr
    assert {path.name: path.read_bytes() for path in Path().iterdir() if path.is_file()} == before


@pytest.mark.parametrize(
    ("option", "name", "better"),
    [
        ("--csv", "out.xlsx", "out.csv"),
        ("--json-file", "x.csv", "x.json"),
        ("--jsonl", "x.json", "x.jsonl"),
    ],
)
def test_the_suffix_of_another_format_is_refused(option, name, better):
    result = run(write_gray("x.jpg"), option, name)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{option}: {name}: the suffix {Path(name).suffix} belongs to another format" in (
        result.stderr
    )
    assert f"name it {better}" in result.stderr
    assert names() == ["x.jpg"]


def test_an_output_that_cannot_be_opened_leaves_the_others_as_they_are():
    Path("r.json").write_text("old")
    Path("r.csv").symlink_to("none/r.csv")
    result = run(write_gray("x.jpg"), "--no-save", "--json-file", "r.json", "--csv", "r.csv")
    assert result.exit_code == 4
    assert result.stderr == "error: r.csv: cannot write: No such file or directory\n"
    assert Path("r.json").read_text() == "old"
    assert names() == ["r.csv", "r.json", "x.jpg"]


def test_images_of_long_names():
    stem = "x" * 251
    result = run(write_gray(f"{stem}.jpg"), "--crops", "crops")
    assert (result.exit_code, result.stderr) == (0, "")
    marked = [name for name in names() if name.endswith("-emotions.jpg")]
    assert [len(name) for name in marked] == [255]
    assert sorted(path.name[-10:] for path in Path("crops").iterdir()) == [
        "-face1.png",
        "-face2.png",
    ]


def test_an_input_may_have_the_name_of_an_output_that_is_not_written():
    images = write_gray("x.jpg"), write_gray("x-emotions.jpg")
    assert run(*images, "--no-save").exit_code == 0
    assert run(*images, "--out", "new").exit_code == 0


@pytest.mark.parametrize("method", BLURS)
def test_blurred_images_and_crops(method):
    """The emotions are those of the faces before blurring."""
    path = "x.png"
    noise = np.random.default_rng(0).integers(1, 256, (100, 120, 3), np.uint8)
    cv2.imwrite(path, noise)
    plain = run(path, "--no-save", "--crops", "plain", "--jsonl", "plain.jsonl")
    blurred = run(path, "--blur", method, "--crops", "crops", "--jsonl", "r.jsonl")
    assert (plain.exit_code, blurred.exit_code) == (0, 0)
    assert Path("r.jsonl").read_text() == Path("plain.jsonl").read_text()
    for name in ("x-face1.png", "x-face2.png"):
        before, after = (
            cv2.imread(f"{folder}/{name}").astype(int) for folder in ("plain", "crops")
        )
        assert before.shape == after.shape
        assert (before == after).all(2).mean() < 0.05
    marked = cv2.imread("x-emotions.jpg").astype(int)
    expected = blur_faces(noise, [face.box for face in FACES], method).astype(int)
    # Between the lines and labels.
    assert np.abs(marked - expected)[25:45, 20:40].mean() < 15


def test_an_unknown_blur():
    result = run(write_gray("x.jpg"), "--blur", "smear")
    assert (result.exit_code, names()) == (2, ["x.jpg"])
    assert "'smear' is not one of" in result.stderr
    assert "'pixelate', 'gaussian', 'box'" in result.stderr
