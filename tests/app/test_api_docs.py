"""The examples of docs/app-api.md work, and its tables have every route and limit."""

import argparse
import re
import shlex
from pathlib import Path

import cv2
import pytest
from helpers.app_server import TOKEN
from helpers.clips import Placed, draw, write_clip
from starlette.testclient import TestClient

from emorec.app.limits import AppLimits
from emorec.app.recognizers import OPTION_NAMES, Recognizers
from emorec.app.rest_api import Api

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "app-api.md").read_text("utf-8")
COMMANDS = [
    line
    for block in re.findall(r"```\n(.*?)```", PAGE, re.DOTALL)
    for line in block.replace("\\\n", " ").splitlines()
    if line.startswith("curl ")
]

curl = argparse.ArgumentParser()
curl.add_argument("-H", dest="headers", action="append")
curl.add_argument("--data-binary", dest="body")
curl.add_argument("-F", dest="form", action="append")
curl.add_argument("-X", dest="method")
curl.add_argument("--data")
curl.add_argument("url")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    image = draw([Placed(120, 125)], (240, 240))
    for name in ("photo.jpg", "other.jpg"):
        cv2.imwrite(str(tmp_path / name), image)
    write_clip(tmp_path / "clip.mp4", [image] * 3)
    return tmp_path


def test_examples_of_labels(make_client, files: Path, tmp_path: Path, monkeypatch):
    """They follow each other: the first opens the project of the others."""
    monkeypatch.setenv("EMOREC_CACHE", str(tmp_path / "cache"))
    client: TestClient = make_client(token=False)
    id_ = "ID"
    answers = []
    for command in filter(of_labels, COMMANDS):
        words = shlex.split(command.replace("$EMOREC_APP_TOKEN", TOKEN))[1:]
        given = curl.parse_args(words)
        headers = dict(header.split(": ") for header in given.headers)
        content: bytes | str | None = given.data
        if given.body:
            content = (files / given.body.removeprefix("@")).read_bytes()
        method = given.method or ("GET" if content is None else "POST")
        url = given.url.replace("/ID/", f"/{id_}/")
        answer = client.request(method, url, headers=headers, content=content)
        assert answer.status_code in (200, 201), answer.text
        if id_ == "ID":
            id_ = answer.json()["id"]
        answers.append(answer)
    assert len(answers) == 4
    rows = answers[-1].text.splitlines()
    assert rows[0].startswith("path,x,y,width,height,label,right_eye_x,")
    assert [row.split(",")[5] for row in rows[1:]] == ["smile"]


def of_labels(command: str) -> bool:
    return "/projects" in command


@pytest.mark.parametrize("command", [each for each in COMMANDS if "/projects" not in each])
def test_examples(make_client, files: Path, command: str):
    client: TestClient = make_client(token=False)
    words = shlex.split(command.replace("$EMOREC_APP_TOKEN", TOKEN))[1:]
    given = curl.parse_args(words)
    headers = dict(header.split(": ") for header in given.headers)
    if given.form:
        parts = [(field, path) for field, _, path in (part.partition("=@") for part in given.form)]
        content = [(field, (path, (files / path).read_bytes())) for field, path in parts]
        answer = client.post(given.url, headers=headers, files=content)
        assert len(answer.text.splitlines()) == 3  # a header and two faces
    elif given.body:
        body = (files / given.body.removeprefix("@")).read_bytes()
        answer = client.post(given.url, headers=headers, content=body)
    else:
        answer = client.get(given.url, headers=headers)
    assert answer.status_code in (200, 202), answer.text


def test_there_are_examples():
    assert len(COMMANDS) == 8


def test_every_option_is_in_the_table():
    names = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert {*OPTION_NAMES, "bars", "blur"} <= set(names)


def test_every_route_is_in_the_table(recognizers: Recognizers, tmp_path: Path):
    api = Api(recognizers, tmp_path, AppLimits())
    names = {"{id}": "ID", "{number:int}": "NUMBER"}
    routes = set()
    for route in api.routes():
        path = route.path
        for name, shown in names.items():
            path = path.replace(name, shown)
        methods = getattr(route, "methods", None) or {"WebSocket"}
        routes |= {f"{method} {path}" for method in methods - {"HEAD"}}
    api.close()
    documented = set(re.findall(r"`((?:GET|POST|PUT|DELETE) /[\w/]+)`", PAGE))
    assert routes == documented | {"WebSocket /camera"}


def test_limits_are_those_of_the_code():
    limits = AppLimits()
    for text in (
        f"{limits.image_bytes // 2**20} MiB and 134 million pixels",
        f"{limits.images_bytes // 2**30} GiB and {limits.image_count} images",
        f"{limits.video_bytes // 2**30} GiB (`--max-video`) and {limits.video_s / 3600:g} hours",
        f"{limits.frame_bytes // 2**20} MiB and {limits.frame_pixels / 1e6:.1f} million pixels",
        f"{limits.waiting} that wait, one video, {limits.camera_count} cameras",
        f"{limits.session_count} sessions",
        f"{limits.photo_count:,} photos and {limits.face_count:,} faces",
        f"{limits.labelled_frames} frames of a video",
        f"{limits.project_count} choices of photos to label",
    ):
        assert text in PAGE
