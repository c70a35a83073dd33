import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from helpers.onnx_models import METADATA, write_tiny_model

from emorec import resources
from emorec.cli.main import main
from emorec.detection import haar, yunet
from emorec.detection.haar import HaarDetector
from emorec.labels import EMOTIONS_7, EMOTIONS_8
from emorec.models import registry
from emorec.types import Box, Face

FACES = [Face(Box(10, 20, 40, 40), "stub", 2.5), Face(Box(60, 20, 30, 30), "stub", 1.5)]


class StubDetector:
    """Finds two faces in every picture that is not black."""

    def __init__(self, **options):
        self.options = options

    def detect(self, image_bgr):
        return FACES if image_bgr.any() else []


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch) -> Path:
    """An empty current folder, a tiny model as the shipped one, and a stub of the detector."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    shipped = write_tiny_model(tmp_path / "shipped.onnx")
    monkeypatch.setattr(resources, "shipped_model", lambda: shipped)
    monkeypatch.setattr(haar, "HaarDetector", StubDetector)
    return folder


def picture(path: str | Path, value: int = 90) -> str:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((100, 120, 3), value, np.uint8))
    return str(path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["detect", *arguments])


def names() -> list[str]:
    return sorted(path.name for path in Path().iterdir())


def test_without_images():
    assert run().exit_code == 2


def test_no_face_is_a_result():
    result = run(picture("black.jpg", 0))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines()[1].split() == ["black.jpg", "-", "no", "face"]
    assert names() == ["black-emotions.jpg", "black.jpg"]


def test_the_table_and_the_picture():
    result = run(picture("photo.jpg"))
    assert (result.exit_code, result.stderr) == (0, "")
    header, first, second, wrote = result.stdout.splitlines()
    assert header.split() == ["file", "face", "box", "emotion", "confidence"]
    assert first.split()[:4] == ["photo.jpg", "1", "10,20", "40x40"]
    assert second.split()[:4] == ["photo.jpg", "2", "60,20", "30x30"]
    assert first.split()[4] in EMOTIONS_7
    assert first.endswith("%")
    assert len({len(line) for line in (header, first, second)}) == 1
    assert wrote == "wrote photo-emotions.jpg"
    drawn, plain = (cv2.imread(name) for name in ("photo-emotions.jpg", "photo.jpg"))
    assert drawn.shape == plain.shape
    assert np.abs(drawn[20:60, 5:10].astype(int) - plain[20:60, 5:10]).max() > 30


def test_options_reach_the_detector(monkeypatch):
    made = []
    monkeypatch.setattr(haar, "HaarDetector", lambda **a: made.append(a) or StubDetector())
    options = ("--cascade", "default", "--scale-factor", "1.3", "--min-neighbors", "7")
    options += ("--min-size", "50", "--profile", "--min-score", "1.5")
    assert run(picture("a.jpg"), *options).exit_code == 0
    assert made == [
        {
            "cascade": "default",
            "scale_factor": 1.3,
            "min_neighbors": 7,
            "min_size": 50,
            "profile": True,
            "min_score": 1.5,
        }
    ]


def test_yunet_takes_a_file_or_the_fetched_model(monkeypatch, tmp_path):
    made = []

    def make(model, **options):
        made.append((model, options))
        return StubDetector()

    monkeypatch.setattr(yunet, "YuNetDetector", make)
    monkeypatch.setattr(registry, "detector_model", lambda name: f"fetched {name}")
    given = ("--detector-model", "my.onnx", "--min-score", "0.5", "--min-size", "9")
    assert run(picture("a.jpg"), "--detector", "yunet", *given).exit_code == 0
    assert run("a.jpg", "--detector", "yunet").exit_code == 0
    assert made == [
        (Path("my.onnx"), {"min_score": 0.5, "min_size": 9}),
        ("fetched yunet", {}),
    ]


def test_without_a_fetched_model_the_command_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv(resources.CACHE_FOLDER_VARIABLE, str(tmp_path / "nothing"))
    result = run(picture("a.jpg"), "--detector", "yunet")
    assert (result.exit_code, result.stdout) == (5, "")
    assert "emorec models pull yunet" in result.stderr


def test_none_takes_the_picture_for_the_face():
    result = run(picture("a.jpg"), "--detector", "none", "--json", "-")
    (face,) = json.loads(result.stdout)["images"][0]["faces"]
    assert (face["box"], face["detector"]) == ([0, 0, 120, 100], "none")


@pytest.mark.parametrize(
    ("detector", "option", "value"),
    [
        ("yunet", "--cascade", "alt2"),
        ("yunet", "--scale-factor", "1.2"),
        ("yunet", "--min-neighbors", "3"),
        ("haar", "--detector-model", "yunet.onnx"),
        ("none", "--min-size", "30"),
        ("none", "--min-score", "0.5"),
    ],
)
def test_options_of_another_detector_are_refused(detector, option, value):
    result = run(picture("a.jpg"), "--detector", detector, option, value)
    assert result.exit_code == 2
    assert f"{option} goes with --detector" in result.stderr
    assert names() == ["a.jpg"]


def test_no_picture_is_written_over_a_file_of_the_detector():
    model = picture("net.onnx.jpg")
    result = run("a.jpg", "--detector", "yunet", "--detector-model", model, "--json", model)
    assert result.exit_code == 2
    assert f"would be written over {model}" in result.stderr


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--scale-factor", "1"),
        ("--min-neighbors", "0"),
        ("--min-size", "0"),
        ("--classes", "6"),
        ("--prior", "even"),
        ("--prior", "-1"),
        ("--min-confidence", "1.1"),
    ],
)
def test_values_out_of_range(option, value):
    result = run(picture("a.jpg"), option, value)
    assert result.exit_code == 2
    assert names() == ["a.jpg"]


def test_a_cascade_that_is_not_there(monkeypatch):
    monkeypatch.setattr(haar, "HaarDetector", HaarDetector)
    result = run(picture("a.jpg"), "--cascade", "none.xml")
    assert (result.exit_code, result.stdout) == (5, "")
    assert result.stderr.startswith("error: none.xml: no such cascade")
    assert names() == ["a.jpg"]


# Unreadable files


def broken_files() -> dict[str, bytes]:
    noise = np.random.default_rng(0).integers(0, 256, (50, 50, 3)).astype(np.uint8)
    png = cv2.imencode(".png", noise)[1].tobytes()
    return {
        "empty.jpg": b"",
        "text.jpg": b"this is text",
        "half.png": png[: len(png) // 2],
        "begun.png": png[:40],
    }


@pytest.mark.parametrize("name", [*broken_files(), "missing.jpg", "folder.jpg"])
def test_an_unreadable_file_does_not_stop_the_others(capfd, name):
    first, last = picture("first.jpg"), picture("last.jpg", 0)
    if name in broken_files():
        Path(name).write_bytes(broken_files()[name])
    elif name == "folder.jpg":
        Path(name).mkdir()
    before = names()
    result = run(first, name, last, "--json", "faces.json")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith(f"error: {name}: ")
    assert capfd.readouterr() == ("", "")  # nothing of libpng's past Python
    assert [line.split()[0] for line in result.stdout.splitlines()[1:4]] == [
        "first.jpg",
        "first.jpg",
        "last.jpg",
    ]
    added = ["faces.json", "first-emotions.jpg", "last-emotions.jpg"]
    assert names() == sorted([*before, *added])
    images = json.loads(Path("faces.json").read_text())["images"]
    assert [(image["source"], image["status"]) for image in images] == [
        ("first.jpg", "ok"),
        (name, "unreadable"),
        ("last.jpg", "no_face"),
    ]


def test_every_file_unreadable():
    result = run("a.jpg", "b.jpg", "--json", "-")
    assert result.exit_code == 1
    assert [i["status"] for i in json.loads(result.stdout)["images"]] == ["unreadable"] * 2
    assert names() == []


def test_names_do_not_steer_the_terminal():
    result = run(picture("a\x1b[31m\nb.jpg"), "no\x1b[0msuch.jpg")
    assert "\x1b" not in result.output
    assert result.stderr == "error: no?[0msuch.jpg: no such file\n"


# JSON


def test_json_to_standard_output_is_all_there_is():
    result = run(picture("photo.jpg"), "--json", "-", "--no-save")
    assert (result.exit_code, result.stderr) == (0, "")
    document = json.loads(result.stdout)
    assert document["model"] == {"name": "tiny", "version": "1", "labels": list(EMOTIONS_7)}
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


def test_eight_classes():
    result = run(picture("photo.jpg"), "--json", "-", "--no-save", "--classes", "8")
    document = json.loads(result.stdout)
    assert document["model"]["labels"] == list(EMOTIONS_8)
    assert list(document["images"][0]["faces"][0]["probabilities"]) == list(EMOTIONS_8)


def test_an_uncertain_face_keeps_its_emotion_and_says_so():
    plain, doubted = (
        run(picture("photo.jpg"), "--json", "faces.json", "--min-confidence", least)
        for least in ("0", "1")
    )
    marked = plain.stdout.replace("%\n", "%  uncertain\n")
    assert doubted.stdout == marked != plain.stdout
    faces = json.loads(Path("faces.json").read_text())["images"][0]["faces"]
    assert [face["uncertain"] for face in faces] == [True, True]
    assert all(face["confidence"] == face["probabilities"][face["emotion"]] for face in faces)


def test_the_prior_of_a_model_that_knows_it(tmp_path: Path):
    metadata = METADATA.replaced(prior=(0.65, *[0.05] * 7))
    model = write_tiny_model(tmp_path / "prior.onnx", metadata)

    def odds(*options: str) -> float:
        words = (picture("photo.jpg"), "--json", "-", "--no-save", "--model", str(model))
        face = json.loads(run(*words, *options).stdout)["images"][0]["faces"][0]
        return face["probabilities"]["disgust"] / face["probabilities"]["angry"]

    assert odds() == odds("--prior", "natural")
    assert odds("--prior", "balanced") == pytest.approx(13 * odds(), rel=1e-3)
    assert odds("--prior", "0.5") == pytest.approx(13**0.5 * odds(), rel=1e-3)


def test_a_prior_of_a_model_that_does_not_know_it(tmp_path: Path):
    model = write_tiny_model(tmp_path / "no.onnx", METADATA)
    result = run(picture("photo.jpg"), "--model", str(model), "--prior", "balanced")
    assert result.exit_code == 5
    assert "no.onnx: the model does not say how frequent each emotion was" in result.stderr


def test_json_to_a_file_keeps_the_table():
    result = run(picture("photo.jpg"), "--json", "faces.json")
    assert result.stdout.startswith("file ")
    assert json.loads(Path("faces.json").read_text())["images"][0]["source"] == "photo.jpg"


@pytest.mark.parametrize("target", ["nowhere/faces.json", "photo.jpg/faces.json", "."])
def test_json_where_no_file_can_be(target):
    result = run(picture("photo.jpg"), "--json", target)
    assert (result.exit_code, result.stdout) == (2, "")
    assert names() == ["photo.jpg"]


# JSON lines, CSV, crops, and more than one at a time


def test_every_output_at_once():
    images = picture("a.jpg"), picture("black.png", 0)
    texts = ("--json", "a.json", "--jsonl", "a.jsonl", "--csv", "a.csv")
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
def test_one_text_to_standard_output_is_all_there_is(option):
    result = run(picture("a.jpg"), picture("b.jpg"), option, "-", "--no-save")
    assert (result.exit_code, result.stderr) == (0, "")
    assert [("a.jpg" in line, "b.jpg" in line) for line in result.stdout.splitlines()][-1] == (0, 1)
    assert "confidence  " not in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("--json", "-", "--csv", "-"),
        ("--save", "x", "--no-save"),
        ("--resume",),
        ("--resume", "--jsonl", "-"),
        ("--resume", "--jsonl", "a.jsonl", "--json", "a.json"),
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
def test_what_makes_no_sense(arguments):
    picture("x.jpg")
    before = names()
    result = run("x.jpg", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert names() == before


def test_the_region_is_searched_alone(monkeypatch):
    seen = []

    class Detector(StubDetector):
        def detect(self, image_bgr):
            seen.append(image_bgr.shape[:2])
            return [Face(Box(1, 2, 20, 20), "stub", 1.0)]

    monkeypatch.setattr(haar, "HaarDetector", Detector)
    images = picture("a.jpg"), picture("b.jpg")
    result = run(*images, "--json", "-", "--roi", "30,40,500,50", "--max-side", "60")
    boxes = [image["faces"][0]["box"] for image in json.loads(result.stdout)["images"]]
    # 120x100 is looked at as 60x50, and the region of 90x50 as 45x25.
    assert seen == [(25, 45)] * 2
    assert boxes == [[32, 44, 40, 40]] * 2


def test_without_ray_nothing_is_lost(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "emorec.batch.ray_cluster", raising=False)
    Path("a.jsonl").write_text("old")
    result = run(picture("x.jpg"), "--jsonl", "a.jsonl", "--ray")
    assert result.exit_code == 6
    assert "pip install 'emorec[ray]'" in result.stderr
    assert Path("a.jsonl").read_text() == "old"


# Folders and lists


def test_a_folder_writes_no_pictures_unasked():
    for name in ("f/a.jpg", "f/sub/b.png", "f/sub/a.jpg"):
        picture(name)
    Path("f/text.jpg").write_text("no picture")
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


def test_many_written_pictures_are_counted():
    images = [picture(f"{number}.jpg", 0) for number in range(30)]
    assert run(*images).stdout.splitlines()[-1] == "wrote 30 files"


def test_an_empty_folder_and_a_missing_list_are_told_of():
    Path("f").mkdir()
    result = run("f", "@none.txt", picture("a.jpg"), "--json", "-")
    assert result.exit_code == 1
    assert "f: no pictures in it" in result.stderr
    assert "@none.txt: cannot read the list: No such file" in result.stderr
    statuses = [image["status"] for image in json.loads(result.stdout)["images"]]
    assert statuses == ["unreadable", "unreadable", "ok"]


def test_standard_input():
    data = cv2.imencode(".png", np.full((100, 120, 3), 90, np.uint8))[1].tobytes()
    result = CliRunner().invoke(main, ["detect", "-", "--json", "-"], input=data)
    assert json.loads(result.stdout)["images"][0]["source"] == "-"
    assert names() == ["stdin-emotions.jpg"]


# Interruptions


def test_resume():
    images = [picture(f"{number}.jpg") for number in range(5)]
    assert run(*images, "--jsonl", "a.jsonl", "--csv", "a.csv", "--no-save").exit_code == 0
    whole = Path("a.jsonl").read_bytes(), Path("a.csv").read_bytes()
    Path("a.jsonl").write_bytes(whole[0][: len(whole[0]) // 2])
    result = run(*images, "--jsonl", "a.jsonl", "--csv", "a.csv", "--no-save", "--resume")
    assert result.exit_code == 0
    assert "resuming: 1 of 5 are done" in result.stderr
    assert (Path("a.jsonl").read_bytes(), Path("a.csv").read_bytes()) == whole


def test_resume_remembers_what_failed():
    Path("bad.jpg").write_text("no picture")
    images = "bad.jpg", picture("a.jpg"), picture("b.jpg")
    assert run(*images, "--csv", "a.csv").exit_code == 1
    result = run(*images, "--csv", "a.csv", "--resume")
    assert result.exit_code == 1
    assert "bad.jpg" not in result.stderr


class InterruptedDetector(StubDetector):
    """Gets a Ctrl-C at the third picture."""

    count = 0

    def detect(self, image_bgr):
        InterruptedDetector.count += 1
        if InterruptedDetector.count == 3:
            raise KeyboardInterrupt
        return super().detect(image_bgr)


def test_ctrl_c_leaves_what_was_done(monkeypatch):
    monkeypatch.setattr(haar, "HaarDetector", InterruptedDetector)
    images = [picture(f"{number}.jpg") for number in range(40)]
    InterruptedDetector.count = 0
    result = run(*images, "--json", "a.json", "--jsonl", "a.jsonl", "--no-save")
    assert result.exit_code == 130
    assert result.stderr == "interrupted\n"
    done = json.loads(Path("a.json").read_text())["images"]
    assert len(done) <= 40 - 1
    assert len(Path("a.jsonl").read_text().splitlines()) == len(done)


def test_a_full_disk_ends_it_with_one_line():
    Path("full.jsonl").symlink_to("/dev/full")
    result = run(picture("a.jpg"), picture("b.jpg"), "--jsonl", "full.jsonl", "--no-save")
    assert result.exit_code == 4
    assert result.stderr == "error: full.jsonl: cannot write: No space left on device\n"


@pytest.mark.slow
@pytest.mark.parametrize("how", [(), ("--workers", "2")])
def test_a_real_ctrl_c_leaves_what_was_done(tmp_path: Path, how):
    for number in range(600):
        picture(f"f/{number:03}.png", number % 250)
    texts = ("--json", "a.json", "--jsonl", "a.jsonl")
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
def test_a_killed_run_leaves_whole_lines_and_goes_on(tmp_path: Path):
    for number in range(400):
        picture(f"f/{number:03}.png", number % 250)
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


# Where pictures go


def test_colliding_names_are_told_apart_and_a_rerun_overwrites_its_own():
    images = [picture("a/x.jpg"), picture("b/x.png"), picture("c/X.jpg"), picture("d/y.jpg")]
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
    assert run(picture("x.jpg"), "x.jpg").exit_code == 0
    assert names() == ["x-emotions-2.jpg", "x-emotions.jpg", "x.jpg"]


def test_another_folder_is_made():
    result = run(picture("x.jpg"), "--out", "new/folder")
    assert result.exit_code == 0
    assert [path.name for path in Path("new/folder").iterdir()] == ["x-emotions.jpg"]
    assert f"wrote {Path('new/folder/x-emotions.jpg')}" in result.stdout


def test_a_folder_that_cannot_be_made():
    Path("file").write_text("")
    result = run(picture("x.jpg"), "--out", "file/below")
    assert result.exit_code == 4
    assert names() == ["file", "x.jpg"]


def test_a_picture_that_cannot_be_written_is_reported():
    Path("x-emotions.jpg").mkdir()
    result = run(picture("x.jpg"), picture("y.jpg"), "--json", "faces.json")
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
        ("x.jpg", "--json", "x.jpg"),
        ("x.jpg", "--json", "./round/../x.jpg"),
        ("x.jpg", "--json", "x-emotions.jpg"),
        ("x.jpg", "--json", "model.onnx", "--model", "model.onnx"),
        ("x.jpg", "--json", "cascade.xml", "--cascade", "cascade.xml"),
    ],
)
def test_no_output_may_be_an_input(arguments):
    picture("x.jpg")
    picture("x-emotions.jpg", 50)
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


def test_an_input_may_stand_where_no_picture_is_written():
    images = picture("x.jpg"), picture("x-emotions.jpg")
    assert run(*images, "--no-save").exit_code == 0
    assert run(*images, "--out", "new").exit_code == 0


# The model


def test_a_run_folder_is_a_model(tmp_path: Path):
    (tmp_path / "run").mkdir()
    write_tiny_model(tmp_path / "run" / "model.onnx", METADATA.replaced(name="mine"))
    result = run(picture("x.jpg"), "--model", str(tmp_path / "run"), "--json", "-")
    assert json.loads(result.stdout)["model"]["name"] == "mine"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none.onnx", "no such model file"),
        ("empty", "no such model file"),
        ("junk.onnx", "cannot load the model"),
        ("model.keras", "emorec export model.keras"),
    ],
)
def test_no_usable_model(name, message):
    Path("empty").mkdir()
    Path("junk.onnx").write_bytes(b"junk")
    result = run(picture("x.jpg"), "--model", name, "--json", "faces.json")
    assert (result.exit_code, result.stdout) == (5, "")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert names() == ["empty", "junk.onnx", "x.jpg"]


def test_eight_classes_of_a_model_of_seven(tmp_path: Path):
    model = write_tiny_model(tmp_path / "seven.onnx", METADATA.replaced(labels=EMOTIONS_7))
    assert run(picture("x.jpg"), "--model", str(model), "--no-save").exit_code == 0
    result = run(picture("x.jpg"), "--model", str(model), "--classes", "8")
    assert result.exit_code == 3
    assert "no contempt" in result.stderr


# Real photos


@pytest.mark.real
def test_real_photos(shared_data: Path, monkeypatch):
    monkeypatch.setattr(haar, "HaarDetector", HaarDetector)
    photos = shared_data / "photos"
    Path("text.jpg").write_text("no picture")
    images = [str(photos / name) for name in ("two_people.jpg", "no-faces.jpg", "obama-720p.jpg")]
    result = run(images[0], "text.jpg", *images[1:], "--json", "-")
    assert result.exit_code == 1
    assert "text.jpg" in result.stderr
    records = json.loads(result.stdout)["images"]
    assert [len(record["faces"]) for record in records] == [2, 0, 0, 1]
    assert [record["status"] for record in records] == ["ok", "unreadable", "no_face", "ok"]


@pytest.mark.real
def test_the_shipped_model_knows_a_smile(shared_data: Path, monkeypatch):
    monkeypatch.undo()
    photo = str(shared_data / "photos" / "obama-720p.jpg")
    result = run(photo, "--no-save", "--json", "-")
    assert result.exit_code == 0
    (face,) = json.loads(result.stdout)["images"][0]["faces"]
    assert face["emotion"] == "happy"
    assert face["confidence"] > 0.5
