import warnings

import cv2
import numpy as np
import pytest

from emorec.batch.timeline_plot import draw_timeline
from emorec.batch.video_summary import VideoSummary
from emorec.media.drawing import COLORS
from emorec.types import Box, Face, FaceEmotion, Prediction


def test_own_labels() -> None:
    """Each has its own colour, and what no font has is escaped rather than drawn as boxes."""
    summary = VideoSummary("a.mp4", 0.1, timeline=True)
    for number in range(30):
        prediction = Prediction({"müde": 0.5, "\U000f0000": 0.25, "b": 0.25})
        face = FaceEmotion(Face(Box(0, 0, 9, 9), "stub", 1.0), prediction, 1)
        summary.add([face], number / 10)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        image = cv2.imdecode(np.frombuffer(draw_timeline(summary.finish(), 3), np.uint8), 1)
    shares = [(image == color).all(axis=2).mean() for color in list(COLORS.values())[:3]]
    assert shares[0] > 1.5 * shares[1] > 0.05
    assert shares[0] > 1.5 * shares[2] > 0.05


@pytest.mark.parametrize("faces", [0, 1, 3, 40])
def test_timeline(faces: int) -> None:
    summary = VideoSummary("a.mp4", 0.1, timeline=True)
    for number in range(100):
        share = number / 100
        prediction = Prediction({"happy": share, "sad": 1 - share, "other": 0.0})
        # Face 1 is out of sight in the middle; the last one is visible once.
        faces_now = [
            FaceEmotion(Face(Box(0, 0, 9, 9), "stub", 1.0), prediction, id_)
            for id_ in range(1, faces + 1)
            if not (id_ == 1 and 40 <= number < 60) and (id_ < faces or number == 3)
        ]
        summary.add(faces_now, number / 10)
    height = cv2.imdecode(np.frombuffer(draw_timeline(summary.finish(), 10), np.uint8), 1).shape[0]
    assert height == pytest.approx(120 * (1.6 + 1.3 * max(min(faces, 12), 1)), abs=2)
