"""Draws faces and their emotions into pictures."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2

from emorec.frames import Frame
from emorec.images import Image
from emorec.media import bars
from emorec.types import Box, FaceEmotion

Color = tuple[int, int, int]

# Okabe and Ito's palette, which stays distinct under the common colour blindnesses
# (https://jfly.uni-koeln.de/color/), in blue, green, red; grey stands in for its black.
COLORS: dict[str, Color] = {
    "angry": (0, 94, 213),
    "disgust": (115, 158, 0),
    "fear": (167, 121, 204),
    "happy": (66, 228, 240),
    "neutral": (187, 187, 187),
    "sad": (178, 114, 0),
    "surprise": (233, 180, 86),
    "contempt": (0, 159, 230),
}
_BLACK: Color = (0, 0, 0)
_WHITE: Color = (255, 255, 255)

_FONT = cv2.FONT_HERSHEY_DUPLEX
_LINE_SHARE = 0.005
"""Width of a line as a part of the picture's shorter side."""
_TEXT_SHARE = 0.026
"""Height of a capital letter as a part of the picture's shorter side."""
_SMALL_TEXT = 8
"""Height of a capital letter below which text shrinks only to stay inside the picture."""
_LEAST_TEXT = 5
"""Height of a capital letter below which no label is drawn, as nobody could read it."""
_MOST_HIDDEN = 0.1
"""Part of a panel of bars that may lie over faces and labels; without room there are no bars."""
_MAX_WIDTHS = 1.5
"""How many times wider than its face a label may be, so that it does not hide the neighbours."""


def annotate(
    image_bgr: Image, faces: Sequence[FaceEmotion], probability_bars: bool = False
) -> Image:
    """Draw a frame around every face, and a label such as "happy 93%" or, uncertain, "sad? 41%".

    A face of a video has its id before that: "7 happy 93%". Lines and text grow with the picture;
    a label shrinks to fit a small picture and always lies inside it.

    Args:
        image_bgr: Picture, shape (height, width, 3), uint8, blue, green, red; left as it is.
        faces: What to draw, in the picture's pixels.
        probability_bars: Draw the probabilities of all emotions beside each face.

    Returns:
        A new picture of the same shape.
    """
    drawn = image_bgr.copy()
    line = max(round(_LINE_SHARE * min(image_bgr.shape[:2])), 1)
    rim = (line + 1) // 3
    boxes = [face.face.box for face in faces]
    for face in faces:
        # The dark rims keep the frame visible on a background of its own colour.
        _draw_frame(drawn, _grown(face.face.box, line + 2 * rim), line + 2 * rim, _BLACK)
        _draw_frame(drawn, _grown(face.face.box, line + rim), line, _color(face))
    taken: list[Box] = []
    for number, face in enumerate(faces):
        doubt = "?" if face.prediction.uncertain else ""
        track = "" if face.id is None else f"{face.id} "
        text = f"{track}{face.prediction.emotion}{doubt} {face.prediction.confidence:.0%}"
        label = _fit_label(text, face.face.box, drawn)
        if label is not None:
            others = boxes[:number] + boxes[number + 1 :] + taken
            place = _place(label, _grown(face.face.box, line + 2 * rim), drawn, others)
            _draw_label(drawn, label, place, _color(face))
            taken.append(place)
    if probability_bars:
        for face in faces:
            _draw_bars(drawn, face, _grown(face.face.box, line + 2 * rim), [*boxes, *taken], taken)
    return drawn


def _draw_bars(
    image: Image, face: FaceEmotion, frame: Box, others: Sequence[Box], taken: list[Box]
) -> None:
    """Draw the bars of a face where they hide the least of faces, labels and other bars."""
    probabilities = face.prediction.probabilities
    panel = bars.fit(probabilities, face.face.box, image)
    if panel is None:
        return

    def hidden(place: Box) -> int:
        return sum(_overlap(place, other) for other in others)

    place = min(bars.places(panel, frame, image), key=hidden)
    if hidden(place) <= _MOST_HIDDEN * place.width * place.height:
        bars.draw(image, panel, place, probabilities, lambda name: COLORS.get(name, _WHITE))
        taken.append(place)


