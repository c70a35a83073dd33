"""Decoding images into one array, in threads."""

from pathlib import Path

import numpy as np
import pytest
from helpers.checkouts import noise_png

from emorec import threads as parallel
from emorec.datasets.loading import load_images
from emorec.errors import DataError
from emorec.images import read_gray


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{number}.png" for number in range(10)]
    for number, path in enumerate(paths):
        path.write_bytes(noise_png(number))
    return paths


@pytest.mark.parametrize("color", ["gray", "rgb"])
def test_no_images_make_an_empty_array(color: str) -> None:
    found = load_images([], 48, color, "area")
    assert found.shape == (0, 48, 48, 1 if color == "gray" else 3)
    assert found.dtype == np.uint8


def test_images_keep_their_order_and_pixels(
    images: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel, "BATCH", 3)
    calls: list[tuple[int, int]] = []
    found = load_images(images, 48, "gray", "area", lambda *counts: calls.append(counts))
    assert found[..., 0].tolist() == [read_gray(path).tolist() for path in images]
    assert calls == [(3, 10), (6, 10), (9, 10), (10, 10)]


def test_unreadable_images_are_counted_and_the_first_is_named(images: list[Path]) -> None:
    images[7].write_bytes(b"")
    images[4].unlink()
    with pytest.raises(DataError, match=r"4\.png: no such file \(and 1 more images\)"):
        load_images(images, 48, "gray", "area")
    images[4].write_bytes(noise_png(4))
    with pytest.raises(DataError, match=r"7\.png: the file is empty \(0 bytes\)$"):
        load_images(images, 48, "gray", "area")
