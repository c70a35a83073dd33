"""The routes of the REST interface."""

import concurrent.futures

import cv2
import pytest
from helpers.clips import Placed, draw
from starlette.testclient import TestClient

import emorec
from emorec.labels import EMOTIONS_8


def test_health(client: TestClient):
    assert client.get("/api/v1/health").json() == {"status": "ok", "version": emorec.__version__}


def test_models_and_options(client: TestClient):
    names = [model["name"] for model in client.get("/api/v1/models").json()["models"]]
    assert names == ["emorec-compact", "emorec-nano"]
    options = client.get("/api/v1/options").json()
    assert options["labels"] == list(EMOTIONS_8)
    assert list(options["colors"]) == options["labels"]
    assert options["model"] == "emorec-compact"
    assert options["limits"]["video_bytes"] == 4 * 2**30


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/api/v1/nothing", 404, "not_found"),
        ("GET", "/api/v1/recognize", 405, "request"),
        ("GET", "/api/v1/sessions/nothing", 404, "not_found"),
        ("GET", "/api/v1/sessions/..%2f..%2fetc", 404, "not_found"),
        ("DELETE", "/api/v1/sessions/nothing", 404, "not_found"),
        ("GET", "/api/v1/sessions/nothing/frames", 404, "not_found"),
        ("POST", "/api/v1/recognize?format=pdf", 400, "config"),
        ("POST", "/api/v1/recognize?model=/etc/passwd", 400, "config"),
        ("POST", "/api/v1/recognize?colour=red", 400, "config"),
        ("POST", "/api/v1/videos?annotate=maybe", 400, "config"),
    ],
)
def test_wrong_requests(client: TestClient, method: str, path: str, status: int, kind: str):
    answer = client.request(method, path)
    assert (answer.status_code, answer.json()["error"]["kind"]) == (status, kind)
    assert answer.json()["error"]["message"]


def test_fifty_parallel_uploads(client: TestClient):
    """All are answered, though only a few are processed at a time."""
    data = cv2.imencode(".jpg", draw([Placed(150, 120)], (320, 240)))[1].tobytes()

    def send(number: int) -> int:
        answer = client.post("/api/v1/recognize", params={"name": f"{number}.jpg"}, content=data)
        (image,) = answer.json()["images"]
        assert image["source"] == f"{number}.jpg"
        return len(image["faces"])

    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        assert list(pool.map(send, range(50))) == [1] * 50
