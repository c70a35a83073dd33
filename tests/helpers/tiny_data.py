"""A small prepared data set whose classes a network separates after a few epochs."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np

from emorec.datasets.prepared_files import COLUMNS, MANIFEST, SUMMARY
from emorec.labels import EMOTIONS_7, VOTE_CLASSES

COUNTS = {"train": 12, "validation": 6, "test": 4}
USAGES = {"train": "Training", "validation": "PublicTest", "test": "PrivateTest"}


def face_like(emotion: int, generator: np.random.Generator, size: int = 48) -> np.ndarray:
    """Noisy stripes whose direction and width depend on the emotion; uint8, (size, size)."""
    y, x = np.mgrid[:size, :size]
    angle = np.pi * emotion / len(EMOTIONS_7)
    phase = (x * np.cos(angle) + y * np.sin(angle)) / (2 + emotion % 3)
    return np.clip(128 + 90 * np.sin(phase) + generator.normal(0, 15, (size, size)), 0, 255).astype(
        np.uint8
    )


def make_prepared(root: Path, votes: bool = True) -> Path:
    """Write a prepared data set of the seven emotions; without votes it has no manifest either."""
    generator = np.random.default_rng(0)
    rows = []
    for split, count in COUNTS.items():
        folder = "train" if split == "train" else "test"
        for number, emotion in enumerate(EMOTIONS_7 * count):
            path = f"{folder}/{emotion}/{split}{number:04}.png"
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            image = face_like(EMOTIONS_7.index(emotion), generator)
            cv2.imwrite(str(root / path), image)
            counts = [8 if name == emotion else 0 for name in VOTE_CLASSES]
            counts[VOTE_CLASSES.index("neutral")] += 2
            rows.append([path, split, USAGES[split], emotion, *counts, "tiny"])
    if votes:
        with (root / MANIFEST).open("w", newline="") as file:
            csv.writer(file).writerows([COLUMNS, *rows])
        (root / SUMMARY).write_text(json.dumps({"policy": "dominant", "classes": 7}))
    return root
