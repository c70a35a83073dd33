"""Runs `emorec detect` in an empty folder, with a tiny model and stubs of the detector."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from emorec import resources
from emorec.cli.main import main
from emorec.detection import yunet
from emorec.models.registry import SUMS
from emorec.types import Box, Face
from helpers.clips import write_clip
from helpers.onnx_models import write_tiny_model

FACES = [Face(Box(10, 20, 40, 40), "stub", 2.5), Face(Box(60, 20, 30, 30), "stub", 1.5)]


class TwoFacesDetector:
    """Detects two faces in every image that is not black."""

    def __init__(self, model=None, **options):
        self.options = options

    def detect(self, image_bgr):
        return FACES if image_bgr.any() else []


class MovingDetector:
    """Detects a face that moves with the brightness of the image; none in a black one."""

    def __init__(self, model=None, **options):
        pass

    def detect(self, image_bgr):
        value = int(image_bgr.mean())
        return [Face(Box(value // 10, 5, 30, 30), "stub", 2.5)] if value > 8 else []


def enter_workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, detector: type) -> None:
    """Make an empty folder the current one, ship a tiny model, and replace the default detector."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    shipped = write_tiny_model(tmp_path / "shipped.onnx")
    (tmp_path / SUMS).write_text("")
    monkeypatch.setattr(resources, "shipped_model", lambda: shipped)
    monkeypatch.setattr(yunet, "YuNetDetector", detector)


def write_gray(path: str | Path, value: int = 90) -> str:
    """Write an image of one grey and return its path."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((100, 120, 3), value, np.uint8))
    return str(path)


def make_clip(name: str = "clip.avi", frames: int = 20, value: int = 100) -> str:
    """Write a video of ten frames a second that grows brighter, and return its path."""
    shades = (np.full((60, 80, 3), value + 2 * n, np.uint8) for n in range(frames))
    write_clip(Path(name), shades, fps=10)
    return name


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["detect", *arguments])


def names() -> list[str]:
    """Names of the files and folders in the current folder."""
    return sorted(path.name for path in Path().iterdir())


def lines(path: str = "r.jsonl") -> list[dict]:
    """Records of a file of JSON lines."""
    return [json.loads(line) for line in Path(path).read_text().splitlines()]
