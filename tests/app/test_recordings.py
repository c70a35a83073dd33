"""The download of a session has the files of `emorec detect --session`."""

import io
import json
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from helpers.clips import crossing, draw, write_clip
from starlette.testclient import TestClient

from emorec import resources
from emorec.cli.main import main

SESSIONS = "/api/v1/sessions"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("videos") / "clip.mp4"
    return write_clip(path, (draw(faces, (320, 240)) for faces in crossing(21)), 10)


@pytest.fixture
def session(client: TestClient, clip: Path) -> str:
    answer = client.post("/api/v1/videos", params={"name": "clip.mp4"}, content=clip.read_bytes())
    id_: str = answer.json()["id"]
    deadline = time.monotonic() + 120
    while client.get(f"{SESSIONS}/{id_}").json()["state"] != "done":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return id_


def unpacked(answer: Any) -> dict[str, str]:
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        return {name: archive.read(name).decode("utf-8", "replace") for name in archive.namelist()}


def test_the_files_are_those_of_detect(client: TestClient, session: str, clip: Path, tmp_path):
    files = unpacked(client.get(f"{SESSIONS}/{session}/download"))
    arguments = ["detect", str(clip), "--no-save", "--session", str(tmp_path / "out")]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    expected = {path.name: path for path in (tmp_path / "out").iterdir()}
    assert set(files) == set(expected)
    for name in ("frames.csv", "bins.csv", "people.csv"):
        assert files[name] == expected[name].read_text("utf-8"), name
    document = json.loads(files["session.json"])
    own = json.loads(expected["session.json"].read_text())
    assert document["model"]["sha256"] == own["model"]["sha256"]
    assert document["videos"][0]["sha256"] == own["videos"][0]["sha256"]
    assert document["videos"][0]["path"] == "clip.mp4"
    for folder in (tmp_path, resources.shipped_model().parent):
        assert str(folder) not in "".join(files.values())


def test_names_and_hidden_people(client: TestClient, session: str):
    query = {"person": ["1=Anna <b>"], "hide": ["2"]}
    answer = client.get(f"{SESSIONS}/{session}/download", params=query)
    files = unpacked(answer)
    assert "Anna <b>" in files["people.csv"]
    assert "clip.mp4-2" not in "".join(files.values())
    assert 'filename="clip-session.zip"' in answer.headers["content-disposition"]
    # The session itself keeps everybody.
    assert "clip.mp4-2" in unpacked(client.get(f"{SESSIONS}/{session}/download"))["people.csv"]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({"person": "Anna"}, "is not VIDEO:ID=NAME"),
        ({"person": "9=Anna"}, "has no face 9"),
        ({"person": ["1=Anna", "2=Anna"]}, "Anna"),
        ({"hide": "one"}, "hide must be the number of a person"),
        ({"colour": "red"}, "unknown parameter 'colour'"),
    ],
)
def test_wrong_names(client: TestClient, session: str, query: dict, text: str, tmp_path: Path):
    answer = client.get(f"{SESSIONS}/{session}/download", params=query)
    assert answer.status_code == 400
    assert text in answer.json()["error"]["message"]
    assert [path.name for path in (tmp_path / "app").iterdir()] == [session]


def test_a_failed_session_has_no_files(client: TestClient):
    id_ = client.post("/api/v1/videos", content=b"no video").json()["id"]
    deadline = time.monotonic() + 60
    while client.get(f"{SESSIONS}/{id_}").json()["state"] != "failed":
        assert time.monotonic() < deadline
    answer = client.get(f"{SESSIONS}/{id_}/download")
    assert (answer.status_code, answer.json()["error"]["kind"]) == (409, "empty")


def test_a_running_session_has_no_files_yet(client: TestClient):
    with client.websocket_connect("ws://127.0.0.1:8765/api/v1/camera") as socket:
        socket.send_json({"record": True})
        id_ = socket.receive_json()["session"]
        answer = client.get(f"{SESSIONS}/{id_}/download")
    assert (answer.status_code, answer.json()["error"]["kind"]) == (409, "running")
