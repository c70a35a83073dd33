"""The explanation of a photo is that of the library."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.clips import Placed, draw
from starlette.testclient import TestClient

from emorec import EmotionRecognizer
from emorec.evaluation.explain import explain_faces
from emorec.evaluation.heat_drawing import draw_figure
from emorec.frames import Frame

EXPLAIN = "/api/v1/explain"


@pytest.fixture(scope="module")
def photo() -> bytes:
    image = draw([Placed(120, 125), Placed(350, 145, 130)])
    return cv2.imencode(".png", image)[1].tobytes()


def test_the_figure(client: TestClient, photo: bytes):
    query = {"face": "2", "name": "a.png"}
    answer = client.post(EXPLAIN, params=query, content=photo)
    assert answer.status_code == 200, answer.text
    recognizer = EmotionRecognizer()
    frame = Frame.from_image(cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR))
    faces = recognizer.recognize_frame(frame)
    found = explain_faces(frame, faces, recognizer, chosen=[1])
    expected = draw_figure(frame, list(found.values()), [2])
    shown = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
    assert np.array_equal(shown, expected)
    assert 'filename="a-explained.png"' in answer.headers["content-disposition"]


@pytest.mark.parametrize(
    ("query", "status", "text"),
    [
        ({"face": "3"}, 400, "has 2 faces; received face=3"),
        ({"face": "0"}, 400, "has 2 faces; received face=0"),
        ({"face": "one"}, 400, "face must be the number of a face"),
        ({"emotion": "joyful"}, 400, "is not reported"),
    ],
)
def test_wrong_queries(client: TestClient, photo: bytes, query: dict, status: int, text: str):
    answer = client.post(EXPLAIN, params=query, content=photo)
    assert answer.status_code == status
    assert text in answer.json()["error"]["message"]


def test_an_image_without_a_face_and_none(client: TestClient, tmp_path: Path):
    empty = cv2.imencode(".png", np.zeros((99, 99, 3), np.uint8))[1].tobytes()
    for content, text in ((empty, "a.png: no face was found"), (b"x", "a.png: not a readable")):
        answer = client.post(EXPLAIN, params={"name": "a.png"}, content=content)
        assert answer.status_code == 422
        assert answer.json()["error"]["message"].startswith(text)
    assert list((tmp_path / "app").iterdir()) == []
