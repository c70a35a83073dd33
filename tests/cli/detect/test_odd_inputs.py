"""Real files of unusual formats, with the default detector and the shipped model."""

import json
from pathlib import Path

import pytest
from helpers.detect_command import lines, run


@pytest.fixture
def cases(shared_data: Path, tmp_path: Path, monkeypatch) -> Path:
    """The folder of the files; its README says what is right for each."""
    monkeypatch.chdir(tmp_path)
    return shared_data.parent / "cases"


@pytest.mark.real
@pytest.mark.parametrize(
    "name", ["rotated.avif", "photo.JFIF", "photo.heic", "gray-12-bits-in-16.png"]
)
def test_images(cases: Path, name: str):
    """All show the bundled photo, whose face is at 224, 115 if it is upright."""
    result = run(str(cases / name), "--no-save", "--json")
    assert result.exit_code == 0
    (image,) = json.loads(result.stdout)["images"]
    assert [image["status"], image["width"], image["height"]] == ["ok", 512, 512]
    (face,) = image["faces"]
    left, top, width, height = face["box"]
    assert (left + width / 2, top + height / 2) == pytest.approx((224, 115), abs=12)
    assert face["emotion"] == "happy"


@pytest.mark.real
def test_an_image_that_crashes_a_decoder(cases: Path):
    broken = str(cases / "apng-default-image-is-no-frame.png")
    result = run(broken, str(cases / "photo.JFIF"), "--no-save", "--json")
    assert result.exit_code == 1
    images = json.loads(result.stdout)["images"]
    assert [image["status"] for image in images] == ["unreadable", "ok"]


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "frames", "with_face"),
    [
        ("varying-rate.webm", 20, 1),
        ("pixels-4-to-3.mp4", 30, 26),
        ("cover-picture-first.mkv", 30, 1),
    ],
)
def test_videos(cases: Path, name: str, frames: int, with_face: int):
    assert run(str(cases / name), "--no-save", "--jsonl", "r.jsonl").exit_code == 0
    records = lines()
    assert len(records) == frames
    assert sum(record["status"] == "ok" for record in records) >= with_face
