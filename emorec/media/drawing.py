"""Drawing of faces and their emotions into images."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2

from emorec.frames import Frame
from emorec.images import Image
from emorec.media import bars
from emorec.types import Box, FaceEmotion, Landmarks

Color = tuple[int, int, int]

# Okabe and Ito's palette, which is distinct with common colour blindness
# (https://jfly.uni-koeln.de/color/), in BGR; grey replaces its black.
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
"""Width of a line as a fraction of the image's shorter side."""
_TEXT_SHARE = 0.026
"""Height of a capital letter as a fraction of the image's shorter side."""
_SMALL_TEXT = 8
"""Height of a capital letter below which text shrinks only to fit into the image."""
_MIN_TEXT = 5
"""Height of a capital letter below which a label is unreadable and not drawn."""
_MAX_HIDDEN = 0.1
"""Fraction of a panel of bars that may cover faces and labels; otherwise it is not drawn."""
_POINT_SHARE = 0.02
"""Radius of a landmark as a fraction of the face's width."""
_MIN_POINT_RADIUS = 1.0
"""Smallest radius of a landmark, in pixels, without its rim."""
_SUBPIXEL_BITS = 4
_SUBPIXELS = 2**_SUBPIXEL_BITS
_MAX_WIDTHS = 1.5
"""Largest width of a label relative to its face, to keep neighbouring faces visible."""


def annotate(
    image_bgr: Image,
    faces: Sequence[FaceEmotion],
    probability_bars: bool = False,
    landmarks: bool = False,
) -> Image:
    """Draw a border and a label around every face, e.g. "happy 93%" or, if uncertain, "sad? 41%".

    The label of a face in a video starts with its id: "7 happy 93%". Lines and text scale with the
    image; a label always lies inside the image and shrinks to fit a small one.

    Args:
        image_bgr: Image, shape (height, width, 3), uint8, BGR; not modified.
        faces: Faces to draw, in pixels of the image.
        probability_bars: Draw the probabilities of all emotions beside each face.
        landmarks: Draw the landmarks of the faces that have them.

    Returns:
        A new image of the same shape.
    """
    drawn = image_bgr.copy()
    line = max(round(_LINE_SHARE * min(image_bgr.shape[:2])), 1)
    rim = (line + 1) // 3
    boxes = [face.face.box for face in faces]
    for face in faces:
        # The dark rims keep the border visible on a background of its own colour.
        _draw_border(drawn, _grown(face.face.box, line + 2 * rim), line + 2 * rim, _BLACK)
        _draw_border(drawn, _grown(face.face.box, line + rim), line, _color(face))
        if landmarks and face.face.landmarks is not None:
            _draw_landmarks(drawn, face.face.landmarks, face.face.box)
    occupied: list[Box] = []
    for number, face in enumerate(faces):
        question_mark = "?" if face.prediction.uncertain else ""
        track = "" if face.id is None else f"{face.id} "
        text = f"{track}{face.prediction.emotion}{question_mark} {face.prediction.confidence:.0%}"
        label = _fit_label(text, face.face.box, drawn)
        if label is not None:
            others = boxes[:number] + boxes[number + 1 :] + occupied
            position = _label_position(label, _grown(face.face.box, line + 2 * rim), drawn, others)
            _draw_label(drawn, label, position, _color(face))
            occupied.append(position)
    if probability_bars:
        for face in faces:
            _draw_bars(
                drawn, face, _grown(face.face.box, line + 2 * rim), [*boxes, *occupied], occupied
            )
    return drawn


def _draw_bars(
    image: Image, face: FaceEmotion, border: Box, others: Sequence[Box], occupied: list[Box]
) -> None:
    """Draw the bars of a face where they cover the least of faces, labels and other bars."""
    probabilities = face.prediction.probabilities
    panel = bars.fit_panel(probabilities, face.face.box, image)
    if panel is None:
        return

    def hidden(position: Box) -> int:
        return sum(_shared_area(position, other) for other in others)

    position = min(bars.candidate_positions(panel, border, image), key=hidden)
    if hidden(position) <= _MAX_HIDDEN * position.width * position.height:
        bars.draw_bars(image, panel, position, probabilities, lambda name: COLORS.get(name, _WHITE))
        occupied.append(position)


