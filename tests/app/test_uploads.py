"""Uploads are stored under names of the app's own."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from emorec.app.uploads import new_folder


def test_folders_have_names_that_nobody_can_guess(tmp_path: Path):
    with new_folder(tmp_path) as first, new_folder(tmp_path) as second:
        assert first.parent == second.parent == tmp_path
        assert len({first.name, second.name}) == 2
        assert len(first.name) == 32
        (first / "file").write_text("x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "status", "kind"),
    [
        ({"content": b""}, 400, "empty"),
        ({"data": {"a": "b"}, "files": {"c": ("d.jpg", b"e")}}, 400, "form"),
        ({"headers": {"Content-Type": "multipart/form-data"}, "content": b"x"}, 400, "form"),
        (
            {
                "headers": {"Content-Type": "multipart/form-data; boundary=x"},
                "content": b"--x--\r\n",
            },
            *(400, "empty"),
        ),
    ],
)
def test_wrong_forms(client: TestClient, arguments: dict, status: int, kind: str):
    answer = client.post("/api/v1/recognize", **arguments)
    assert (answer.status_code, answer.json()["error"]["kind"]) == (status, kind)


def test_a_name_that_is_a_path_writes_nothing_there(client: TestClient, tmp_path: Path):
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    files = {"image": ("../../../escaped.jpg", b"no image")}
    client.post("/api/v1/recognize", files=files)
    client.post("/api/v1/recognize", params={"name": "../escaped.jpg"}, content=b"no image")
    client.post("/api/v1/videos", params={"name": "../escaped.mp4"}, content=b"")
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == before
