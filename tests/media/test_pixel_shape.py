from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.clips import Placed, draw
from helpers.odd_media import ffmpeg, non_square

from emorec.media.pixel_shape import PixelShape
from emorec.media.video_decoder import VideoDecoder, VideoRequest


def moving(count: int, size_wh: tuple[int, int] = (160, 96)) -> list[np.ndarray]:
    """Frames of a moving face."""
    return [draw([Placed(40 + number, 48, 60)], size_wh) for number in range(count)]


def decoder_of(path: Path, **options) -> VideoDecoder:
    return VideoDecoder(VideoRequest(str(path), **options))


@pytest.mark.parametrize(
    ("ratio", "stored_wh", "displayed_wh"),
    [
        ("4/3", (120, 96), (160, 96)),
        ("64/45", (112, 96), (159, 96)),
        ("2/1", (80, 96), (160, 96)),
        ("1/2", (320, 96), (320, 192)),
        ("100/101", (160, 96), (160, 96)),  # as good as square,
    ],
)
def test_non_square_pixels(tmp_path: Path, ratio, stored_wh, displayed_wh):
    path = non_square(tmp_path / "odd.mp4", moving(3), ratio)
    capture = cv2.VideoCapture(str(path))
    stored = capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
    assert stored == stored_wh
    decoder = decoder_of(path)
    assert decoder.size_wh == displayed_wh
    width, height = displayed_wh
    frames = list(decoder)
    assert {frame.image_bgr.shape for frame in frames} == {(height, width, 3)}
    assert {frame.size_wh for frame in frames} == {decoder.size_wh}
    expected = cv2.resize(moving(1)[0], (width, height))
    assert np.abs(frames[0].image_bgr.astype(int) - expected).mean() < 5


def test_non_square_pixels_of_a_rotated_video(tmp_path: Path):
    path = non_square(tmp_path / "odd.mp4", moving(3), "2/1")
    turned = tmp_path / "turned.mp4"
    ffmpeg("-i", path, "-c", "copy", "-metadata:s:v", "rotate=90", turned)
    decoder = decoder_of(turned)
    assert decoder.size_wh == (96, 160)
    frame = next(iter(decoder)).image_bgr
    upright = moving(1)[0]
    differences = [np.abs(frame.astype(int) - np.rot90(upright, turns)).mean() for turns in (1, 3)]
    assert min(differences) < 5


class Properties:
    """The properties of an open video."""

    def __init__(self, width: float, height: float, rotation: float = 0):
        self.values = {
            cv2.CAP_PROP_SAR_NUM: width,
            cv2.CAP_PROP_SAR_DEN: height,
            cv2.CAP_PROP_ORIENTATION_META: rotation,
        }

    def get(self, key: int) -> float:
        return self.values[key]


@pytest.mark.parametrize(
    ("properties", "ratio"),
    [
        (Properties(0, 0), 1),
        (Properties(0, 1), 1),
        (Properties(1, 1), 1),
        (Properties(99, 100), 1),
        (Properties(4, 3), 4 / 3),
        (Properties(4, 3, 180), 4 / 3),
        (Properties(4, 3, 90), 3 / 4),
        (Properties(4, 3, 270), 3 / 4),
        (Properties(4, 3, -90), 3 / 4),
        (Properties(1, 8), 1 / 8),
        (Properties(10_000, 1), 1),
        (Properties(1, 10_000), 1),
    ],
)
def test_ratio(properties, ratio):
    assert PixelShape.of(properties).ratio == pytest.approx(ratio)


def test_a_frame_is_scaled_into_the_buffer_if_it_fits():
    image = np.zeros((10, 20, 3), np.uint8)
    shape = PixelShape(2.0)
    fitting, other = np.ones((10, 40, 3), np.uint8), np.ones((10, 30, 3), np.uint8)
    assert np.shares_memory(shape.scale(image, fitting), fitting)
    assert shape.scale(image, other).shape == (10, 40, 3)
    assert other.all()
