"""The command as a whole: sources, detectors, models, unreadable files."""

import gc
import json
import sys
import threading
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from helpers.detect_command import (
    TwoFacesDetector,
    enter_workplace,
    names,
    run,
    write_gray,
)
from helpers.onnx_models import METADATA, write_symmetric_model, write_tiny_model

from emorec.cli.main import main
from emorec.detection import haar, yunet
from emorec.detection.yunet import YuNetDetector
from emorec.inference.classifier import EmotionClassifier
from emorec.installation import install_command
from emorec.labels import EMOTIONS_7, EMOTIONS_8
from emorec.models.registry import SUMS
from emorec.types import Box, Face


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch) -> None:
    enter_workplace(tmp_path, monkeypatch, TwoFacesDetector)


def test_without_images():
    assert run().exit_code == 2


def test_an_image_without_a_face_is_not_an_error():
    result = run(write_gray("black.jpg", 0))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines()[1].split() == ["black.jpg", "-", "no", "face"]
    assert names() == ["black-emotions.jpg", "black.jpg"]


def test_the_table_and_the_annotated_image():
    result = run(write_gray("photo.jpg"))
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
    monkeypatch.setattr(haar, "HaarDetector", lambda **a: made.append(a) or TwoFacesDetector())
    options = (
        "--detector",
        "haar",
        "--cascade",
        "default",
        "--scale-factor",
        "1.3",
        "--min-neighbors",
        "7",
    )
    options += ("--min-size", "50", "--profile", "--min-score", "1.5")
    assert run(write_gray("a.jpg"), *options).exit_code == 0
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


def test_yunet_uses_a_file_or_its_own(monkeypatch):
    made = []

    def make(model, **options):
        made.append((model, options))
        return TwoFacesDetector()

    monkeypatch.setattr(yunet, "YuNetDetector", make)
    given = ("--detector-model", "my.onnx", "--min-score", "0.5", "--min-size", "9")
    assert run(write_gray("a.jpg"), *given).exit_code == 0
    assert run("a.jpg", "--detector", "yunet").exit_code == 0
    assert run("a.jpg").exit_code == 0
    assert made == [
        (Path("my.onnx"), {"min_score": 0.5, "min_size": 9}),
        (None, {}),
        (None, {}),
    ]


def test_none_uses_the_whole_image():
    result = run(write_gray("a.jpg"), "--detector", "none", "--json")
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
    result = run(write_gray("a.jpg"), "--detector", detector, option, value)
    assert result.exit_code == 2
    assert f"{option} goes with --detector" in result.stderr
    assert names() == ["a.jpg"]


def test_no_output_overwrites_a_file_of_the_detector():
    model = write_gray("net.onnx.jpg")
    result = run("a.jpg", "--detector", "yunet", "--detector-model", model, "--json-file", model)
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
    result = run(write_gray("a.jpg"), option, value)
    assert result.exit_code == 2
    assert names() == ["a.jpg"]


def test_a_missing_cascade():
    result = run(write_gray("a.jpg"), "--detector", "haar", "--cascade", "none.xml")
    assert (result.exit_code, result.stdout) == (5, "")
    assert result.stderr.startswith("error: none.xml: no such cascade")
    assert names() == ["a.jpg"]


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
    first, last = write_gray("first.jpg"), write_gray("last.jpg", 0)
    if name in broken_files():
        Path(name).write_bytes(broken_files()[name])
    elif name == "folder.jpg":
        Path(name).mkdir()
    before = names()
    result = run(first, name, last, "--json-file", "faces.json")
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
    result = run("a.jpg", "b.jpg", "--json")
    assert result.exit_code == 1
    assert [i["status"] for i in json.loads(result.stdout)["images"]] == ["unreadable"] * 2
    assert names() == []


def test_names_cannot_control_the_terminal():
    result = run(write_gray("a\x1b[31m\nb.jpg"), "no\x1b[0msuch.jpg")
    assert "\x1b" not in result.output
    assert result.stderr == "error: no?[0msuch.jpg: no such file\n"


