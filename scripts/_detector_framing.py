"""Comparison of the boxes of YuNet and the Haar cascade around the same face."""

from pathlib import Path

import cv2
import numpy as np
from _padded_faces import best_box, padded_image

from emorec.datasets.manifest import read_prepared
from emorec.detection.haar import HaarDetector
from emorec.detection.yunet import YuNetDetector

IMAGES = 500


def print_framing(data: Path, yunet: Path) -> None:
    """Print the relative size and offset of Haar's squares, in units of YuNet's side."""
    examples = read_prepared(data).examples("train").limited(IMAGES)
    haar, network = HaarDetector(), YuNetDetector(yunet)
    cv2.setNumThreads(1)
    rows = []
    for path in examples.paths:
        image = padded_image(path)
        one, other = best_box(haar, image), best_box(network, image)
        if one and other:
            centering = (one.width - other.width) / 2
            rows.append(
                (
                    one.width / other.width,
                    (one.x + centering - other.x) / other.width,
                    (one.y + centering - other.y) / other.width,
                )
            )
    side, right, down = np.median(rows, axis=0)
    print(
        f"both detect a face in {len(rows)} of {len(examples.paths)} training images; "
        f"Haar's square relative to YuNet's (medians): side {side:.3f}, "
        f"{right:+.3f} to the right, {down:+.3f} down"
    )
