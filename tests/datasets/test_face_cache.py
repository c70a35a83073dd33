"""The cache of detected faces: kept, bounded, and robust against damage."""

from pathlib import Path

import pytest

from emorec.datasets import face_cache
from emorec.datasets.face_cache import FaceCache
from emorec.types import Box, Face, Landmarks

FACES = [
    Face(Box(-3, 4, 50, 60), "yunet", 0.1 + 0.2, Landmarks(*[(1 / 3, 2.5)] * 5)),
    Face(Box(1, 2, 3, 4), "haar-profile", -7.25),
]
KEY = FaceCache.key(b"content")


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("EMOREC_CACHE", str(tmp_path))
    return tmp_path / "faces"


def only_file(folder: Path) -> Path:
    (file,) = folder.iterdir()
    return file


def test_an_empty_cache_knows_nothing():
    with FaceCache("yunet") as cache:
        assert cache.find(KEY) is None


@pytest.mark.parametrize("faces", [[], FACES])
def test_faces_are_kept_exactly_for_the_same_detector_and_content(faces: list[Face]):
    with FaceCache("yunet") as cache:
        cache.add(KEY, faces)
        assert cache.find(KEY) == faces
    with FaceCache("yunet") as cache:
        assert cache.find(KEY) == faces
        assert cache.find(FaceCache.key(b"other")) is None
    with FaceCache("haar") as cache:
        assert cache.find(KEY) is None


def test_a_killed_run_keeps_what_it_has_found(folder: Path):
    cache = FaceCache("yunet")  # never closed
    cache.add(KEY, FACES)
    with FaceCache("yunet") as other:
        assert other.find(KEY) == FACES


def test_every_truncation_costs_one_image_at_most(folder: Path):
    keys = [FaceCache.key(bytes([number])) for number in range(3)]
    with FaceCache("yunet") as cache:
        for key in keys:
            cache.add(key, FACES)
    whole = only_file(folder).read_bytes()
    for length in range(0, len(whole), 7):
        only_file(folder).write_bytes(whole[:length])
        with FaceCache("yunet") as cache:
            found = [cache.find(key) for key in keys]
            known = whole[:length].count(b"\n")
            assert found[:known] == [FACES] * known
            # The last line may be whole without its line break.
            assert all(faces in (None, FACES) for faces in found[known:])
            cache.add(KEY, FACES)
        with FaceCache("yunet") as cache:
            assert cache.find(KEY) == FACES


@pytest.mark.parametrize(
    "line",
    [
        *(b"", b"{}", b"1", b"[1]", b"[[1,2]]", b"\xff", b"[" * 10_000, b'[["a",1,2,3]]'),
        *(b'[[[1,2,3],"yunet",1,null]]', b"[[[1,2,3,4],5,1,null]]"),
        *(b'[[[1,2,3,4.5],"yunet",1,null]]', b'[[[1,2,3,4],"yunet",NaN,null]]'),
        *(b'[[[1,2,3,4],"yunet",1,[1,2,3]]]', b'[[[1,2,3,4],"yunet",1,["a"]]]'),
    ],
)
def test_damaged_lines_are_ignored(folder: Path, line: bytes):
    with FaceCache("yunet") as cache:
        cache.add(FaceCache.key(b"good"), FACES)
    with only_file(folder).open("ab") as stream:
        stream.write(KEY + b" " + line + b"\n")
    with FaceCache("yunet") as cache:
        assert cache.find(KEY) is None
        assert cache.find(FaceCache.key(b"good")) == FACES


def test_the_older_half_of_a_large_cache_is_dropped(folder: Path, monkeypatch: pytest.MonkeyPatch):
    keys = [FaceCache.key(bytes([number])) for number in range(100)]
    with FaceCache("yunet") as cache:
        for key in keys:
            cache.add(key, FACES)
    size = only_file(folder).stat().st_size
    monkeypatch.setattr(face_cache, "MAX_BYTES", size - 1)
    with FaceCache("yunet") as cache:
        found = [cache.find(key) for key in keys]
    assert only_file(folder).stat().st_size <= size / 2
    assert (found[:50], found[-45:]) == ([None] * 50, [FACES] * 45)


def test_a_cache_that_cannot_be_used_is_a_warning(folder: Path, caplog: pytest.LogCaptureFixture):
    folder.write_text("a file")
    with FaceCache("yunet") as cache:
        cache.add(KEY, FACES)
    assert "the cache of detected faces cannot be used" in caplog.text
