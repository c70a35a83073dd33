"""The command `emorec explain`, with a model that looks at one quarter and a stub detector."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from helpers.clips import write_clip
from helpers.detect_command import TwoFacesDetector, enter_workplace
from helpers.onnx_models import write_quadrant_model

from emorec import resources
from emorec.cli.explain import explain
from emorec.cli.main import COMMANDS, main
from emorec.cli.parameters import model_file
from emorec.evaluation.explain import MAX_FACES, METHODS
from emorec.evaluation.occlusion import MAX_PATCH, MIN_PATCH, PATCH


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    enter_workplace(tmp_path, monkeypatch, TwoFacesDetector)
    write_quadrant_model(resources.shipped_model())
    image = np.full((100, 120, 3), 40, np.uint8)
    image[20:40, 10:30] = 250  # the quarter of the first face of TwoFacesDetector
    cv2.imwrite("a.png", image)
    cv2.imwrite("black.png", 0 * image)
    (Path.cwd() / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n no image")
    return Path.cwd()


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["explain", *words], prog_name="emorec")


def names() -> list[str]:
    return sorted(path.name for path in Path().iterdir())


def test_the_table_and_the_figure(workplace: Path) -> None:
    before = cv2.imread("a.png")
    done = run("a.png", "--emotion", "happy")
    assert (done.exit_code, done.stderr) == (0, "")
    header, first, second, written = done.stdout.splitlines()
    assert header.split() == ["file", "face", "box", "emotion", "probability", "covered", "heat"]
    assert first.split()[:5] == ["a.png", "1", "10,20", "40x40", "happy"]
    assert second.split()[:2] == ["a.png", "2"]
    assert written == "wrote a-explained.png"
    before_covered, covered = (float(word.rstrip("%")) for word in first.split()[5:7])
    assert covered < before_covered
    figure = cv2.imread("a-explained.png")
    assert figure.shape[1] == 640  # enlarged until the smaller face has 160 pixels
    assert figure.shape[0] > 640 * 100 / 120
    assert (cv2.imread("a.png") == before).all()


def test_the_document(workplace: Path) -> None:
    done = run("a.png", "black.png", "--emotion", "happy", "--face", "1", "--json", "--out", "o/p")
    assert done.exit_code == 1
    assert done.stderr == "error: black.png: no face 1; faces found: 0\n"
    document = json.loads(done.stdout)
    assert (document["schema_version"], document["method"], document["unit"]) == (
        *(1, "occlusion", "bits"),
    )
    assert (document["patch"], document["device"]) == (PATCH, "cpu")
    assert document["model"]["labels"][3] == "happy"
    first, second = document["images"]
    assert (first["source"], first["width"], first["height"]) == ("a.png", 120, 100)
    assert (second["status"], second["faces"], second["figure"]) == ("no_face", [], None)
    assert first["figure"] == str(Path("o/p/a-explained.png"))
    assert Path(first["figure"]).is_file()
    explained, other = (face["explanation"] for face in first["faces"])
    assert other is None
    assert explained["corners"] == [[6, 16], [54, 16], [54, 64], [6, 64]]
    heat = np.array(explained["heat"])
    assert heat[:8, :8].sum() > 0.75 * np.maximum(heat, 0).sum()
    probability = first["faces"][0]["probabilities"]["happy"]
    assert explained["probability"] == pytest.approx(probability, abs=1e-6)
    assert names() == ["a.png", "black.png", "broken.png", "o"]


def test_a_file_beside_the_table(workplace: Path) -> None:
    done = run("a.png", "--json-file", "r.json", "--patch", "0.5")
    assert done.exit_code == 0, done.output
    assert "wrote a-explained.png" in done.stdout
    assert json.loads(Path("r.json").read_text())["patch"] == 0.5


def test_an_image_without_a_face_and_broken_ones(workplace: Path) -> None:
    done = run("black.png", "broken.png", "zebra.jpg")
    assert done.exit_code == 1
    assert done.stdout.splitlines()[1].split() == ["black.png", "-", "no", "face"]
    first, second = done.stderr.splitlines()
    assert first.startswith("error: broken.png: not a readable image")
    assert second == "error: zebra.jpg: no such file"
    assert names() == ["a.png", "black.png", "broken.png"]


def test_a_figure_that_cannot_be_written(workplace: Path) -> None:
    Path("file").touch()
    done = run("a.png", "--out", "file/below", "--json")
    assert done.exit_code == 1
    assert done.stderr.startswith("error: file/below: cannot make the folder")
    assert json.loads(done.stdout)["images"][0]["figure"] is None


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("", 2, "Missing argument 'IMAGE...'"),
        ("a.png --method gradcam", 2, "Did you mean 'grad-cam'?"),
        ("a.png --patch 0.6", 2, "0.6 is not in the range 0.05<=x<=0.5"),
        ("a.png --face 0", 2, "0 is not in the range x>=1"),
        ("clip.avi", 2, "clip.avi: a video, camera or stream; explain reads images"),
        ("0", 2, "0: a video, camera or stream; explain reads images"),
        (".", 2, "name the folder of the figures with --out FOLDER"),
        (
            "a.png --align on --detector none",
            2,
            "--align on needs landmarks, which --detector none",
        ),
        ("a.png --json-file a.png", 2, "would be written over a.png"),
        ("a.png --json-file a-explained.png", 2, "would be written over a-explained.png"),
        ("a-explained.png a.png", 2, "would be written over a-explained.png"),
        ("a.png --emotion hapy", 3, "'hapy' is not reported; did you mean 'happy'?"),
        ("a.png --emotion contempt", 3, "use 8 classes (--classes 8)"),
        ("a.png --method grad-cam --model m.onnx", 3, "pass the .keras file of the model, or use"),
        ("a.png --model none.onnx", 5, "none.onnx: no such model file"),
        ("a.png --model w.h5", 5, "w.h5"),
        ("a.png --device cuda", 6, "onnxruntime-gpu"),
    ],
)
def test_wrong_commands(workplace: Path, words: str, code: int, message: str) -> None:
    write_clip(Path("clip.avi"), [np.zeros((32, 32, 3), np.uint8)] * 2, fps=10)
    write_quadrant_model(Path("m.onnx"))
    Path("w.h5").touch()
    Path("a-explained.png").touch()
    before = names()
    done = run(*words.split())
    assert (done.exit_code, message in " ".join(done.stderr.split())) == (code, True), done.stderr
    assert names() == before
    assert Path("a-explained.png").stat().st_size == 0


def test_standard_input(workplace: Path) -> None:
    done = CliRunner().invoke(main, ["explain", "-"], input=Path("a.png").read_bytes())
    assert done.exit_code == 0, done.output
    assert "wrote stdin-explained.png" in done.stdout


def test_a_keras_file(
    workplace: Path, tmp_path: Path, quick_network: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from helpers.metadata_example import METADATA

    from emorec.modeling.build import build_classifier
    from emorec.modeling.keras_files import save_model

    path = tmp_path / "model.keras"
    save_model(build_classifier("compact", 7, 24), METADATA, path)
    done = run("a.png", "--model", str(path), "--emotion", "sad", "--json")
    assert (done.exit_code, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert (document["method"], document["patch"]) == ("grad-cam", None)
    for face in document["images"][0]["faces"]:
        explained = face["explanation"]
        assert explained["least_probability"] is None
        assert 0 <= np.min(explained["heat"]) <= np.max(explained["heat"]) <= 1
    assert (workplace / "a-explained.png").is_file()
    for words, message in (
        (["--device", "cpu"], "--device is for .onnx files"),
        (["--patch", "0.2"], "--patch is for occlusion; the method is grad-cam"),
    ):
        done = run("a.png", "--model", str(path), *words)
        assert (done.exit_code, message in " ".join(done.stderr.split())) == (2, True)


def test_the_shipped_model_of_a_method() -> None:
    assert model_file(None, ("onnx", "keras")) == resources.shipped_model()
    assert model_file(None, ("keras", "onnx")) == resources.shipped_keras_model()


def test_the_help_states_the_limits_of_the_library() -> None:
    by_name = {option.name: option for option in explain.params}
    patch = by_name["patch"]
    assert (patch.type.min, patch.type.max, patch.default) == (MIN_PATCH, MAX_PATCH, PATCH)
    assert f"[default: the {MAX_FACES} largest faces]" in by_name["numbers"].help
    assert tuple(by_name["method"].type.choices) == METHODS
    assert explain.help.startswith(COMMANDS["explain"])