def test_eight_classes():
    result = run(write_gray("photo.jpg"), "--json", "--no-save", "--classes", "8")
    document = json.loads(result.stdout)
    assert document["model"]["labels"] == list(EMOTIONS_8)
    assert list(document["images"][0]["faces"][0]["probabilities"]) == list(EMOTIONS_8)


def test_an_uncertain_face_keeps_its_emotion_and_says_so():
    plain, doubted = (
        run(write_gray("photo.jpg"), "--json-file", "faces.json", "--min-confidence", least)
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
        words = (write_gray("photo.jpg"), "--json", "--no-save", "--model", str(model))
        face = json.loads(run(*words, *options).stdout)["images"][0]["faces"][0]
        return face["probabilities"]["disgust"] / face["probabilities"]["angry"]

    assert odds() == odds("--prior", "natural")
    assert odds("--prior", "balanced") == pytest.approx(13 * odds(), rel=1e-3)
    assert odds("--prior", "0.5") == pytest.approx(13**0.5 * odds(), rel=1e-3)


def test_a_prior_of_a_model_that_does_not_know_it(tmp_path: Path):
    model = write_tiny_model(tmp_path / "no.onnx", METADATA)
    result = run(write_gray("photo.jpg"), "--model", str(model), "--prior", "balanced")
    assert result.exit_code == 5
    assert "no.onnx: the model does not say how frequent each emotion was" in result.stderr


def test_faces_are_detected_only_in_the_region(monkeypatch):
    sizes = []

    class Detector(TwoFacesDetector):
        def detect(self, image_bgr):
            sizes.append(image_bgr.shape[:2])
            return [Face(Box(1, 2, 20, 20), "stub", 1.0)]

    monkeypatch.setattr(yunet, "YuNetDetector", Detector)
    images = write_gray("a.jpg"), write_gray("b.jpg")
    result = run(*images, "--json", "--roi", "30,40,500,50", "--max-side", "60")
    boxes = [image["faces"][0]["box"] for image in json.loads(result.stdout)["images"]]
    # 120x100 is downscaled to 60x50, and the region of 90x50 to 45x25.
    assert sizes == [(25, 45)] * 2
    assert boxes == [[32, 44, 40, 40]] * 2


def test_without_ray_no_output_is_opened(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "emorec.batch.ray_cluster", raising=False)
    Path("a.jsonl").write_text("old")
    result = run(write_gray("x.jpg"), "--jsonl", "a.jsonl", "--ray")
    assert result.exit_code == 6
    assert f"install it with: {install_command('ray')}\n" in result.stderr
    assert Path("a.jsonl").read_text() == "old"


def test_an_empty_folder_and_a_missing_list_are_reported():
    Path("f").mkdir()
    result = run("f", "@none.txt", write_gray("a.jpg"), "--json")
    assert result.exit_code == 1
    assert "f: no images in this folder" in result.stderr
    assert "@none.txt: cannot read the list: No such file" in result.stderr
    statuses = [image["status"] for image in json.loads(result.stdout)["images"]]
    assert statuses == ["unreadable", "unreadable", "ok"]


def test_standard_input():
    data = cv2.imencode(".png", np.full((100, 120, 3), 90, np.uint8))[1].tobytes()
    result = CliRunner().invoke(main, ["detect", "-", "--json"], input=data)
    assert json.loads(result.stdout)["images"][0]["source"] == "-"
    assert names() == ["stdin-emotions.jpg"]


@pytest.mark.parametrize("named", ["runs/20260101-compact", "runs/2026", "2026", "shipped"])
def test_names_of_models(named: str, tmp_path: Path):
    (tmp_path / SUMS).write_text("0 shipped.onnx\n")
    Path("runs/20260101-compact").mkdir(parents=True)
    write_tiny_model(Path("runs/20260101-compact/model.onnx"), METADATA.replaced(name="mine"))
    result = run(write_gray("x.jpg"), "--model", named, "--json")
    model = json.loads(result.stdout)["model"]["name"]
    assert model == ("tiny" if named == "shipped" else "mine")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none.onnx", "no such model file"),
        ("empty", "holds no model.onnx"),
        ("junk.onnx", "not an ONNX file, or a damaged one"),
        ("model.keras", "emorec export model.keras"),
    ],
)
def test_no_usable_model(name, message):
    Path("empty").mkdir()
    for junk in ("junk.onnx", "model.keras"):
        Path(junk).write_bytes(b"junk")
    result = run(write_gray("x.jpg"), "--model", name, "--json-file", "faces.json")
    assert (result.exit_code, result.stdout) == (5, "")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert names() == ["empty", "junk.onnx", "model.keras", "x.jpg"]


