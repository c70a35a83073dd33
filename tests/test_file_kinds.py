"""What a file is: by its name, by its content, and what is said of files that are left out."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from emorec import file_kinds
from emorec.file_kinds import (
    count_kinds,
    image_format,
    is_hidden,
    is_hidden_path,
    is_image_name,
    is_readable_image_name,
    is_text_file,
    is_video_file,
    is_video_name,
    kind_of_name,
    left_out_text,
    video_format,
)
from emorec.installation import install_command


@pytest.fixture(params=[False, True], ids=["without heic", "with heic"])
def heif(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the extra `heic` is installed."""
    monkeypatch.setattr(file_kinds, "reads_heif", lambda: request.param)
    return bool(request.param)


@pytest.mark.parametrize(
    "name",
    [
        *("a.jpg", "a.JPG", "a.jpeg", "a.jpe", "a.jfif", "photo.JFIF", "a.mpo", "a.png", "a.apng"),
        *("a.gif", "a.avif", "a.AVIF", "a.webp", "a.bmp", "a.dib", "a.tif", "a.tiff", "a.pgm"),
        *("dir.txt/a.b.jpg", "a.jp2", "a.pnm", "a.hdr"),
    ],
)
def test_images_are_known_by_name_in_any_case(name: str) -> None:
    assert is_image_name(name)
    assert is_readable_image_name(name)
    assert not is_video_name(name)


@pytest.mark.parametrize("name", ["", "jpg", "a.txt", "a.jpg.txt", "a.mp4", "a.heics", "a"])
def test_other_names_are_no_images(name: str) -> None:
    assert not is_image_name(name)
    assert not is_readable_image_name(name)


@pytest.mark.parametrize("name", ["a.heic", "A.HEIF"])
def test_heif_is_read_with_its_extra_only(name: str, heif: bool) -> None:
    assert is_image_name(name)
    assert is_readable_image_name(name) is heif


@pytest.mark.parametrize(
    "name",
    [
        *(".DS_Store", "._photo.jpg", ".ipynb_checkpoints", ".git", "Thumbs.db", "THUMBS.DB"),
        *("desktop.ini", "Desktop.ini", "__MACOSX"),
    ],
)
def test_names_that_systems_add_are_hidden(name: str) -> None:
    assert is_hidden(name)
    assert is_hidden_path(f"train/{name}/a.jpg")
    assert is_hidden_path(f"train/{name}")


@pytest.mark.parametrize("name", ["a.jpg", "Thumbs.db.jpg", "_a.jpg", "macosx", "a.ini"])
def test_other_names_are_visible(name: str) -> None:
    assert not is_hidden(name)
    assert not is_hidden_path(f"train/{name}")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.txt", ".txt"),
        ("x.y/a.TAR.GZ", ".gz"),
        ("README", "without a suffix"),
        ("a.b/README", "without a suffix"),
        (".profile", "without a suffix"),
        ("a.", "without a suffix"),
        ("a.b c", "without a suffix"),
    ],
)
def test_the_kind_of_a_name(name: str, kind: str) -> None:
    assert kind_of_name(name) == kind


def test_files_that_are_left_out_are_counted_by_kind(heif: bool) -> None:
    assert count_kinds([]) == {}
    assert left_out_text([]) == ""
    names = ["a.heic", "b.HEIC", "x/c.txt", "d.txt", "e.txt", "README", "train/f.png"]
    assert list(count_kinds(names).items()) == [
        (".txt", 3),
        (".heic", 2),
        (".png", 1),
        ("without a suffix", 1),
    ]
    hint = "such as a.heic" if heif else f"install the extra heic: {install_command('heic')}"
    assert left_out_text(names) == (
        f"left out: 3 .txt, 2 .heic ({hint}), 1 .png (such as train/f.png), 1 without a suffix"
    )


def test_a_long_name_is_shortened() -> None:
    text = left_out_text(["a" * 200 + ".png"])
    assert len(text) < 120
    assert "..." in text


def encoded(suffix: str) -> bytes:
    return cv2.imencode(suffix, np.zeros((40, 40, 3), np.uint8))[1].tobytes()


IMAGES = {
    "jpeg": encoded(".jpg"),
    "png": encoded(".png"),
    "webp": encoded(".webp"),
    "bmp": encoded(".bmp"),
    "tiff": encoded(".tiff"),
    "jp2": encoded(".jp2"),
    "pnm": encoded(".ppm"),
    "gif": b"GIF89a" + bytes(182) + b"G" * 200,
    "avif": b"\0\0\0\x20ftypavif" + bytes(20),
    "heif": b"\0\0\0\x20ftypheic" + bytes(20),
}

VIDEOS = {
    "mp4": b"\0\0\0\x20ftypisom" + bytes(20),
    "matroska": b"\x1a\x45\xdf\xa3" + bytes(20),
    "avi": b"RIFF\0\0\0\0AVI LIST",
    "flv": b"FLV\x01\x05",
    "asf": b"\x30\x26\xb2\x75\x8e\x66\xcf\x11" + bytes(20),
    "ogg": b"OggS\0\x02",
    "mpeg": b"\0\0\x01\xba\x44",
    "mpeg-ts": (b"G" + bytes(187)) * 3,
}


@pytest.mark.parametrize("kind", IMAGES)
@pytest.mark.parametrize("name", ["a.jpg", "a.mp4", "a"])
def test_an_image_is_known_by_content(tmp_path: Path, kind: str, name: str) -> None:
    (tmp_path / name).write_bytes(IMAGES[kind])
    assert image_format(IMAGES[kind][:512]) == kind
    assert not is_video_file(str(tmp_path / name))


@pytest.mark.parametrize("kind", VIDEOS)
@pytest.mark.parametrize("name", ["a.jpg", "a.mp4", "a"])
def test_a_video_is_known_by_content(tmp_path: Path, kind: str, name: str) -> None:
    (tmp_path / name).write_bytes(VIDEOS[kind])
    assert image_format(VIDEOS[kind]) is None
    assert video_format(VIDEOS[kind]) == kind
    assert is_video_file(str(tmp_path / name))


def test_m2ts_has_a_time_stamp_before_each_packet(tmp_path: Path) -> None:
    assert video_format((bytes(4) + b"G" + bytes(187)) * 3) == "mpeg-ts"
    assert video_format(b"G" + bytes(300)) is None
    assert video_format(b"") is None


@pytest.mark.parametrize("content", [b"", b"text", b"\0" * 600])
def test_a_file_of_unknown_content_is_known_by_name(tmp_path: Path, content: bytes) -> None:
    for name, video in (("a.mp4", True), ("a.TS", True), ("a.jpg", False), ("a", False)):
        (tmp_path / name).write_bytes(content)
        assert is_video_file(str(tmp_path / name)) is video


def test_pipes_and_missing_files_are_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    assert is_video_file(str(tmp_path / "pipe.mp4"))
    assert is_video_file(str(tmp_path / "none.mkv"))
    assert not is_video_file(str(tmp_path / "none.jpg"))
    assert not is_video_file("a\0.jpg")


@pytest.mark.parametrize(
    ("name", "content", "is_text"),
    [
        ("list.txt", b"a.jpg\nb.jpg\n", True),
        ("LIST.TXT", b"a.jpg", True),
        ("empty.txt", b"", False),
        ("list", b"a.jpg", False),
        ("photo.txt", b"\xff\xd8\xff\xe0" + bytes(40), False),
        ("missing.txt", None, False),
    ],
)
def test_text_files(tmp_path: Path, name: str, content: bytes | None, is_text: bool) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert is_text_file(str(tmp_path / name)) is is_text
