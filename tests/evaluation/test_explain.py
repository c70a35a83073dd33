"""Explanations of a model whose answer is known: it looks at one quarter of the crop."""

import json
import math
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.onnx_models import METADATA, write_quadrant_model

from emorec.errors import ConfigError
from emorec.evaluation.explain import GRID, MAX_FACES, explain_face, explain_faces
from emorec.frames import Frame
from emorec.inference.classifier import EmotionClassifier
from emorec.inference.recognizer import EmotionRecognizer
from emorec.types import Box, Face, FaceEmotion, Landmarks

SIDE = 96
"""Of the crop of a box of 80 pixels with the margin of the model, 0.1."""


def landmarks(x: float, y: float, degrees: float) -> Landmarks:
    """Points of a face of 80 pixels with its centre at x, y."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    upright = ((-16, -14), (16, -14), (0, 2), (-12, 20), (12, 20))
    return Landmarks(*((x + cos * a - sin * b, y + sin * a + cos * b) for a, b in upright))


class OneFace:
    name = "stub"

    def __init__(self, x: int, y: int, degrees: float = 0):
        points = landmarks(x, y, degrees)
        self.faces = [Face(Box(x - 40, y - 40, 80, 80), "stub", 1.0, points)]

    def detect(self, image_bgr):
        return self.faces


@pytest.fixture(scope="module", params=["gray", "rgb"])
def classifier(request: pytest.FixtureRequest, tmp_path_factory) -> EmotionClassifier:
    folder = tmp_path_factory.mktemp("quadrant")
    metadata = METADATA.replaced(color=request.param)
    return EmotionClassifier(write_quadrant_model(folder / "model.onnx", metadata))


def image_with_disc(x: float, y: float) -> np.ndarray:
    rows, columns = np.mgrid[:200, :240] + 0.5
    image = np.full((200, 240, 3), 40, np.uint8)
    image[np.hypot(columns - x, rows - y) < 12] = 255
    return image


@pytest.mark.parametrize(
    ("x", "y", "degrees"),
    [
        (120, 100, 0),
        (120, 100, 30),
        (120, 100, -75),
        (120, 100, 180),
        (20, 150, 0),  # across the left border
        (225, 20, -40),  # across the upper and the right one
    ],
)
def test_the_heat_is_where_the_model_looks_in_the_image(
    classifier: EmotionClassifier, x: int, y: int, degrees: float
):
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    quarter = SIDE / 4  # from the centre of the crop to that of its top left quarter, in the crop
    disc_x, disc_y = x - quarter * cos + quarter * sin, y - quarter * sin - quarter * cos
    image = image_with_disc(disc_x, disc_y)
    recognizer = EmotionRecognizer(OneFace(x, y, degrees), classifier, align="on")
    (face,) = recognizer.recognize(image)
    found = explain_face(image, face, recognizer, emotion="happy")
    assert found.method == "occlusion"
    assert found.probability == pytest.approx(face.probabilities["happy"], abs=1e-6)
    assert found.least_probability < found.probability
    heat = found.heat_map((240, 200))
    assert (heat.shape, heat.dtype) == ((200, 240), np.float32)
    row, column = np.unravel_index(np.nanargmax(heat), heat.shape)
    assert math.hypot(column + 0.5 - disc_x, row + 0.5 - disc_y) < 12
    # Positions in the upright crop, of the pixels of the image.
    rows, columns = np.mgrid[:200, :240] + 0.5
    across = cos * (columns - x) + sin * (rows - y)
    down = -sin * (columns - x) + cos * (rows - y)
    inside = np.maximum(abs(across), abs(down)) < SIDE / 2 - 1
    outside = np.maximum(abs(across), abs(down)) > SIDE / 2 + 1
    assert np.isfinite(heat[inside]).all()
    assert np.isnan(heat[outside]).all()
    # A patch has a quarter of the side, 24 pixels; beyond none touches the quarter.
    far = inside & (np.maximum(across, down) > 24 + 2)
    assert abs(heat[far]).max() < 1e-3


def test_the_corners_of_an_aligned_crop_are_turned(classifier: EmotionClassifier):
    recognizer = EmotionRecognizer(OneFace(120, 100, 90), classifier, align="on")
    image = image_with_disc(140, 80)
    found = explain_face(image, recognizer.recognize(image)[0], recognizer).to_dict()
    half = SIDE / 2
    expected = [
        [120 + half, 100 - half],
        [120 + half, 100 + half],
        [120 - half, 100 + half],
        [120 - half, 100 - half],
    ]
    np.testing.assert_allclose(found["corners"], expected, atol=1e-6)


def test_the_shares_of_the_parts(classifier: EmotionClassifier):
    """The right eye is in the quarter of the model; the left half of the mouth is not."""
    image = image_with_disc(104, 86)
    recognizer = EmotionRecognizer(OneFace(120, 100), classifier)
    found = explain_face(image, recognizer.recognize(image)[0], recognizer, emotion="happy")
    assert found.parts["eyes"] == max(found.parts.values())
    assert found.parts["mouth"] < 0.1


def test_the_batch_of_the_model_does_not_matter(
    classifier: EmotionClassifier, monkeypatch: pytest.MonkeyPatch
):
    image = image_with_disc(96, 76)
    recognizer = EmotionRecognizer(OneFace(120, 100), classifier)
    (face,) = recognizer.recognize(image)
    whole = explain_face(image, face, recognizer, emotion="happy").heat
    monkeypatch.setattr(classifier, "_batch_size", 5)
    parts = explain_face(image, face, recognizer, emotion="happy").heat
    assert np.ptp(whole) > 1
    np.testing.assert_allclose(parts, whole, atol=1e-4)


def test_native_types(classifier: EmotionClassifier):
    image = image_with_disc(96, 76)
    recognizer = EmotionRecognizer(OneFace(120, 100), classifier)
    found = explain_face(image, recognizer.recognize(image)[0], recognizer, emotion="happy")
    values = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert list(values) == [
        *("emotion", "probability", "least_probability", "parts", "heat", "corners")
    ]
    grid = np.array(values["heat"])
    assert grid.shape == (GRID, GRID)
    means = found.heat.reshape(GRID, 3, GRID, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(grid, means, atol=1e-4)
    assert np.unravel_index(grid.argmax(), grid.shape) < (GRID // 2, GRID // 2)


def test_a_downscaled_frame(classifier: EmotionClassifier):
    """Positions are in pixels of the full image."""
    image = image_with_disc(96, 76)
    recognizer = EmotionRecognizer(OneFace(120, 100), classifier)
    small = explain_face(Frame(image, (480, 400)), recognizer.recognize(image)[0], recognizer)
    full = FaceEmotion(
        Frame(image, (480, 400)).to_full_face(small.face.face), small.face.prediction
    )
    found = explain_face(Frame(image, (480, 400)), full, recognizer, emotion="happy")
    assert found.to_dict()["corners"] == [[144, 104], [336, 104], [336, 296], [144, 296]]
    heat = found.heat_map((480, 400))
    row, column = np.unravel_index(np.nanargmax(heat), heat.shape)
    assert math.hypot(column - 192, row - 152) < 24


def test_the_largest_faces_are_explained(classifier: EmotionClassifier):
    sizes = [30, 50, 20, 60, 40, 31, 32, 33, 34, 35, 36, 37]
    faces = [
        FaceEmotion(face, prediction)
        for size in sizes
        for face in [Face(Box(0, 0, size, size), "stub", 1.0)]
        for prediction in classifier.classify([np.zeros((9, 9, 3), np.uint8)])
    ]
    recognizer = EmotionRecognizer(OneFace(50, 50), classifier)
    frame = Frame.from_image(image_with_disc(20, 20))
    calls: list[tuple[int, int]] = []
    found = explain_faces(
        frame, faces, recognizer, patch=0.5, progress=lambda *call: calls.append(call)
    )
    assert len(sizes) == MAX_FACES + 2
    assert list(found) == [index for index, size in enumerate(sizes) if size not in (20, 30)]
    assert all(entry.parts is None for entry in found.values())  # no landmarks
    done, totals = zip(*calls, strict=True)
    assert len(set(totals)) == 1
    assert done[-1] == totals[-1]
    assert list(done) == sorted(done)
    assert list(explain_faces(frame, faces, recognizer, chosen=[2, 0, 2], patch=0.5)) == [0, 2]
    assert explain_faces(frame, [], recognizer) == {}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"emotion": "hapy"}, "'hapy' is not reported; did you mean 'happy'?"),
        ({"emotion": "contempt"}, r"'contempt' is not reported; use 8 classes \(--classes 8\)"),
        ({"method": "lime"}, "one of occlusion, grad-cam; received 'lime'"),
        ({"method": "grad-cam"}, "an ONNX file does not have"),
        ({"patch": 0.0}, "0.05 to 0.5 of the crop's side; received 0.0"),
        ({"patch": math.nan}, "received nan"),
    ],
)
def test_invalid_settings(classifier: EmotionClassifier, settings: dict, message: str):
    image = image_with_disc(96, 76)
    recognizer = EmotionRecognizer(OneFace(120, 100), classifier)
    (face,) = recognizer.recognize(image)
    with pytest.raises(ConfigError, match=message):
        explain_face(image, face, recognizer, **settings)


def test_what_is_no_image(classifier: EmotionClassifier, tmp_path: Path):
    recognizer = EmotionRecognizer(OneFace(120, 100), classifier)
    (face,) = recognizer.recognize(image_with_disc(96, 76))
    with pytest.raises(TypeError, match="must be a NumPy array"):
        explain_face(str(tmp_path), face, recognizer)


def test_the_example_of_the_documentation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    root = Path(__file__).resolve().parents[2]
    (code,) = re.findall(
        r"```python\n(.*?)```", (root / "docs/explain.md").read_text("utf-8"), re.S
    )
    photo = cv2.imread(str(root / "examples" / "astronaut.jpg"))
    cv2.imwrite(str(tmp_path / "photo.jpg"), photo)
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(compile(code, "explain.md", "exec"), names)
    found = names["found"]
    assert max(found.parts, key=found.parts.get) == "mouth"
    assert np.isnan(names["heat"]).mean() > 0.9
    row, column = np.unravel_index(np.nanargmax(names["heat"]), photo.shape[:2])
    nose = found.face.landmarks.nose
    assert (row > nose[1], abs(column - nose[0]) < 30) == (True, True)
    assert cv2.imread("overlay.png").shape == photo.shape
