"""Frames over a WebSocket give tracked faces; only a recording stores them."""

import struct
import time
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from helpers.clips import Placed, draw
from starlette.testclient import TestClient

from emorec.app.camera import CameraFaces, decode_frame
from emorec.app.limits import AppLimits
from emorec.app.recognizers import RecognitionOptions, Recognizers
from emorec.errors import DataError
from emorec.inference.tracking import EmotionTracker

CAMERA = "ws://127.0.0.1:8765/api/v1/camera"


def jpeg(image: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()


def message(time_s: float, image: np.ndarray | None = None) -> bytes:
    shown = draw([Placed(150, 120)], (320, 240)) if image is None else image
    return struct.pack("<d", time_s) + jpeg(shown)


def moving() -> Iterator[np.ndarray]:
    for number in range(4):
        yield draw([Placed(120 + 10 * number, 120)], (320, 240))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "must be 8 bytes of time and a JPEG image"),
        (struct.pack("<d", 0) + b"\x89PNG", "must be 8 bytes of time and a JPEG image"),
        (struct.pack("<d", 0) + b"\xff\xd8\xff\xe0", "the camera frame is damaged"),
        (struct.pack("<d", float("nan")) + b"\xff\xd8\xff", "the time of a camera frame"),
        (struct.pack("<d", -1) + b"\xff\xd8\xff", "the time of a camera frame"),
        (message(0, np.zeros((100, 100, 3), np.uint8)), "has 100x100 pixels; send at most 9000"),
    ],
)
def test_what_is_no_frame(data: bytes, text: str):
    with pytest.raises(DataError, match=text):
        decode_frame(data, 9000)


def test_the_faces_are_those_of_the_recognizer_and_the_tracker(recognizers: Recognizers):
    recognizer = recognizers.open(RecognitionOptions(), for_video=True)
    camera, tracker = CameraFaces(recognizer, AppLimits()), EmotionTracker()
    for number, image in enumerate(moving()):
        answer = camera.answer(message(number / 10, image))
        frame = decode_frame(message(number / 10, image), 10**6)
        faces = tracker.update(recognizer.recognize_frame(frame), number / 10, (320, 240))
        assert answer["faces"] == [face.to_dict() for face in faces]
        assert (answer["frame"], answer["width"], answer["height"]) == (number, 320, 240)
        assert [face["id"] for face in answer["faces"]] == [1]


def test_time_does_not_go_back(recognizers: Recognizers):
    camera = CameraFaces(recognizers.open(RecognitionOptions()), AppLimits())
    camera.answer(message(1.0))
    with pytest.raises(DataError, match="is before that of the last one"):
        camera.answer(message(0.5))


def test_nothing_is_stored_unless_asked(client: TestClient, tmp_path):
    with client.websocket_connect(CAMERA) as socket:
        socket.send_bytes(message(0.0))
        assert len(socket.receive_json()["faces"]) == 1
        assert list((tmp_path / "app").iterdir()) == []
        socket.send_json({"record": True})
        begun = socket.receive_json()
        assert begun["recording"] is True
        for number in range(1, 4):
            socket.send_bytes(message(number / 10))
            socket.receive_json()
        socket.send_json({"record": False})
        assert socket.receive_json() == {"recording": False, "session": begun["session"]}
        socket.send_bytes(message(1.0))
        socket.receive_json()
    session = client.get(f"/api/v1/sessions/{begun['session']}").json()
    assert (session["state"], session["kind"], session["frames"]) == ("done", "camera", 3)


def test_a_recording_ends_with_its_connection(client: TestClient):
    with client.websocket_connect(CAMERA) as socket:
        socket.send_json({"record": True})
        id_ = socket.receive_json()["session"]
        socket.send_bytes(message(0.0))
        socket.receive_json()
    deadline = time.monotonic() + 10
    while client.get(f"/api/v1/sessions/{id_}").json()["state"] == "running":
        assert time.monotonic() < deadline
    assert client.get(f"/api/v1/sessions/{id_}").json()["frames"] == 1


def test_a_recording_can_be_deleted_while_it_runs(client: TestClient, tmp_path):
    with client.websocket_connect(CAMERA) as socket:
        socket.send_json({"record": True})
        id_ = socket.receive_json()["session"]
        assert client.delete(f"/api/v1/sessions/{id_}").status_code == 204
        socket.send_bytes(message(0.0))
        assert len(socket.receive_json()["faces"]) == 1
        assert list((tmp_path / "app").iterdir()) == []


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"record": 1}', "[" * 5000])
def test_wrong_messages_are_answered(client: TestClient, text: str):
    with client.websocket_connect(CAMERA) as socket:
        socket.send_text(text)
        assert '{"record": true}' in socket.receive_json()["error"]["message"]
        socket.send_bytes(b"no frame")
        assert "JPEG" in socket.receive_json()["error"]["message"]
        socket.send_bytes(message(0.0))
        assert len(socket.receive_json()["faces"]) == 1


def test_cameras_are_few_and_fall_silent(make_client):
    client = make_client(AppLimits(camera_count=1, idle_s=0.2))
    with client.websocket_connect(CAMERA) as first:
        with client.websocket_connect(CAMERA) as second:
            assert second.receive_json()["error"]["kind"] == "busy"
        assert first.receive()["code"] == 1001


def test_wrong_options(client: TestClient):
    with client.websocket_connect(f"{CAMERA}?classes=9") as socket:
        assert socket.receive_json()["error"]["kind"] == "config"
