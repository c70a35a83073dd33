from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from emorec.errors import ConfigError, DataError, ModelError
from emorec.inference.named_inputs import model_file, named_detector, read_named_image
from emorec.resources import shipped_model


def test_detectors(tmp_path):
    image = np.zeros((4, 6, 3), np.uint8)
    assert [face.detector for face in named_detector("whole-image").detect(image)] == ["none"]
    with pytest.raises(ConfigError, match="unknown detector 'mtcnn'; the detectors are: yunet"):
        named_detector("mtcnn")
    with pytest.raises(ConfigError, match="not the name of a detector; pass a model as model='"):
        named_detector(str(tmp_path))


@pytest.mark.parametrize("kind", [str, Path])
def test_models(kind):
    assert model_file(kind("emorec-compact")) == shipped_model()
    assert model_file(kind(shipped_model())) == shipped_model()


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("nope", "nope: no such model file, run folder or name of `emorec models list`"),
        ("tiny.keras", r"must be a .onnx file; .* with: emorec export tiny.keras"),
        ("yunet", "yunet: a face detection model|yunet: a .*not an emotion model"),
    ],
)
def test_models_that_do_not_run(tmp_path, monkeypatch, named, message):
    monkeypatch.chdir(tmp_path)
    Path("tiny.keras").touch()
    with pytest.raises(ModelError, match=message):
        model_file(named)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_an_image_file_is_upright(tmp_path, orientation):
    """The image is wider than high as a viewer shows it."""
    stored = np.zeros((20, 40, 3) if orientation < 5 else (40, 20, 3), np.uint8)
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    PIL.Image.fromarray(stored).save(tmp_path / "a.jpg", exif=exif)
    assert read_named_image(tmp_path / "a.jpg").shape == (20, 40, 3)
    assert read_named_image(str(tmp_path / "a.jpg")).shape == (20, 40, 3)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("missing.jpg", "missing.jpg: no such file"),
        (Path("text.jpg"), "text.jpg: not a readable image"),
        ("clip.mp4", "clip.mp4: a video; recognize reads images, stream reads videos"),
        ("https://me:secret@a.org/b.jpg", "https://a.org/b.jpg: an address; .* download the image"),
    ],
)
def test_files_that_are_no_images(tmp_path, monkeypatch, path, message):
    monkeypatch.chdir(tmp_path)
    Path("text.jpg").write_text("text")
    with pytest.raises(DataError, match=message):
        read_named_image(path)
