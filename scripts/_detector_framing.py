"""Compares where YuNet and the Haar cascade put the square around the same face."""

from pathlib import Path

import cv2
import numpy as np
from bench_robustness import best_box, padded_image

from emorec.datasets.manifest import read_prepared
from emorec.detection.haar import HaarDetector
from emorec.detection.yunet import YuNetDetector

IMAGES = 500


def print_framing(data: Path, yunet: Path) -> None:
    """Print how much larger and how far off Haar's squares are, in parts of YuNet's side."""
    examples = read_prepared(data).examples("train").limited(IMAGES)
    haar, network = HaarDetector(), YuNetDetector(yunet)
    cv2.setNumThreads(1)
    rows = []
    for path in examples.paths:
        picture = padded_image(path)
        one, other = best_box(haar, picture), best_box(network, picture)
        if one and other:
            middle = (one.width - other.width) / 2
            rows.append(
                (
                    one.width / other.width,
                    (one.x + middle - other.x) / other.width,
                    (one.y + middle - other.y) / other.width,
                )
            )
    side, right, down = np.median(rows, axis=0)
    print(
        f"both find {len(rows)} of {len(examples.paths)} training images; Haar's square against "
        f"YuNet's (medians): side {side:.3f}, {right:+.3f} to the right, {down:+.3f} down"
    )
