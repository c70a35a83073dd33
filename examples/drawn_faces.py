"""Draw a small data set of cartoon faces with other labels, to try fine-tuning.

    python examples/drawn_faces.py DRAWN
    emorec train --arch compact --weights emorec --data DRAWN --epochs 3 --patience 3
    emorec evaluate runs/... --data DRAWN --split test

The labels (grin, sulk, wink) are not those of emorec, so the model gets a new head.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

LABELS = ("grin", "sulk", "wink")
SIZE = 96
IMAGES = {"train": 200, "test": 50}
"""Number of images of each label."""


def draw_face(label: str, generator: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Draw one face, grey, shape (96, 96), uint8, with random place, size, light and noise."""

    def jitter(value: float, spread: float) -> int:
        return round(value + generator.uniform(-spread, spread))

    skin, ink = jitter(180, 50), jitter(40, 30)
    face = np.full((SIZE, SIZE), jitter(110, 100), np.uint8)
    x, y = jitter(48, 4), jitter(48, 4)
    cv2.ellipse(face, (x, y), (jitter(34, 5), jitter(42, 4)), 0, 0, 360, skin, -1, cv2.LINE_AA)
    for side in (-1, 1):
        eye = (x + side * jitter(14, 2), y - jitter(12, 2))
        shut = label == "wink" and side == 1
        cv2.ellipse(face, eye, (6, 1 if shut else jitter(4, 1)), 0, 0, 360, ink, -1, cv2.LINE_AA)
    mouth, thickness = (x, y + jitter(20, 2)), jitter(3, 1)
    width, height = jitter(15, 3), jitter(9, 2)
    if label == "sulk":
        cv2.ellipse(face, mouth, (width, height), 0, 200, 340, ink, thickness, cv2.LINE_AA)
    else:
        cv2.ellipse(face, mouth, (width, height), 0, 20, 160, ink, thickness, cv2.LINE_AA)
    noisy = face + generator.normal(0, 12, face.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def main() -> None:
    """Write DEST/{train,test}/{grin,sulk,wink}/NUMBER.png."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dest", type=Path, help="folder of the data set")
    dest = parser.parse_args().dest
    generator = np.random.default_rng(0)
    for split, count in IMAGES.items():
        for label in LABELS:
            folder = dest / split / label
            folder.mkdir(parents=True, exist_ok=True)
            for number in range(count):
                cv2.imwrite(str(folder / f"{number:03}.png"), draw_face(label, generator))


if __name__ == "__main__":
    main()
