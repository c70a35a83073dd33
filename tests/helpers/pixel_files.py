"""Small synthetic pixel CSV files, as FER-2013 is published."""

import numpy as np

NUMBERS = np.random.default_rng(5).integers(0, 256, (6, 48 * 48))
"""Pixels of six images of noise, shape (6, 2304)."""

TEXTS = [" ".join(map(str, row)) for row in NUMBERS]


def pixel_csv(
    rows: list[tuple[int, str]] | None = None, header: str = "emotion,pixels,Usage", end: str = "\n"
) -> str:
    """Content of a small fer2013.csv, from the emotion and the usage of each row."""
    if rows is None:
        rows = [(3, "Training"), (0, "Training"), (6, "PublicTest"), (4, "PrivateTest")]
    lines = [f"{emotion},{TEXTS[i]},{usage}" for i, (emotion, usage) in enumerate(rows)]
    return end.join([header, *lines]) + end
