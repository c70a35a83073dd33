from pathlib import Path

import cv2
import numpy as np
import pytest

from emorec.datasets.manifest import Examples
from emorec.evaluation import mistakes
from emorec.evaluation.mistakes import confident_mistakes
from emorec.labels import EMOTIONS_7, VOTE_CLASSES

TRUTH = (0, 1, 2, 3)
PATHS = [Path(f"{number}.png") for number in range(4)]
VOTES = np.zeros((4, len(VOTE_CLASSES)), np.int64)
VOTES[1, [0, 3, 9]] = 3, 6, 1
EXAMPLES = Examples(PATHS, np.eye(7, dtype=np.float32)[list(TRUTH)], EMOTIONS_7, VOTES)
IMAGES = np.arange(4 * 6 * 6 * 3).reshape(4, 6, 6, 3).astype(np.uint8)


def answers(*pairs: tuple[int, float]) -> np.ndarray:
    rows = np.array([[(1 - share) / 6] * 7 for _, share in pairs])
    rows[range(len(pairs)), [answer for answer, _ in pairs]] = [share for _, share in pairs]
    return rows


def test_only_mistakes_and_the_most_confident_first() -> None:
    found = confident_mistakes(answers((0, 0.9), (5, 0.6), (3, 0.8), (3, 0.7)), EXAMPLES, IMAGES)
    assert [(e.path.name, e.label, e.predicted) for e in found] == [
        ("2.png", "fear", "happy"),
        ("1.png", "disgust", "sad"),
    ]
    assert found[0].confidence == pytest.approx(0.8)
    assert [e.votes for e in found] == ["", "sad 6, neutral 3, not face 1"]


def test_the_image_is_the_input_of_the_model() -> None:
    (found,) = confident_mistakes(answers((0, 0.9), (1, 0.6), (3, 0.8), (3, 0.7)), EXAMPLES, IMAGES)
    data = np.frombuffer(found.to_png(), np.uint8)
    np.testing.assert_array_equal(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB), IMAGES[2])
    gray = Examples(PATHS, EXAMPLES.targets, EMOTIONS_7)
    first, *_ = confident_mistakes(answers(*[(6, 0.5)] * 4), gray, IMAGES[..., :1])
    data = np.frombuffer(first.to_png(), np.uint8)
    np.testing.assert_array_equal(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), IMAGES[0, ..., 0])
    assert first.votes == ""


def test_there_is_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mistakes, "MAX_MISTAKES", 3)
    assert len(confident_mistakes(answers(*[(6, 0.5)] * 4), EXAMPLES, IMAGES)) == 3
    assert confident_mistakes(answers(*[(n, 0.5) for n in TRUTH]), EXAMPLES, IMAGES) == ()