@pytest.mark.parametrize("model", ["tiny.onnx", "damaged.onnx"])
def test_the_garbage_collector_runs_again_once_the_modules_are_imported(model):
    write_tiny_model(Path("tiny.onnx"))
    Path("damaged.onnx").write_bytes(Path("tiny.onnx").read_bytes()[:-1])
    result = run(write_gray("photo.jpg"), "--model", model)
    assert result.exit_code == (5 if model == "damaged.onnx" else 0)
    assert gc.isenabled()


def test_the_model_is_opened_in_a_thread(monkeypatch):
    threads = []
    opened = EmotionClassifier.__init__

    def recorded(*arguments, **options):
        threads.append(threading.current_thread().name)
        opened(*arguments, **options)

    monkeypatch.setattr(EmotionClassifier, "__init__", recorded)
    assert run(write_gray("photo.jpg")).exit_code == 0
    assert threads == ["emorec-background"]


def test_eight_classes_of_a_model_of_seven(tmp_path: Path):
    model = write_tiny_model(tmp_path / "seven.onnx", METADATA.replaced(labels=EMOTIONS_7))
    assert run(write_gray("x.jpg"), "--model", str(model), "--no-save").exit_code == 0
    result = run(write_gray("x.jpg"), "--model", str(model), "--classes", "8")
    assert result.exit_code == 3
    assert "no contempt" in result.stderr


@pytest.mark.real
@pytest.mark.parametrize("detector", ["yunet", "haar"])
def test_real_photos(shared_data: Path, monkeypatch, detector):
    monkeypatch.setattr(yunet, "YuNetDetector", YuNetDetector)
    photos = shared_data / "photos"
    Path("text.jpg").write_text("no image")
    images = [str(photos / name) for name in ("two_people.jpg", "no-faces.jpg", "obama-720p.jpg")]
    result = run(images[0], "text.jpg", *images[1:], "--json", "--detector", detector)
    assert result.exit_code == 1
    assert "text.jpg" in result.stderr
    records = json.loads(result.stdout)["images"]
    assert [len(record["faces"]) for record in records] == [2, 0, 0, 1]
    assert [record["status"] for record in records] == ["ok", "unreadable", "no_face", "ok"]


@pytest.mark.real
def test_the_shipped_model_classifies_a_smile(shared_data: Path, monkeypatch):
    monkeypatch.undo()
    photo = str(shared_data / "photos" / "obama-720p.jpg")
    result = run(photo, "--no-save", "--json")
    assert result.exit_code == 0
    (face,) = json.loads(result.stdout)["images"][0]["faces"]
    assert face["emotion"] == "happy"
    assert face["confidence"] > 0.5


def test_flip_averages_over_mirror_images():
    x = np.tile(np.arange(120, dtype=np.uint8), (100, 1))
    cv2.imwrite("slope.png", np.dstack([x] * 3))
    cv2.imwrite("mirrored.png", np.dstack([x[:, ::-1]] * 3))

    def probabilities(name: str, *options: str) -> dict[str, float]:
        result = run(name, "--no-save", "--json", "--detector", "none", *options)
        assert (result.exit_code, result.stderr) == (0, "")
        (image,) = json.loads(result.stdout)["images"]
        (face,) = image["faces"]
        return face["probabilities"]

    assert probabilities("slope.png") != pytest.approx(probabilities("mirrored.png"), abs=0.01)
    expected = pytest.approx(probabilities("mirrored.png", "--flip"), abs=1e-5)
    assert probabilities("slope.png", "--flip") == expected
    assert probabilities("slope.png", "--flip", "--workers", "2") == expected


