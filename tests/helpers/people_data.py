"""A small prepared data set of people, each with images of several emotions, as CK+ has them."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np

from emorec.datasets.prepared_files import GROUP, MANIFEST, SUMMARY
from helpers.tiny_data import face_like

LABELS = ("happy", "sad", "surprise")
COUNT = 12
"""Number of people."""


def make_people(root: Path, people: int = COUNT, each: int = 2) -> Path:
    """Write a prepared data set with `each` images of every label of each person.

    The test split has two further people.
    """
    generator = np.random.default_rng(0)
    rows = []
    for person in range(people + 2):
        split = "train" if person < people - 2 else "validation" if person < people else "test"
        # Everybody has a light of their own.
        light = generator.integers(-60, 60)
        for label in LABELS:
            for number in range(each):
                folder = "train" if split == "train" else "test"
                path = f"{folder}/{label}/S{person:03}_{number:03}.png"
                pixels = face_like(LABELS.index(label), generator).astype(int) + light
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(root / path), np.clip(pixels, 0, 255).astype(np.uint8))
                rows.append([path, split, split, label, "drawn", f"S{person:03}"])
    with (root / MANIFEST).open("w", newline="") as file:
        columns = ["path", "split", "usage", "label", "source", GROUP]
        csv.writer(file).writerows([columns, *rows])
    (root / SUMMARY).write_text(json.dumps({"classes": None}))
    return root
