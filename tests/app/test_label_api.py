"""Requests that open photos, label their faces and download the list."""

import csv
import io
import json
import re
import time
import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.clips import Placed, draw, write_clip
from starlette.testclient import TestClient

from emorec.app.limits import AppLimits
from emorec.labels import EMOTIONS_7

PROJECTS = "/api/v1/projects"


@pytest.fixture(autouse=True)
def own_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache in which no labels are stored."""
    monkeypatch.setenv("EMOREC_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "labels"


@pytest.fixture(scope="module")
def photo() -> bytes:
    image = draw([Placed(120, 125), Placed(350, 145, 130)])
    return cv2.imencode(".png", image)[1].tobytes()


def opened(client: TestClient, files: Any, query: str = "", **content: Any) -> dict[str, Any]:
    answer = client.post(f"{PROJECTS}{query}", json={"files": files, **content})
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"{PROJECTS}/{answer.json()['id']}"
    return answer.json()


def test_from_photos_to_the_list(client: TestClient, photo: bytes, tmp_path: Path):
    files = [["my/a.png", len(photo)], ["b.txt", 3], ["bad\\name.png", 5], ["broken.png", 6]]
    project = opened(client, files, name="My photos")
    assert project["refused"] == {
        "b.txt": "not an image",
        "bad\\name.png": "no list of images can hold its path: it leads out of the folder, is too "
        "long, or has a backslash or a character that cannot be printed; rename it",
    }
    assert (project["labels"], project["most_labels"]) == (list(EMOTIONS_7), 3)
    place = f"{PROJECTS}/{project['id']}"
    answer = client.post(f"{place}/photos", params={"path": "my/a.png"}, content=photo)
    faces = answer.json()["faces"]
    # The boxes are those of the other tabs.
    found = client.post("/api/v1/recognize", content=photo).json()["images"][0]["faces"]
    assert [face["box"] for face in faces] == [face["box"] for face in found]
    assert [face["emotion"] for face in faces] == [face["emotion"] for face in found]
    broken = client.post(f"{place}/photos", params={"path": "broken.png"}, content=b"broken")
    assert broken.status_code == 422
    assert broken.json()["error"]["message"].startswith("broken.png: not a readable image")
    image = client.get(f"{place}/faces/1/image")
    assert image.headers["content-type"] == "image/jpeg"
    pixels = cv2.imdecode(np.frombuffer(image.content, np.uint8), cv2.IMREAD_COLOR)
    _, _, width, height = faces[1]["view"]
    assert width * pixels.shape[1] == pytest.approx(faces[1]["box"][2], abs=1)
    assert height * pixels.shape[0] == pytest.approx(faces[1]["box"][3], abs=1)
    answer = client.put(f"{place}/faces/0", json={"labels": ["happy"]})
    assert (answer.status_code, answer.json()["labels"]) == (200, ["happy"])
    client.put(f"{place}/faces/1", json={"labels": [], "skipped": True})
    state = client.get(place, params={"first": "1"}).json()
    assert [(face["number"], face["skipped"]) for face in state["faces"]] == [(1, True)]
    assert state["command"] == (
        "emorec prepare-data 'My photos/labels.csv' --faces boxes --out DATA"
    )
    answer = client.get(f"{place}/download")
    assert 'filename="labels.csv"' in answer.headers["content-disposition"]
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert (row["path"], row["label"]) == ("my/a.png", "happy")
    assert [int(row[name]) for name in ("x", "y", "width", "height")] == faces[0]["box"]
    # Nothing but the images of the faces is kept, and they with the project.
    kept = sorted(path.name for path in (tmp_path / "app" / project["id"]).iterdir())
    assert kept == ["face-0.jpg", "face-1.jpg"]
    assert client.delete(place).status_code == 204
    assert list((tmp_path / "app").iterdir()) == []
    assert client.get(place).status_code == 404


def test_labels_are_kept_without_pixels(client: TestClient, photo: bytes, own_labels: Path):
    files = [["a.png", len(photo)]]
    place = f"{PROJECTS}/{opened(client, files)['id']}"
    client.post(f"{place}/photos", params={"path": "a.png"}, content=photo)
    client.put(f"{place}/faces/1", json={"labels": ["sad", "fear"]})
    client.delete(place)
    (stored,) = own_labels.iterdir()
    assert stored.stat().st_size < 400
    assert set(json.loads(stored.read_text())) == {"schema_version", "files", "labels", "faces"}
    place = f"{PROJECTS}/{opened(client, files)['id']}"
    answer = client.post(f"{place}/photos", params={"path": "a.png"}, content=photo)
    assert [face["labels"] for face in answer.json()["faces"]] == [[], ["sad", "fear"]]
    assert client.delete(f"{place}/labels").status_code == 204
    assert list(own_labels.iterdir()) == []
    assert client.get(place).json()["faces"][1]["labels"] == []


def test_labels_of_ones_own(client: TestClient, photo: bytes):
    project = opened(client, [["a.png", 1]], labels=["smile", " no smile "])
    place = f"{PROJECTS}/{project['id']}"
    assert (project["labels"], project["most_labels"]) == (["smile", "no smile"], 1)
    answer = client.put(f"{place}/labels", json={"labels": ["smile", "frown"]})
    assert answer.json()["labels"] == ["smile", "frown"]
    assert "--keep-labels" in answer.json()["command"]
    client.post(f"{place}/photos", params={"path": "a.png"}, content=photo)
    answer = client.put(f"{place}/faces/0", json={"labels": ["smile", "frown"]})
    assert (answer.status_code, answer.json()["error"]["kind"]) == (400, "config")


def test_the_settings_of_the_project_hold(client: TestClient, photo: bytes):
    project = opened(client, [["a.png", 1]], "?detector=none&classes=8&blur=box")
    assert project["labels"] == [*EMOTIONS_7, "contempt"] or "contempt" in project["labels"]
    place = f"{PROJECTS}/{project['id']}"
    answer = client.post(f"{place}/photos", params={"path": "a.png"}, content=photo)
    assert [face["box"] for face in answer.json()["faces"]] == [[0, 0, 480, 270]]


def test_a_video(client: TestClient, tmp_path: Path):
    image = draw([Placed(120, 125)], (240, 240))
    clip = write_clip(tmp_path / "talk.avi", [image] * 20, 20).read_bytes()
    project = opened(client, [["talk.avi", len(clip)]], kind="video", name="talk.avi")
    assert (project["kind"], project["state"]) == ("video", "waiting")
    place = f"{PROJECTS}/{project['id']}"
    answer = client.post(f"{place}/videos", content=clip)
    assert (answer.status_code, answer.json()["state"]) == (202, "running")
    again = client.post(f"{place}/videos", content=clip)
    assert (again.status_code, again.json()["error"]["kind"]) == (409, "exists")
    deadline = time.monotonic() + 120
    while client.get(place).json()["state"] == "running" and time.monotonic() < deadline:
        time.sleep(0.02)
    state = client.get(place).json()
    assert (state["state"], state["frames"], len(state["faces"])) == ("done", 2, 2)
    client.put(f"{place}/faces/1", json={"labels": ["happy"]})
    answer = client.get(f"{place}/download")
    assert 'filename="talk-labels.zip"' in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["labels.csv", "talk-000010.png"]


@pytest.mark.parametrize(
    ("content", "status", "message"),
    [
        ("", 400, "the body is not JSON"),
        ("[" * 50_000, 400, "the body is not JSON"),
        ("[]", 400, "the body must be a JSON object with name, kind, files, labels"),
        ('{"folder": 1}', 400, "the body must be a JSON object"),
        ("{}", 400, "files must be a list of \\[path, size in bytes\\]"),
        ('{"files": []}', 400, "choose 1 to 3 files; received 0"),
        ('{"files": [["a.png", 1], ["b.png", 1], ["c.png", 1], ["d.png", 1]]}', 400, "received 4"),
        ('{"files": [["a.png"]]}', 400, "files must be a list"),
        ('{"files": [["a.png", true]]}', 400, "files must be a list"),
        ('{"files": [["a.png", -1]]}', 400, "the size of a file must be its number of bytes"),
        ('{"files": [[1, 1]]}', 400, "a path must be text; received 1"),
        ('{"files": [["\\ud800.png", 1]]}', 400, "a path must be text"),
        ('{"files": [["a.png", 1], ["a.png", 2]]}', 400, "a path is there twice"),
        ('{"files": [["../a.png", 1]]}', 422, "none of the 1 files can be labelled: no list of"),
        ('{"files": [["a.txt", 1]]}', 422, "none of the 1 files can be labelled: not an image"),
        ('{"files": [["a.png", 1]], "kind": "x"}', 400, "kind must be photos or video"),
        ('{"files": [["a.png", 1]], "labels": "x"}', 400, "labels must be a list of texts"),
        ('{"files": [["a.png", 1]], "labels": ["x"]}', 400, "choose 2 to 30 labels; received 1"),
        ('{"files": [["a.png", 1]], "labels": []}', 400, "choose 2 to 30 labels; received 0"),
    ],
)
def test_wrong_requests(make_client, content: str, status: int, message: str, tmp_path: Path):
    client = make_client(AppLimits(photo_count=3))
    answer = client.post(PROJECTS, content=content)
    assert answer.status_code == status

    assert re.search(message, answer.json()["error"]["message"])
    assert list((tmp_path / "app").iterdir()) == []


def test_wrong_requests_of_a_project(client: TestClient, photo: bytes):
    place = f"{PROJECTS}/{opened(client, [['a.png', 1]])['id']}"
    for path in ("b.png", "../a.png", ""):
        answer = client.post(f"{place}/photos", params={"path": path}, content=photo)
        assert (answer.status_code, "none of the chosen" in answer.text) == (400, True)
    two = [("image", ("a.png", photo)), ("image", ("b.png", photo))]
    answer = client.post(f"{place}/photos", params={"path": "a.png"}, files=two)
    assert "send one photo at a time" in answer.text
    assert client.post(f"{place}/videos", content=b"x").status_code == 409
    assert client.put(f"{place}/faces/0", json={"labels": ["happy"]}).status_code == 404
    assert client.put(f"{place}/faces/0", json={"labels": [], "skipped": 1}).status_code == 400
    assert client.get(f"{place}/faces/0/image").status_code == 404
    assert client.get(f"{place}/faces/../image").status_code == 404
    assert client.get(place, params={"first": "-1"}).status_code == 400
    answer = client.get(f"{place}/download")
    assert (answer.status_code, answer.json()["error"]["kind"]) == (409, "empty")
    assert client.get(f"{PROJECTS}/nobody").json()["error"]["kind"] == "not_found"


def test_heic_without_its_extra(client: TestClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("emorec.file_kinds.reads_heif", lambda: False)
    project = opened(client, [["a.png", 1], ["b.heic", 1]])
    assert project["refused"]["b.heic"].startswith("install the extra heic: ")


def test_limits(make_client, photo: bytes):
    client = make_client(AppLimits(image_bytes=1000, video_bytes=2000))
    place = f"{PROJECTS}/{opened(client, [['a.png', 1]])['id']}"
    answer = client.post(f"{place}/photos", params={"path": "a.png"}, content=photo)
    assert answer.status_code == 413
    assert client.post(f"{place}/videos", content=b"x" * 2001).status_code == 413
    names = [[f"{'x' * 900}{number}.png", 1] for number in range(5000)]
    assert client.post(PROJECTS, json={"files": names}).status_code == 413
    assert client.put(f"{place}/labels", content=b"x" * 70_000).status_code == 413


def test_the_routes_need_the_token(make_client):
    client = make_client(token=False)
    assert client.post(PROJECTS, json={"files": [["a.png", 1]]}).status_code == 401