def annotate_frame(
    frame: Frame, faces: Sequence[FaceEmotion], probability_bars: bool = False
) -> Image:
    """Do as `annotate`, for faces in pixels of the full picture and a frame that may be smaller."""
    inward = [
        replace(face, face=replace(face.face, box=frame.to_scaled_box(face.face.box)))
        for face in faces
    ]
    return annotate(frame.image_bgr, inward, probability_bars)


@dataclass(frozen=True)
class _Label:
    """A text with the size of the rectangle behind it; `inset_*` is from there to the text."""

    text: str
    scale: float
    thickness: int
    width: int
    height: int
    inset_x: int
    inset_y: int


def _color(face: FaceEmotion) -> Color:
    return COLORS.get(face.prediction.emotion, _WHITE)


def _grown(box: Box, by: int) -> Box:
    return Box(box.x - by, box.y - by, box.width + 2 * by, box.height + 2 * by)


def _draw_frame(image: Image, outer: Box, thickness: int, color: Color) -> None:
    """Draw a frame inwards from its outer edge; what lies outside the picture is left out."""
    # cv2.rectangle rounds the corners and draws a line of 3 pixels 5 pixels wide.
    right, bottom = outer.x + outer.width, outer.y + outer.height
    rows = ((outer.y, outer.y + thickness), (bottom - thickness, bottom))
    columns = ((outer.x, outer.x + thickness), (right - thickness, right))
    for start, end in rows:
        image[max(start, 0) : max(end, 0), max(outer.x, 0) : max(right, 0)] = color
    for start, end in columns:
        image[max(outer.y, 0) : max(bottom, 0), max(start, 0) : max(end, 0)] = color


def _fit_label(text: str, face: Box, image: Image) -> _Label | None:
    """Size a label to its face and picture; None where it would be too small to read."""
    height, width = image.shape[:2]
    (unit_width, unit_height), unit_baseline = cv2.getTextSize(text, _FONT, 1, 1)
    wanted = _TEXT_SHARE * min(height, width) / unit_height
    beside_neighbors = _MAX_WIDTHS * face.width / unit_width
    scale = max(min(wanted, beside_neighbors), _SMALL_TEXT / unit_height)
    inside_x = width / (unit_width + 2 * unit_height)
    inside_y = height / (2 * unit_height + unit_baseline)
    scale = min(scale, inside_x, inside_y)
    if scale * unit_height < _LEAST_TEXT:
        return None
    thickness = max(round(1.3 * scale), 1)
    (text_width, text_height), baseline = cv2.getTextSize(text, _FONT, scale, thickness)
    padding = max(round(0.4 * text_height), 2)
    return _Label(
        text,
        scale,
        thickness,
        width=min(text_width + 2 * padding, width),
        height=min(text_height + baseline + padding, height),
        inset_x=padding,
        inset_y=padding + text_height,
    )


def _place(label: _Label, frame: Box, image: Image, others: Sequence[Box]) -> Box:
    """Put a label above its face, or below it, or into it, where it hides the least of others."""
    height, width = image.shape[:2]
    lowest = height - label.height
    x = min(max(frame.x, 0), width - label.width)
    wanted = (frame.y - label.height, frame.y + frame.height, max(frame.y, 0))
    rows = [y for y in wanted if 0 <= y <= lowest] or [min(max(frame.y, 0), lowest)]
    places = [Box(x, y, label.width, label.height) for y in rows]
    return min(places, key=lambda place: sum(_overlap(place, other) for other in others))


def _overlap(one: Box, other: Box) -> int:
    """Area that two boxes share, in pixels."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return max(width, 0) * max(height, 0)


def _draw_label(image: Image, label: _Label, place: Box, color: Color) -> None:
    end = (place.x + place.width - 1, place.y + place.height - 1)
    cv2.rectangle(image, (place.x, place.y), end, color, cv2.FILLED)
    origin = (place.x + label.inset_x, place.y + label.inset_y)
    ink = _BLACK if _luminance(color) > _EQUAL_CONTRAST else _WHITE
    cv2.putText(image, label.text, origin, _FONT, label.scale, ink, label.thickness, cv2.LINE_AA)


_EQUAL_CONTRAST = 0.179
"""Luminance at which black and white text have the same contrast by WCAG 2's formula."""


def _luminance(color: Color) -> float:
    """Relative luminance as WCAG 2 defines it, 0 to 1."""
    blue, green, red = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (channel / 255 for channel in color)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