def test_flip_of_a_model_that_averages_itself_is_noted(tmp_path: Path):
    model = write_symmetric_model(tmp_path / "even.onnx")
    words = (write_gray("photo.jpg"), "--no-save", "--model", str(model))
    plain, flipped = run(*words), run(*words, "--flip")
    assert (plain.exit_code, plain.stderr) == (0, "")
    assert (flipped.exit_code, flipped.stdout) == (0, plain.stdout)
    (line,) = flipped.stderr.splitlines()
    assert line.endswith("even.onnx averages over mirror images itself, so --flip changes nothing")


@pytest.mark.parametrize("option", ["-v", "--debug"])
def test_log_messages_show_the_device(option: str):
    words = ["detect", write_gray("photo.jpg"), option, "--no-save", "--device", "cpu"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0
    assert result.stderr == "info: device cpu: CPUExecutionProvider of ONNX Runtime\n"


@pytest.mark.parametrize("options", [[], ["--workers", "2"]])
def test_a_device_that_is_missing_is_an_error_before_any_output(monkeypatch, options):
    monkeypatch.setenv("EMOREC_DEVICE", "tensorrt")
    result = run(write_gray("photo.jpg"), "--csv", "faces.csv", *options)
    assert (result.exit_code, result.stdout) == (6, "")
    (line,) = result.stderr.splitlines()
    assert "TensorrtExecutionProvider" in line
    assert names() == ["photo.jpg"]


def test_environment_variables_set_defaults_that_the_document_records(monkeypatch):
    write_tiny_model(Path("mine.onnx"), replace(METADATA, name="mine"))
    write_tiny_model(Path("other.onnx"), replace(METADATA, name="other"))
    monkeypatch.setenv("EMOREC_MODEL", "mine.onnx")
    monkeypatch.setenv("EMOREC_DETECTOR", "none")
    monkeypatch.setenv("EMOREC_DEVICE", "cpu")
    photo = write_gray("photo.jpg")
    document = json.loads(run(photo, "--no-save", "--json").stdout)
    used = (document["model"]["name"], document["detector"], document["device"])
    assert used == ("mine", "none", "cpu")
    words = ("--model", "other.onnx", "--detector", "yunet", "--device", "auto")
    document = json.loads(run(photo, "--no-save", "--json", *words).stdout)
    assert (document["model"]["name"], document["detector"]) == ("other", "TwoFacesDetector")


@pytest.mark.parametrize(
    ("name", "value", "code", "message"),
    [
        ("EMOREC_MODEL", "mine.onnx", 5, "error: EMOREC_MODEL: mine.onnx: no such model file"),
        ("EMOREC_DETECTOR", "mtcnn", 2, "(env var: 'EMOREC_DETECTOR'): 'mtcnn' is not one of"),
        ("EMOREC_DEVICE", "gpu", 2, "(env var: 'EMOREC_DEVICE'): 'gpu' is not one of"),
    ],
)
def test_an_invalid_variable_is_named(monkeypatch, name, value, code, message):
    monkeypatch.setenv(name, value)
    result = run(write_gray("photo.jpg"))
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in " ".join(result.stderr.split())
    assert names() == ["photo.jpg"]
    if name == "EMOREC_MODEL":
        message = message.removeprefix("error: EMOREC_MODEL: ")
        named = run("photo.jpg", "--model", value)
        assert named.stderr.startswith(f"error: {message}")


def test_a_quiet_run_prints_results_and_what_is_left_out_only():
    Path("f").mkdir()
    write_gray("f/a.jpg")
    Path("f/notes.txt").touch()
    loud = run("f", "--jsonl", "r.jsonl", "--resume")
    assert loud.stderr == "note: resuming: 0 of 1 are done\nwarning: left out: 1 .txt\n"
    quiet = run("f", "--jsonl", "r2.jsonl", "--resume", "-q")
    assert (quiet.exit_code, quiet.stdout) == (0, loud.stdout)
    assert quiet.stderr == "warning: left out: 1 .txt\n"
