"""Decoded images in a file of the user's cache."""

import logging
import os
from pathlib import Path

import numpy as np
import pytest
from helpers.checkouts import noise_png

from emorec.datasets import image_cache, loading
from emorec.datasets.image_cache import cached_images
from emorec.datasets.loading import load_images
from emorec.errors import DataError


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    (tmp_path / "data").mkdir()
    paths = [tmp_path / "data" / f"{number}.png" for number in range(10)]
    for number, path in enumerate(paths):
        path.write_bytes(noise_png(number))
    return paths


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EMOREC_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "packs"


def cached(paths: list[Path], color: str = "gray", interpolation: str = "area") -> np.ndarray:
    return cached_images(paths, 24, color, interpolation)


def no_decoding(*_: object) -> None:
    pytest.fail("decoded again")


@pytest.mark.parametrize("color", ["gray", "rgb"])
def test_the_second_time_nothing_is_decoded(
    images: list[Path], cache: Path, monkeypatch: pytest.MonkeyPatch, color: str
) -> None:
    monkeypatch.setattr(loading, "CHUNK_BYTES", 4 * 24 * 24 * 3)
    calls: list[tuple[int, int]] = []
    expected = load_images(images, 24, color, "area")
    found = cached_images(images, 24, color, "area", lambda *counts: calls.append(counts))
    np.testing.assert_array_equal(found, expected)
    assert calls[-1] == (10, 10)
    (file,) = cache.iterdir()
    assert file.stat().st_size < expected.nbytes + 200
    monkeypatch.setattr(image_cache, "decoded_chunks", no_decoding)
    again = cached(images, color)
    np.testing.assert_array_equal(again, expected)
    assert isinstance(again.base, np.memmap)
    assert not again.flags.writeable


def test_no_images_need_no_file(cache: Path) -> None:
    assert cached([]).shape == (0, 24, 24, 1)


def test_every_setting_and_every_change_of_the_images_has_its_own_file(
    images: list[Path], cache: Path
) -> None:
    cached(images)
    for other in (
        lambda: cached(images, color="rgb"),
        lambda: cached(images, interpolation="linear"),
        lambda: cached_images(images, 25, "gray", "area"),
        lambda: cached(images[:9]),
        lambda: cached(images[::-1]),
    ):
        before = len(list(cache.iterdir()))
        other()
        assert len(list(cache.iterdir())) == before + 1
    stamp = images[3].stat().st_mtime_ns
    images[3].write_bytes(noise_png(77))
    os.utime(images[3], ns=(stamp + 1, stamp + 1))
    np.testing.assert_array_equal(cached(images), load_images(images, 24, "gray", "area"))


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data + b"x",
        lambda data: data[:100],
        lambda data: data[:300] + bytes([data[300] ^ 1]) + data[301:],
        lambda data: b"\x80\x04}." + data[4:],
    ],
    ids=["empty", "shorter", "longer", "header only", "one bit", "pickle"],
)
def test_a_damaged_file_is_rebuilt(images: list[Path], cache: Path, damage) -> None:
    expected = cached(images).copy()
    (file,) = cache.iterdir()
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    np.testing.assert_array_equal(cached(images), expected)
    assert file.read_bytes() == whole


def test_unreadable_images_are_reported_as_without_a_cache(images: list[Path], cache: Path) -> None:
    images[7].write_bytes(b"")
    with pytest.raises(DataError, match=r"7\.png: the file is empty"):
        cached(images)
    assert list(cache.iterdir()) == []
    images[4].unlink()
    with pytest.raises(DataError, match=r"4\.png: no such file \(and 1 more images\)"):
        cached(images)


def test_without_a_cache_the_images_are_held_in_memory(
    images: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("EMOREC_CACHE", str(tmp_path / "file"))
    np.testing.assert_array_equal(cached(images), load_images(images, 24, "gray", "area"))
    (message,) = caplog.messages
    assert "held in memory" in message
    assert "EMOREC_CACHE" in message
    assert "\n" not in message


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_disk_leaves_no_file(
    images: list[Path], cache: Path, monkeypatch: pytest.MonkeyPatch, caplog
) -> None:
    plain_open = Path.open

    def full(self: Path, *args, **kwargs):
        return plain_open(Path("/dev/full") if ".partial-" in self.name else self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", full)
    np.testing.assert_array_equal(cached(images), load_images(images, 24, "gray", "area"))
    assert "No space left" in caplog.text
    assert list(cache.iterdir()) == []


def test_files_unused_for_long_are_deleted(
    images: list[Path], cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    cached(images)
    (first,) = cache.iterdir()
    left = cache / ".partial-1-x.npy"
    left.write_bytes(b"half")
    for file in (first, left):
        os.utime(file, (0, 0))
    cached(images)  # counts as use
    cached(images[:5])
    assert first.exists()
    assert not left.exists()
    os.utime(first, (0, 0))
    cached(images[:4])
    assert not first.exists()


def test_a_file_that_another_process_removed_meanwhile_is_no_error(
    images: list[Path], cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    gone = cache / ".partial-1-x.npy"
    gone.symlink_to(cache / "gone")  # listed, but without a status
    cached(images)
    assert caplog.text == ""
    assert len([path for path in cache.iterdir() if path != gone]) == 1
