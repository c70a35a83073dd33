"""Finds near-duplicate images, also after scaling, brightness changes or recompression.

A perceptual hash (64 signs of the cosine transform, after Zauner 2010, "Implementation and
Benchmarking of Perceptual Image Hash Functions") proposes pairs; the distance of their pixels,
normalised for brightness and contrast, confirms them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from emorec.datasets.readers.image_files import RawImage, decode_gray
from emorec.datasets.readers.rows import SPLITS
from emorec.errors import DataError
from emorec.headers import read_header
from emorec.images import Image, decode_image
from emorec.threads import ProgressCallback, run_in_threads

SIDE = 32

MAX_BITS = 7
"""Largest Hamming distance of the hashes of near duplicates."""

MAX_DISTANCE = 0.4
"""Largest root mean square distance of two thumbnails whose standard deviation is 1.

In FER-2013, 24 of 24 inspected pairs between 0.3 and 0.4 show the same photo, and 22 of 24 between
0.4 and 0.6.
"""

MIN_CONTRAST = 4.0
"""Standard deviation in grey levels below which an image is blank and cannot be compared."""

_BANDS = 8


@dataclass(frozen=True)
class Thumbnails:
    """Small versions of images.

    Attributes:
        pixels: Grey, shape (n, 32, 32), uint8; all 0 where an image is unreadable.
        spread: Standard deviation of the grey levels of each full image, shape (n,).
        faults: Reason why an image is unreadable, by index.
    """

    pixels: Image
    spread: npt.NDArray[np.float32]
    faults: dict[int, str]


def thumbnails(files: Sequence[RawImage], progress: ProgressCallback | None = None) -> Thumbnails:
    """Decode and downscale images, in threads."""
    pixels = np.zeros((len(files), SIDE, SIDE), np.uint8)
    spread = np.zeros(len(files), np.float32)
    faults: dict[int, str] = {}

    def shrink(index: int) -> None:
        file = files[index]
        try:
            image = _decode_small(file.location, file.read())
        except DataError as error:
            faults[index] = str(error).removeprefix(f"{file.location}: ")
            return
        spread[index] = cv2.meanStdDev(image)[1][0, 0]
        pixels[index] = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)

    run_in_threads(shrink, len(files), progress)
    return Thumbnails(pixels, spread, faults)


_REDUCED = (
    (8, cv2.IMREAD_REDUCED_GRAYSCALE_8),
    (4, cv2.IMREAD_REDUCED_GRAYSCALE_4),
    (2, cv2.IMREAD_REDUCED_GRAYSCALE_2),
)
"""Factors by which OpenCV reduces an image while it decodes it, and their flags."""


def _decode_small(location: str, data: bytes) -> Image:
    """Decode an image as grey, reduced to not less than four times the side of a thumbnail.

    A JPEG photo of 1600x1200 takes a quarter of the time.
    """
    header = read_header(data)
    side = min(header.size_wh) if header is not None else 0
    flags = [flag for factor, flag in _REDUCED if side >= 4 * SIDE * factor]
    return decode_image(location, data, flags[0]) if flags else decode_gray(location, data)


def near_duplicates(thumbs: Thumbnails) -> list[tuple[int, int]]:
    """Find all pairs of near-duplicate images.

    Images without contrast, such as black ones, are never in a pair.

    Returns:
        Pairs of indices, the smaller one first, sorted.
    """
    textured = np.flatnonzero(thumbs.spread >= MIN_CONTRAST)
    if len(textured) < 2:
        return []
    standard = np.empty((len(textured), SIDE * SIDE), np.float32)
    hashes = np.empty(len(textured), np.uint64)
    for start in range(0, len(textured), 4096):
        part = thumbs.pixels[textured[start : start + 4096]].astype(np.float32)
        part -= part.mean(axis=(1, 2), keepdims=True)
        part /= part.std(axis=(1, 2), keepdims=True).clip(1e-3)
        standard[start : start + 4096] = part.reshape(len(part), -1)
        hashes[start : start + 4096] = _hashes(part)
    first, second = _candidates(hashes)
    near = np.empty(len(first), bool)
    for start in range(0, len(first), 65536):
        part_of = slice(start, start + 65536)
        difference = standard[first[part_of]] - standard[second[part_of]]
        near[part_of] = (difference**2).mean(axis=1) <= MAX_DISTANCE**2
    pairs = np.stack([textured[first[near]], textured[second[near]]], axis=1)
    return sorted((int(min(pair)), int(max(pair))) for pair in pairs)


def _hashes(images: npt.NDArray[np.float32]) -> npt.NDArray[np.uint64]:
    """Return the signs of the 64 lowest frequencies except the mean, as bits."""
    wave = np.arange(SIDE)
    basis = np.cos(np.pi * (wave + 0.5) * np.arange(9)[:, None] / SIDE).astype(np.float32)
    spectrum = np.matmul(np.matmul(basis, images), basis.T)
    low = spectrum.reshape(len(images), 81)[:, [i for i in range(81) if i // 9 + i % 9][:64]]
    bits = low > np.median(low, axis=1, keepdims=True)
    return np.ascontiguousarray(np.packbits(bits, axis=1)).view(np.uint64).ravel()


def _candidates(
    hashes: npt.NDArray[np.uint64],
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return the pairs whose hashes differ in at most `MAX_BITS` bits.

    Two hashes that differ in fewer bits than the number of bands agree in at least one band, so
    only images with equal bits in a band are compared.
    """
    ones = np.array([bin(value).count("1") for value in range(256)], np.uint8)
    octets = hashes.view(np.uint8).reshape(-1, 8)
    found: set[tuple[int, int]] = set()
    for band in range(_BANDS):
        order = np.argsort(octets[:, band], kind="stable")
        bounds = np.flatnonzero(np.diff(octets[order, band])) + 1
        for bucket in np.split(order, bounds):
            for start in range(0, len(bucket), 256):
                part = bucket[start : start + 256]
                rest = bucket[start:]
                difference = (hashes[part][:, None] ^ hashes[rest][None, :]).view(np.uint8)
                distance = ones[difference.reshape(len(part), len(rest), 8)].sum(axis=2)
                rows, columns = np.nonzero(np.triu(distance <= MAX_BITS, 1))
                both = zip(part[rows].tolist(), rest[columns].tolist(), strict=True)
                found.update((min(pair), max(pair)) for pair in both)
    pairs = np.array(sorted(found), np.intp).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def find_leaks(pairs: Sequence[tuple[int, int]], splits: Sequence[str]) -> dict[int, int]:
    """Find the images of train and validation that are also in a later split.

    Args:
        pairs: Near duplicates, as indices.
        splits: Split of each image.

    Returns:
        For each image of train with a near duplicate in validation or test, and each of
        validation with one in test, that other image; sorted by index.
    """
    found: dict[int, int] = {}
    for pair in pairs:
        low, high = sorted(pair, key=lambda index: SPLITS.index(splits[index]))
        if splits[low] != splits[high]:
            known = found.get(low)
            if known is None or SPLITS.index(splits[high]) > SPLITS.index(splits[known]):
                found[low] = high
    return dict(sorted(found.items()))