def annotate_frame(
    frame: Frame,
    faces: Sequence[FaceEmotion],
    probability_bars: bool = False,
    landmarks: bool = False,
) -> Image:
    """Draw faces like `annotate` into a frame; they are in pixels of the full image."""
    scaled = [replace(face, face=frame.to_scaled_face(face.face)) for face in faces]
    return annotate(frame.image_bgr, scaled, probability_bars, landmarks)


@dataclass(frozen=True)
class _Label:
    """A text and the size of its background; `inset_*` is the offset of the text in it."""

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


def _draw_border(image: Image, outer: Box, thickness: int, color: Color) -> None:
    """Draw a border inwards from its outer edge, clipped to the image."""
    # cv2.rectangle rounds the corners and draws a line of 3 pixels 5 pixels wide.
    right, bottom = outer.x + outer.width, outer.y + outer.height
    rows = ((outer.y, outer.y + thickness), (bottom - thickness, bottom))
    columns = ((outer.x, outer.x + thickness), (right - thickness, right))
    for start, end in rows:
        image[max(start, 0) : max(end, 0), max(outer.x, 0) : max(right, 0)] = color
    for start, end in columns:
        image[max(outer.y, 0) : max(bottom, 0), max(start, 0) : max(end, 0)] = color


def _draw_landmarks(image: Image, landmarks: Landmarks, face: Box) -> None:
    """Draw each point in the image as a white disc with a black rim, visible on any background."""
    radius = max(_POINT_SHARE * face.width, _MIN_POINT_RADIUS)
    rim = max(radius / 2, 1)
    height, width = image.shape[:2]
    # OpenCV fails at coordinates beyond 32 bits, which a detector of the user may return.
    inside = [(x, y) for x, y in landmarks.points.values() if 0 <= x <= width and 0 <= y <= height]
    for size, color in ((radius + rim, _BLACK), (radius, _WHITE)):
        for x, y in inside:
            # The centre of the top left pixel has the coordinates (0.5, 0.5), for OpenCV (0, 0).
            center = (round((x - 0.5) * _SUBPIXELS), round((y - 0.5) * _SUBPIXELS))
            length = round(size * _SUBPIXELS)
            cv2.circle(image, center, length, color, cv2.FILLED, cv2.LINE_AA, _SUBPIXEL_BITS)


def _fit_label(text: str, face: Box, image: Image) -> _Label | None:
    """Compute the size of a label from its face and image; None if it would be unreadable."""
    height, width = image.shape[:2]
    (unit_width, unit_height), unit_baseline = cv2.getTextSize(text, _FONT, 1, 1)
    preferred = _TEXT_SHARE * min(height, width) / unit_height
    beside_neighbors = _MAX_WIDTHS * face.width / unit_width
    scale = max(min(preferred, beside_neighbors), _SMALL_TEXT / unit_height)
    inside_x = width / (unit_width + 2 * unit_height)
    inside_y = height / (2 * unit_height + unit_baseline)
    scale = min(scale, inside_x, inside_y)
    if scale * unit_height < _MIN_TEXT:
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


def _label_position(label: _Label, border: Box, image: Image, others: Sequence[Box]) -> Box:
    """Choose a position above, below or inside the border that covers the least of the others."""
    height, width = image.shape[:2]
    lowest = height - label.height
    x = min(max(border.x, 0), width - label.width)
    tops = (border.y - label.height, border.y + border.height, max(border.y, 0))
    inside = [y for y in tops if 0 <= y <= lowest] or [min(max(border.y, 0), lowest)]
    positions = [Box(x, y, label.width, label.height) for y in inside]
    return min(positions, key=lambda box: sum(_shared_area(box, other) for other in others))


def _shared_area(one: Box, other: Box) -> int:
    """Compute the area that two boxes share, in pixels."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return max(width, 0) * max(height, 0)


def _draw_label(image: Image, label: _Label, position: Box, color: Color) -> None:
    end = (position.x + position.width - 1, position.y + position.height - 1)
    cv2.rectangle(image, (position.x, position.y), end, color, cv2.FILLED)
    origin = (position.x + label.inset_x, position.y + label.inset_y)
    ink = _BLACK if _luminance(color) > _EQUAL_CONTRAST else _WHITE
    cv2.putText(image, label.text, origin, _FONT, label.scale, ink, label.thickness, cv2.LINE_AA)


_EQUAL_CONTRAST = 0.179
"""Luminance at which black and white text have the same contrast (formula of WCAG 2)."""


def _luminance(color: Color) -> float:
    """Compute the relative luminance of WCAG 2, 0 to 1."""
    blue, green, red = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (channel / 255 for channel in color)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
