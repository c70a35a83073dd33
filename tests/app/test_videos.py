"""Uploaded videos give the faces that `emorec detect` gives."""

import json
import time
from pathlib import Path
from typing import Any

import cv2
import pytest
from click.testing import CliRunner
from helpers.clips import crossing, draw, write_clip
from starlette.testclient import TestClient

from emorec.app.limits import AppLimits
from emorec.cli.main import main

VIDEOS = "/api/v1/videos"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("videos") / "clip.mp4"
    return write_clip(path, (draw(faces, (320, 240)) for faces in crossing(31)), 15)


def finished(client: TestClient, id_: str) -> dict[str, Any]:
    """Wait for the end of a session."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        found: dict[str, Any] = client.get(f"/api/v1/sessions/{id_}").json()
        if found["state"] not in ("waiting", "running"):
            return found
        time.sleep(0.05)
    raise AssertionError(found)


def test_the_faces_are_those_of_detect(client: TestClient, clip: Path, tmp_path: Path):
    answer = client.post(VIDEOS, params={"name": "../my clip.mp4"}, content=clip.read_bytes())
    assert (answer.status_code, answer.json()["name"]) == (202, "my clip.mp4")
    id_ = answer.json()["id"]
    assert answer.headers["location"] == f"/api/v1/sessions/{id_}"
    session = finished(client, id_)
    target = tmp_path / "faces.json"
    arguments = ["detect", str(clip), "--no-save", "--json-file", str(target)]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    document = json.loads(target.read_text())
    (summary,) = document["videos"]
    assert (session["state"], session["error"], session["frames"]) == ("done", None, 31)
    assert session["people"] == summary["tracks"]
    assert session["duration_s"] == summary["duration_s"]
    compact = client.get(f"/api/v1/sessions/{id_}/frames").json()
    assert [len(faces) for _, faces in compact["frames"]] == [
        len(image["faces"]) for image in document["images"]
    ]
    for (time_s, faces), image in zip(compact["frames"], document["images"], strict=True):
        assert time_s == pytest.approx(image["time_s"], abs=1e-4)
        for short, face in zip(faces, image["faces"], strict=True):
            assert short[:5] == [face["id"], *face["box"]]
            assert compact["labels"][short[5]] == face["emotion"]
    # The upload is not kept.
    kept = sorted(path.name for path in (tmp_path / "app" / id_).rglob("*"))
    assert kept == ["frames.csv", "frames.jsonl", "session", "session.json"]


def test_a_damaged_video(client: TestClient):
    id_ = client.post(VIDEOS, params={"name": "a.mp4"}, content=b"no video").json()["id"]
    session = finished(client, id_)
    assert session["state"] == "failed"
    assert session["error"].startswith("a.mp4: ")


def test_a_video_that_ends_early_keeps_its_frames(client: TestClient, clip: Path):
    data = clip.with_suffix(".avi")
    write_clip(data, (draw(faces, (320, 240)) for faces in crossing(31)), 15)
    cut = data.read_bytes()[: data.stat().st_size // 2]
    id_ = client.post(VIDEOS, params={"name": "a.avi"}, content=cut).json()["id"]
    session = finished(client, id_)
    assert session["state"] == "done"
    assert 5 < session["frames"] < 31
    assert session["error"].startswith("a.avi: ")


def test_cancelling_deletes_everything(client: TestClient, clip: Path, tmp_path: Path):
    ids = [client.post(VIDEOS, content=clip.read_bytes()).json()["id"] for _ in range(2)]
    for id_ in ids:
        assert client.delete(f"/api/v1/sessions/{id_}").status_code == 204
        assert client.get(f"/api/v1/sessions/{id_}").status_code == 404
    assert client.get("/api/v1/sessions").json() == {"sessions": []}
    deadline = time.monotonic() + 60
    while list((tmp_path / "app").iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert list((tmp_path / "app").iterdir()) == []


def test_the_length_is_limited(make_client, clip: Path):
    client = make_client(AppLimits(video_s=1.0))
    session = finished(client, client.post(VIDEOS, content=clip.read_bytes()).json()["id"])
    assert (session["state"], session["frames"]) == ("done", 15)
    assert session["note"].startswith("only the first")


def test_the_annotated_video(client: TestClient, clip: Path, tmp_path: Path):
    query = {"name": "clip.mov", "annotate": "1", "blur": "box"}
    id_ = client.post(VIDEOS, params=query, content=clip.read_bytes()).json()["id"]
    session = finished(client, id_)
    assert session["annotated"], session
    answer = client.get(f"/api/v1/sessions/{id_}/video", headers={"Range": "bytes=0-99"})
    assert (answer.status_code, len(answer.content)) == (206, 100)
    assert answer.content[4:8] == b"ftyp"
    assert answer.headers["content-type"] == "video/mp4"
    marked = tmp_path / "marked.mp4"
    marked.write_bytes(client.get(f"/api/v1/sessions/{id_}/video").content)
    capture = cv2.VideoCapture(str(marked))
    done, image = capture.read()
    capture.release()
    x, y, width, height = client.get(f"/api/v1/sessions/{id_}/frames").json()["frames"][0][1][0][
        1:5
    ]
    assert done
    assert image[y + height // 2, x + width // 2].max() < 40, "the face is filled"


def test_there_is_no_annotated_video_unless_asked(client: TestClient, clip: Path):
    id_ = client.post(VIDEOS, content=clip.read_bytes()).json()["id"]
    finished(client, id_)
    assert client.get(f"/api/v1/sessions/{id_}/video").status_code == 404


def test_an_empty_upload_leaves_no_session(client: TestClient):
    assert client.post(VIDEOS).status_code == 400
    assert client.get("/api/v1/sessions").json() == {"sessions": []}
