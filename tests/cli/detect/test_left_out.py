"""Files of folders that are not read: the note, the JSON document, --strict."""

import json
from pathlib import Path

import pytest
from helpers.detect_command import (
    TwoFacesDetector,
    enter_workplace,
    lines,
    make_clip,
    run,
    write_gray,
)

from emorec import file_kinds
from emorec.installation import install_command

LEFT_OUT = f"left out: 3 .txt, 2 .heic (install the extra heic: {install_command('heic')})"


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch) -> None:
    enter_workplace(tmp_path, monkeypatch, TwoFacesDetector)
    monkeypatch.setattr(file_kinds, "reads_heif", lambda: False)


def fill_folder() -> None:
    write_gray("f/a.jpg")
    for name in ("a.heic", "b.HEIC", "1.txt", "2.txt", "3.txt", ".DS_Store", "._a.jpg"):
        Path("f", name).touch()


def test_a_clean_folder_has_no_note():
    write_gray("f/a.jpg")
    result = run("f", "--no-save", "--json-file", "a.json", "--strict")
    assert (result.exit_code, result.stderr) == (0, "")
    assert json.loads(Path("a.json").read_text())["left_out"] == {}


def test_what_is_left_out_is_named_at_the_end():
    fill_folder()
    result = run("f", "--no-save", "--json-file", "a.json")
    assert result.exit_code == 0
    assert result.stderr == f"warning: {LEFT_OUT}\n"
    document = json.loads(Path("a.json").read_text())
    assert document["left_out"] == {".txt": 3, ".heic": 2}
    assert [image["source"] for image in document["images"]] == ["f/a.jpg"]


def test_strict_is_an_error_before_any_work():
    fill_folder()
    result = run("f", "--no-save", "--jsonl", "a.jsonl", "--strict")
    assert result.exit_code == 4
    assert f"--strict: {LEFT_OUT}" in result.stderr
    assert not Path("a.jsonl").exists()
    assert run("f", "--no-save", "--glob", "*.jpg", "--strict").exit_code == 0


def test_a_video_named_like_an_image_is_a_video():
    Path(make_clip("clip.avi", frames=3)).rename("clip.jpg")
    result = run("clip.jpg", "--no-save", "--jsonl", "r.jsonl")
    assert result.exit_code == 0
    assert [line["frame"] for line in lines()] == [0, 1, 2]
    Path(write_gray("photo.jpg")).rename("photo.mp4")
    result = run("photo.mp4", "--no-save", "--jsonl", "r.jsonl")
    assert result.exit_code == 0
    assert [(line["frame"], line["status"]) for line in lines()] == [(None, "ok")]
