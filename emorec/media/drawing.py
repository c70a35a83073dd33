"""Drawing of faces and their emotions into images."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import cycle

import cv2

from emorec import fonts
from emorec.frames import Frame
from emorec.images import Image
from emorec.media import bars
from emorec.media.blurring import blur_faces, check_method
from emorec.media.layout import place_labels, place_panel
from emorec.media.positions import Place, enclosing
from emorec.media.text_drawing import Color, TextLine, TextStyle, draw_line, text_line
from emorec.types import Box, FaceEmotion, Landmarks, Undrawn

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

_STYLE = TextStyle(cv2.FONT_HERSHEY_DUPLEX, stroke=1.3)
_LINE_SHARE = 0.005
"""Width of a line as a fraction of the image's shorter side."""
_TEXT_SHARE = 0.026
"""Height of a capital letter as a fraction of the image's shorter side."""
_SMALL_TEXT = 8
"""Height of a capital letter below which text shrinks only to fit into the image."""
_MIN_TEXT = 5
"""Height of a capital letter below which a label is unreadable and not drawn."""
_POINT_SHARE = 0.02
"""Radius of a landmark as a fraction of the face's width."""
_MIN_POINT_RADIUS = 1.0
"""Smallest radius of a landmark, in pixels, without its rim."""
_SUBPIXEL_BITS = 4
_SUBPIXELS = 2**_SUBPIXEL_BITS
_MAX_WIDTHS = 1.5
"""Largest width of a label relative to its face, to keep neighbouring faces visible."""


_PADDING = 0.4
"""Space around the text of a label in heights of a capital letter."""
_UNIT = 100
"""Height of a capital letter at which a label is measured to find its size."""


def emotion_colors(labels: Iterable[str]) -> dict[str, Color]:
    """Return a colour for each label, as BGR.

    Known emotions have their own colour in `COLORS`. Other labels get the remaining ones in order,
    repeated when they are used up.
    """
    labels = list(labels)
    remaining = [color for name, color in COLORS.items() if name not in labels]
    others = cycle(remaining or COLORS.values())
    return {label: COLORS.get(label) or next(others) for label in labels}


def annotate(
    image_bgr: Image,
    faces: Sequence[FaceEmotion],
    probability_bars: bool = False,
    landmarks: bool = False,
    blur: str | None = None,
) -> Image:
    """Draw a border and a label around every face; see `Annotator.draw`.

    Args:
        image_bgr: Image, shape (height, width, 3), uint8, BGR; not modified.
        faces: Faces to draw, in pixels of the image.
        probability_bars: As for `Annotator`.
        landmarks: As for `Annotator`.
        blur: As for `Annotator`.

    Returns:
        A new image of the same shape.

    Raises:
        ConfigError: As for `Annotator`.
    """
    return Annotator(probability_bars, landmarks, blur).draw(image_bgr, faces)


class Annotator:
    """Draws the faces of an image, or of the frames of a video one after another.

    Labels and bars of a face with an id stay on the side where they were in the frame before, as
    long as that is free.

    Args:
        probability_bars: Draw the probabilities of all emotions beside each face, where they hide
            neither faces nor labels.
        landmarks: Draw the landmarks of the faces that have them.
        blur: Blur the faces by this method of `BLURS`; None shows them.

    Attributes:
        undrawn: Labels and bars that had no place, so far.

    Raises:
        ConfigError: The method of blurring is unknown.
    """

    def __init__(
        self, probability_bars: bool = False, landmarks: bool = False, blur: str | None = None
    ) -> None:
        self.undrawn = Undrawn()
        self._blur = blur if blur is None else check_method(blur)
        self._bars = probability_bars
        self._landmarks = landmarks
        self._label_sides: dict[int, str] = {}
        self._panel_sides: dict[int, str] = {}

    def draw_frame(
        self, frame: Frame, faces: Sequence[FaceEmotion], missed: Sequence[Box] = ()
    ) -> Image:
        """Draw faces into a frame as `draw` does; they are in pixels of the full image."""
        scaled = [replace(face, face=frame.to_scaled_face(face.face)) for face in faces]
        return self.draw(frame.image_bgr, scaled, [frame.to_scaled_box(box) for box in missed])

    def draw(
        self, image_bgr: Image, faces: Sequence[FaceEmotion], missed: Sequence[Box] = ()
    ) -> Image:
        """Draw a border and a label around every face.

        A label is e.g. "happy 93%" or, if uncertain, "sad? 41%"; that of a face in a video starts
        with its id: "7 happy 93%". Lines and text scale with the image. A label lies inside the
        image; it hides no other label and no other face where a free place at its face exists.

        Args:
            image_bgr: Image, shape (height, width, 3), uint8, BGR; not modified.
            faces: Faces to draw, in pixels of the image.
            missed: Faces that are only blurred, if faces are: `FrameResult.missed`.

        Returns:
            A new image of the same shape.
        """
        boxes = [face.box for face in faces]
        if self._blur is None:
            drawn = image_bgr.copy()
        else:
            drawn = blur_faces(image_bgr, [*boxes, *missed], self._blur)
        height, width = drawn.shape[:2]
        line = max(round(_LINE_SHARE * min(height, width)), 1)
        rim = (line + 1) // 3
        borders = [_grown(box, line + 2 * rim) for box in boxes]
        colors = [emotion_colors(face.probabilities) for face in faces]
        for face, border, color in zip(faces, borders, colors, strict=True):
            # The dark rims keep the border visible on a background of its own colour.
            _draw_border(drawn, border, line + 2 * rim, _BLACK)
            inner = _grown(face.box, line + rim)
            _draw_border(drawn, inner, line, color[face.emotion])
            if self._landmarks and face.landmarks is not None:
                _draw_landmarks(drawn, face.landmarks, face.box)
        labels = [_fit_label(_label_text(face), face.box, (width, height)) for face in faces]
        places = place_labels(
            (width, height),
            boxes,
            borders,
            [None if label is None else (label.width, label.height) for label in labels],
            [self._label_sides.get(_track(face)) for face in faces],
        )
        for face, label, place, color in zip(faces, labels, places, colors, strict=True):
            if label is not None and place is not None:
                _draw_label(drawn, label, place.box, color[face.emotion])
        self._label_sides = _sides(faces, places)
        self.undrawn += Undrawn(labels=places.count(None))
        if self._bars:
            self._draw_bars(drawn, faces, borders, places, colors)
        return drawn

    def _draw_bars(
        self,
        image: Image,
        faces: Sequence[FaceEmotion],
        borders: Sequence[Box],
        labels: Sequence[Place | None],
        colors: Sequence[dict[str, Color]],
    ) -> None:
        height, width = image.shape[:2]
        obstacles = [*borders, *(label.box for label in labels if label is not None)]
        places: list[Place | None] = []
        for face, border, label, color in zip(faces, borders, labels, colors, strict=True):
            probabilities = face.probabilities
            panels = bars.panel_sizes(tuple(probabilities), face.box, (width, height))
            place = place_panel(
                (width, height),
                [border] if label is None else [border, enclosing(border, label.box)],
                [(panel.width, panel.height) for panel in panels],
                obstacles,
                self._panel_sides.get(_track(face)),
            )
            places.append(place)
            if place is not None:
                panel = panels[place.size]
                bars.draw_bars(image, panel, place.box, probabilities, color.__getitem__)
                obstacles.append(place.box)
        self._panel_sides = _sides(faces, places)
        self.undrawn += Undrawn(bars=places.count(None))


