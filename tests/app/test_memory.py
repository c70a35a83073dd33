"""The memory of the app does not grow with the number of photos and frames."""

import json
import re
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest
from helpers.app_server import RunningApp, running_app
from helpers.clips import Placed, crossing, draw, write_clip

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the memory is read from /proc"),
]

MOST_MB = 40
"""Growth that is allowed after a warm-up; buffers of the allocator vary by some MB."""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    with running_app(tmp_path_factory.mktemp("memory")) as running:
        yield running


def memory_mb(app: RunningApp) -> float:
    text = Path(f"/proc/{app.process.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", text)
    assert found
    return int(found[1]) / 1024


def ask(app: RunningApp, path: str, body: bytes | None = None) -> Any:
    headers = {"Authorization": f"Bearer {app.token}"}
    request = urllib.request.Request(f"{app.base}/api/v1/{path}", body, headers)
    with urllib.request.urlopen(request, timeout=600) as answer:
        return json.load(answer)


def send_photos(app: RunningApp, count: int) -> None:
    image = draw([Placed(300, 240, 200), Placed(800, 300, 250)], (1280, 720))
    photo = cv2.imencode(".jpg", image)[1].tobytes()
    for number in range(count):
        (record,) = ask(app, f"recognize?name={number}.jpg", photo)["images"]
        assert len(record["faces"]) == 2


@pytest.mark.parametrize("count", [40, pytest.param(500, marks=pytest.mark.long)])
def test_photos(app: RunningApp, count: int):
    send_photos(app, 20)
    before = memory_mb(app)
    send_photos(app, count)
    after = memory_mb(app)
    print(f"{count} photos: {before:.0f} MB before, {after:.0f} MB after")
    assert after - before < MOST_MB


@pytest.mark.parametrize("frames", [300, pytest.param(10_000, marks=pytest.mark.long)])
def test_a_video(app: RunningApp, frames: int, tmp_path: Path):
    images = (draw(faces, (320, 240)) for faces in crossing(frames))
    data = write_clip(tmp_path / "clip.mp4", images).read_bytes()
    id_ = ask(app, "videos?name=clip.mp4", data)["id"]
    early = None
    while (session := ask(app, f"sessions/{id_}"))["state"] in ("waiting", "running"):
        if early is None and session["frames"] > 100:
            early = memory_mb(app)
        time.sleep(0.05)
    after = memory_mb(app)
    print(f"{frames} frames: {early or 0:.0f} MB at 100, {after:.0f} MB after")
    assert (session["state"], session["frames"]) == ("done", frames)
    assert early is not None
    assert after - early < MOST_MB
