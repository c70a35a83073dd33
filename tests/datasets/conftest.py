"""Fixtures of the tests of data sets."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.checkouts import ROWS, SAD, make_checkout, noise_png
from helpers.marked_faces import MarkDetector

from emorec.datasets.prepare import prepare_data
from emorec.detection.registry import DETECTORS, DetectorEntry


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    """A destination that does not exist yet."""
    return tmp_path / "FER-2013"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A FERPlus checkout of eight rows."""
    return make_checkout(tmp_path / "FERPlus")


@pytest.fixture
def marks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> MarkDetector:
    """Replaces the default detector by a `MarkDetector`, with a cache of its own."""
    detector = MarkDetector()
    entry = DetectorEntry(name="yunet", help="marks", make=lambda *, for_video: detector)
    monkeypatch.setitem(DETECTORS, "yunet", entry)
    monkeypatch.setenv("EMOREC_CACHE", str(tmp_path / "cache"))
    return detector


SPLIT_VOTES = (5, 5, 0, 0, 0, 0, 0, 0, 0, 0)


@pytest.fixture
def suspicious_data(tmp_path: Path) -> Path:
    """A prepared data set with split votes, a black image and an image of train in test."""
    rows = [
        *ROWS,
        ("Training", "torn.png", SPLIT_VOTES),
        ("Training", "black.png", SAD),
        ("Training", "twin.png", SAD),
    ]
    root = make_checkout(tmp_path / "FERPlus", rows)
    train = root / "output/FER2013Train"
    cv2.imwrite(str(train / "black.png"), np.zeros((48, 48), np.uint8))
    (train / "twin.png").write_bytes(noise_png(7))  # that of fer0000007.png, which is test
    prepare_data(root, tmp_path / "data")
    return tmp_path / "data"