def _track(face: FaceEmotion) -> int:
    return -1 if face.id is None else face.id


def _sides(faces: Sequence[FaceEmotion], places: Sequence[Place | None]) -> dict[int, str]:
    """Return the side by the id of the face, for the faces of a video."""
    pairs = zip(faces, places, strict=True)
    return {face.id: place.side for face, place in pairs if place and face.id is not None}


@dataclass(frozen=True)
class _Label:
    """A text and the size of its background; `inset_*` is the offset of the text in it."""

    line: TextLine
    width: int
    height: int
    inset_x: int
    inset_y: int


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


def _label_text(face: FaceEmotion) -> str:
    prediction = face.prediction
    track = "" if face.id is None else f"{face.id} "
    question_mark = "?" if prediction.uncertain else ""
    # Digits after letters that are read from right to left would move to their left.
    mark = _LEFT_TO_RIGHT if fonts.reads_right_to_left(prediction.emotion) else ""
    return f"{track}{prediction.emotion}{mark}{question_mark} {prediction.confidence:.0%}"


_LEFT_TO_RIGHT = "\u200e"


def _fit_label(text: str, face: Box, image_size: tuple[int, int]) -> _Label | None:
    """Compute the size of a label from its face and image; None if it would be unreadable."""
    width, height = image_size
    unit = text_line(text, _UNIT, _STYLE)
    preferred = _TEXT_SHARE * min(height, width)
    beside_neighbors = _MAX_WIDTHS * face.width * _UNIT / unit.width
    capital = max(min(preferred, beside_neighbors), _SMALL_TEXT)
    inside_x = width * _UNIT / (unit.width + 2 * _UNIT)
    inside_y = height * _UNIT / (unit.ascent + unit.descent + _UNIT)
    capital = min(capital, inside_x, inside_y)
    if capital < _MIN_TEXT:
        return None
    line = text_line(text, capital, _STYLE)
    padding = max(round(_PADDING * capital), 2)
    return _Label(
        line,
        width=min(line.width + 2 * padding, width),
        height=min(line.ascent + line.descent + padding, height),
        inset_x=padding,
        inset_y=padding + line.ascent,
    )


def _draw_label(image: Image, label: _Label, position: Box, color: Color) -> None:
    end = (position.x + position.width - 1, position.y + position.height - 1)
    cv2.rectangle(image, (position.x, position.y), end, color, cv2.FILLED)
    origin = (position.x + label.inset_x, position.y + label.inset_y)
    ink = _BLACK if _luminance(color) > _EQUAL_CONTRAST else _WHITE
    draw_line(image, label.line, origin, ink)


_EQUAL_CONTRAST = 0.179
"""Luminance at which black and white text have the same contrast (formula of WCAG 2)."""


def _luminance(color: Color) -> float:
    """Compute the relative luminance of WCAG 2, 0 to 1."""
    blue, green, red = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (channel / 255 for channel in color)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
