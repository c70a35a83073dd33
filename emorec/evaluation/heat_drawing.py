"""Draws explanations over the image: heat in colours, and a figure with faces and scale."""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import cv2
import numpy as np

from emorec.evaluation.explain import OCCLUSION, Explanation
from emorec.evaluation.heat_maps import map_heat
from emorec.frames import Frame
from emorec.images import Image
from emorec.media.drawing import Annotator
from emorec.media.text_drawing import TextStyle, draw_line, text_line
from emorec.types import Prediction

COLORMAP = cv2.COLORMAP_CIVIDIS
"""Perceptually uniform, also with common colour blindness (Nunez et al. 2018, PLOS ONE 13)."""

LEAST_TOP = 0.5
"""Smallest end of the scale in bits, so that colours do not enlarge what hardly matters."""

_OPACITY = 0.6
_MIN_WIDTH = 480
"""A narrower image is enlarged in a figure, so that the text below is readable."""
_MIN_FACE, _MAX_SIDE = 160, 1600
"""A figure is enlarged up to this longer side until its smallest face has this width, in pixels."""

_STYLE = TextStyle(cv2.FONT_HERSHEY_SIMPLEX, stroke=1.7)
_BACKGROUND, _INK = (255, 255, 255), (32, 32, 32)
_TEXT_SHARE, _MIN_TEXT = 0.012, 9
"""Height of a capital letter as a fraction of the figure's width, and the least in pixels."""


def scale_top(explanations: Sequence[Explanation]) -> float:
    """Return the heat at the end of the common scale of explanations by the same method."""
    if explanations[0].method != OCCLUSION:
        return 1.0
    return max(LEAST_TOP, *(float(entry.heat.max()) for entry in explanations))


def draw_overlay(
    image: Image | Frame, explanations: Sequence[Explanation], top: float | None = None
) -> Image:
    """Draw the heat of faces over their image, which is grey there.

    Where crops overlap, the larger heat is drawn. Negative heat is drawn as 0.

    Args:
        image: The image: shape (height, width, 3), uint8, BGR; or a frame.
        explanations: At least one; of faces of this image.
        top: The heat of the last colour; None is `scale_top`.

    Returns:
        A new image, shape of the given one, uint8, BGR.
    """
    frame = image if isinstance(image, Frame) else Frame.from_image(image)
    height, width = frame.image_bgr.shape[:2]
    scale = np.array([[width / frame.size_wh[0]], [height / frame.size_wh[1]]])
    top = scale_top(explanations) if top is None else top
    levels = np.zeros((height, width), np.uint8)
    inside = np.zeros((height, width), bool)
    for entry in explanations:
        heat = map_heat(entry.heat, entry.to_image * scale, (width, height))
        found = np.rint(np.clip(heat.values / top, 0, 1) * 255).astype(np.uint8)
        levels[heat.place] = np.maximum(levels[heat.place], found * heat.inside)
        inside[heat.place] |= heat.inside
    drawn = frame.image_bgr.copy()
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not rows.size:
        return drawn
    place = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    gray = cv2.cvtColor(drawn[place], cv2.COLOR_BGR2GRAY)[..., None]
    colors = cv2.applyColorMap(levels[place], COLORMAP)
    blended = np.rint(_OPACITY * colors + (1 - _OPACITY) * gray).astype(np.uint8)
    drawn[place] = np.where(inside[place][..., None], blended, drawn[place])
    return drawn


def draw_figure(
    frame: Frame, explanations: Sequence[Explanation], numbers: Sequence[int] | None = None
) -> Image:
    """Draw the heat of faces over their image, with their labels, a scale and its explanation.

    Args:
        frame: The image.
        explanations: At least one, all by the same method.
        numbers: Numbers of the faces to draw with their labels; None draws none.

    Returns:
        An image, shape (height, width, 3), uint8, BGR; at least 480 pixels wide.
    """
    frame = _enlarged(frame, explanations)
    top = scale_top(explanations)
    overlay = replace(frame, image_bgr=draw_overlay(frame, explanations, top))
    faces = [
        replace(
            entry.face,
            prediction=Prediction({entry.emotion: entry.probability}),
            id=None if numbers is None else numbers[index],
        )
        for index, entry in enumerate(explanations)
    ]
    drawn = Annotator().draw_frame(overlay, faces)
    return np.concatenate([drawn, _legend(drawn.shape[1], explanations, top)])


def _enlarged(frame: Frame, explanations: Sequence[Explanation]) -> Frame:
    """Enlarge a frame until its faces and the text below it are large enough in a figure."""
    height, width = frame.image_bgr.shape[:2]
    smallest = min(frame.to_scaled_box(entry.face.box).width for entry in explanations)
    scale = min(_MIN_FACE / max(smallest, 1), _MAX_SIDE / max(height, width))
    scale = max(scale, _MIN_WIDTH / width)
    if scale <= 1:
        return frame
    size_wh = (round(width * scale), round(height * scale))
    enlarged = cv2.resize(frame.image_bgr, size_wh, interpolation=cv2.INTER_CUBIC)
    return replace(frame, image_bgr=cast(Image, enlarged))


def _legend(width: int, explanations: Sequence[Explanation], top: float) -> Image:
    """Draw the scale and its explanation as a strip of a width."""
    names = {entry.emotion for entry in explanations}
    name = names.pop() if len(names) == 1 else "each emotion"
    if explanations[0].method == OCCLUSION:
        title = f"Occlusion: evidence for {name} lost where the face is covered"
        end = f"{top:.1f} bits"
        meaning = "1 bit halves the odds. Sensitivity of a model, not a cause."
    else:
        title = f"Grad-CAM: evidence for {name} in the last feature map"
        end = "1 (strongest)"
        meaning = "A relative scale. Sensitivity of a model, not a cause."
    capital = max(_TEXT_SHARE * width, _MIN_TEXT)
    widest = max(text_line(text, capital, _STYLE).width for text in (title, meaning))
    capital *= min((width - 2 * capital) / widest, 1)
    gap = round(capital)
    strip = np.full((9 * gap, width, 3), _BACKGROUND, np.uint8)
    draw_line(strip, text_line(title, capital, _STYLE), (gap, 2 * gap), _INK)
    start, last = text_line("0", capital, _STYLE), text_line(end, capital, _STYLE)
    left, right = 2 * gap + start.width, width - 2 * gap - last.width
    base = 5 * gap
    draw_line(strip, start, (gap, base), _INK)
    draw_line(strip, last, (right + gap, base), _INK)
    ramp = np.linspace(0, 255, max(right - left, 1)).round().astype(np.uint8)[None]
    strip[base - gap - gap // 4 : base + gap // 4, left : left + ramp.shape[1]] = cv2.applyColorMap(
        ramp, COLORMAP
    )
    draw_line(strip, text_line(meaning, capital, _STYLE), (gap, 8 * gap - gap // 4), _INK)
    return strip
