"""The app's results are the documents that `emorec detect` writes."""

import io
import json
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from helpers.clips import Placed, draw
from starlette.testclient import TestClient

from emorec.cli.main import main

RECOGNIZE = "/api/v1/recognize"


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "two faces.jpg"
    cv2.imwrite(str(path), draw([Placed(120, 125), Placed(350, 145, 130)]))
    return path


def detected(folder: Path, *arguments: str) -> str:
    """What `emorec detect` prints in a folder."""
    import os

    before = Path.cwd()
    os.chdir(folder)
    try:
        done = CliRunner().invoke(main, ["detect", "--no-save", *arguments])
    finally:
        os.chdir(before)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ({}, []),
        ({"classes": "8", "min_confidence": "0.99"}, ["--classes", "8", "--min-confidence", ".99"]),
        (
            {"model": "emorec-nano", "prior": "balanced", "flip": "1"},
            ["--model", "emorec-nano", "--prior", "balanced", "--flip"],
        ),
        ({"detector": "haar", "align": "off"}, ["--detector", "haar", "--align", "off"]),
        ({"detector": "none"}, ["--detector", "none"]),
    ],
)
def test_json_equals_that_of_detect(client: TestClient, photo: Path, query: dict, options: list):
    name = {"name": photo.name, **query}
    answer = client.post(RECOGNIZE, params=name, content=photo.read_bytes())
    expected = json.loads(detected(photo.parent, photo.name, "--json", *options))
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == expected
    assert expected["images"][0]["faces"]


def test_csv_equals_that_of_detect(client: TestClient, photo: Path):
    query = {"name": photo.name, "format": "csv"}
    answer = client.post(RECOGNIZE, params=query, content=photo.read_bytes())
    assert answer.text == detected(photo.parent, photo.name, "--csv", "-")
    assert answer.headers["content-disposition"].startswith("attachment")


def test_png_shows_the_faces(client: TestClient, photo: Path):
    query = {"format": "png", "bars": "1"}
    answer = client.post(RECOGNIZE, params=query, content=photo.read_bytes())
    image = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
    before = cv2.imread(str(photo))
    assert answer.content[:4] == b"\x89PNG"
    assert image.shape == before.shape
    assert (image != before).any(axis=2).mean() > 0.02


def test_png_can_be_blurred(client: TestClient, photo: Path):
    query = {"format": "png", "blur": "box"}
    answer = client.post(RECOGNIZE, params=query, content=photo.read_bytes())
    image = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
    # The middle of both faces is black.
    assert image[120:130, 110:130].max() == image[140:150, 340:360].max() == 0


def test_zip_holds_all_of_several_images(client: TestClient, photo: Path):
    data = photo.read_bytes()
    names = ["a.jpg", "A.jpg", "../../x/a.jpg", "broken.jpg"]
    files = [("image", (name, data if name != "broken.jpg" else b"x")) for name in names]
    answer = client.post(RECOGNIZE, params={"format": "zip"}, files=files)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == [
            *("results.json", "results.csv", "a-emotions.png", "A-2-emotions.png"),
            "a-3-emotions.png",
        ]
        document = json.loads(archive.read("results.json"))
    assert [image["source"] for image in document["images"]] == [
        "a.jpg",
        "A.jpg",
        "a.jpg",
        names[3],
    ]
    assert [image["status"] for image in document["images"]] == ["ok", "ok", "ok", "unreadable"]
    assert document["images"][3]["error"].startswith("broken.jpg: not a readable image")


def test_the_messages_name_no_path_of_the_server(client: TestClient, tmp_path: Path):
    for query in ({}, {"name": "../x.jpg"}):
        answer = client.post(RECOGNIZE, params=query, content=b"no image")
        message = answer.json()["error"]["message"]
        assert (answer.status_code, str(tmp_path) in message) == (422, False)
        assert message.startswith(f"{(query and 'x.jpg') or 'image'}: not a readable image")


def test_several_images_are_no_png(client: TestClient, photo: Path):
    files = [("image", ("a.jpg", photo.read_bytes()))] * 2
    answer = client.post(RECOGNIZE, params={"format": "png"}, files=files)
    assert (answer.status_code, answer.json()["error"]["kind"]) == (422, "data")
    assert "format=zip" in answer.json()["error"]["message"]


def test_a_pixel_bomb_is_refused(client: TestClient):
    bomb = bytearray(cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes())
    bomb[16:24] = (50_000).to_bytes(4, "big") * 2
    answer = client.post(RECOGNIZE, content=bytes(bomb))
    assert answer.status_code == 422
    assert "the limit is 134 megapixels" in answer.json()["error"]["message"]


def test_nothing_stays_on_the_disk(client: TestClient, photo: Path, tmp_path: Path):
    for format_ in ("json", "csv", "png", "zip"):
        client.post(RECOGNIZE, params={"format": format_}, content=photo.read_bytes())
    client.post(RECOGNIZE, content=b"broken")
    assert list((tmp_path / "app").iterdir()) == []


def test_metadata_of_cameras_are_in_no_output(client: TestClient, photo: Path):
    """GPS and everything else of EXIF stays in the photo."""
    secret = b"Exif\0\0II*\0\x08\0\0\0\0\0GPS-51.5N-0.1W"
    data = photo.read_bytes()
    segment = b"\xff\xe1" + (len(secret) + 2).to_bytes(2, "big") + secret
    tagged = data[:2] + segment + data[2:]
    for format_ in ("json", "csv", "png"):
        answer = client.post(RECOGNIZE, params={"format": format_}, content=tagged)
        assert answer.status_code == 200
        assert b"GPS-51.5N" not in answer.content
        assert b"eXIf" not in answer.content
