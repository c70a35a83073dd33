import cv2
import numpy as np
import pytest

from emorec.evaluation.explain import Explanation
from emorec.evaluation.heat_drawing import (
    _OPACITY,
    COLORMAP,
    LEAST_TOP,
    draw_figure,
    draw_overlay,
    scale_top,
)
from emorec.frames import Frame
from emorec.types import Box, Face, FaceEmotion, Prediction

IMAGE = np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)


def entry(
    heat: np.ndarray, x: int, y: int, scale: float = 10, method: str = "occlusion"
) -> Explanation:
    side = round(len(heat) * scale)
    face = Face(Box(x, y, side, side), "stub", 1.0)
    prediction = Prediction({"happy": 0.9, "sad": 0.1})
    to_image = np.array([[scale, 0, x], [0, scale, y]])
    return Explanation(FaceEmotion(face, prediction), "happy", 0.9, method, heat, to_image)


def flat(value: float) -> np.ndarray:
    return np.full((4, 4), value, np.float32)


def blended(level: int, gray: np.ndarray) -> np.ndarray:
    color = cv2.applyColorMap(np.full((1, 1), level, np.uint8), COLORMAP)[0, 0]
    return np.rint(_OPACITY * color + (1 - _OPACITY) * gray[..., None])


@pytest.mark.parametrize(("heat", "level"), [(4, 255), (2, 128), (0, 0), (-3, 0)])
def test_colours_are_blended_with_the_grey_image(heat: float, level: int):
    drawn = draw_overlay(IMAGE, [entry(flat(heat), 30, 50)], top=4)
    assert drawn.shape == IMAGE.shape
    outside = np.ones(IMAGE.shape[:2], bool)
    outside[50:90, 30:70] = False
    np.testing.assert_array_equal(drawn[outside], IMAGE[outside])
    gray = cv2.cvtColor(IMAGE, cv2.COLOR_BGR2GRAY)[50:90, 30:70]
    np.testing.assert_allclose(drawn[50:90, 30:70], blended(level, gray), atol=1)


def test_the_larger_heat_is_drawn_where_crops_overlap():
    weak, strong = entry(flat(1), 30, 50), entry(flat(4), 50, 60)
    drawn = draw_overlay(IMAGE, [strong, weak], top=4)
    np.testing.assert_array_equal(drawn, draw_overlay(IMAGE, [weak, strong], top=4))
    alone = draw_overlay(IMAGE, [strong], top=4)
    np.testing.assert_array_equal(drawn[60:100, 50:90], alone[60:100, 50:90])


def test_a_crop_outside_the_image_draws_nothing():
    np.testing.assert_array_equal(draw_overlay(IMAGE, [entry(flat(1), 500, 500)]), IMAGE)


@pytest.mark.parametrize(
    ("entries", "top"),
    [
        ([entry(flat(3), 0, 0), entry(flat(7), 0, 0)], 7),
        ([entry(flat(-2), 0, 0)], LEAST_TOP),
        ([entry(flat(0.2), 0, 0, method="grad-cam")], 1),
    ],
)
def test_the_scale_is_common(entries: list[Explanation], top: float):
    assert scale_top(entries) == top


@pytest.mark.parametrize("method", ["occlusion", "grad-cam"])
@pytest.mark.parametrize(
    ("size_wh", "width"), [((160, 120), 640), ((2000, 400), 2000), ((20, 200), 480)]
)
def test_a_figure_has_the_image_and_a_legend(method: str, size_wh: tuple[int, int], width: int):
    image = np.full((*size_wh[::-1], 3), 90, np.uint8)
    figure = draw_figure(Frame.from_image(image), [entry(flat(2), 4, 60, method=method)], [3])
    assert figure.dtype == np.uint8
    height = round(size_wh[1] * width / size_wh[0])
    assert figure.shape[1] == width
    legend = figure[height:]
    assert 60 < len(legend) < 0.2 * width + 60
    assert (legend[:, :4] == 255).all()
    assert (legend[:, -4:] == 255).all()
    assert (legend == 32).any()
    last = cv2.applyColorMap(np.full((1, 1), 255, np.uint8), COLORMAP)[0, 0]
    assert (legend == last).all(axis=2).any()


def test_the_label_has_the_explained_emotion_and_the_number():
    frame = Frame.from_image(np.full((400, 600, 3), 90, np.uint8))
    found = entry(flat(2), 100, 100, scale=50)
    plain, numbered = draw_figure(frame, [found]), draw_figure(frame, [found], [7])
    assert (plain != numbered).any()
    changed = np.argwhere((plain != numbered).any(axis=2))
    assert changed[:, 0].max() < 101  # the label is above the box


def test_the_map_is_perceptually_uniform_in_lightness():
    ramp = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[None], COLORMAP)
    lightness = cv2.cvtColor(ramp.astype(np.float32) / 255, cv2.COLOR_BGR2LAB)[0, :, 0]
    assert (np.diff(lightness) > -0.1).all()
    assert np.ptp(lightness) > 70
