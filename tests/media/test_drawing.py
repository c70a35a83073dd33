from itertools import combinations

import numpy as np
import pytest
from helpers.face_layouts import random_layouts
from hypothesis import given
from hypothesis import strategies as st

from emorec.errors import ConfigError
from emorec.fonts import escape
from emorec.frames import Frame
from emorec.labels import EMOTIONS_8
from emorec.media import drawing
from emorec.media.blurring import blur_faces
from emorec.media.drawing import COLORS, Annotator, annotate, emotion_colors
from emorec.media.positions import overlap
from emorec.types import BLURS, Box, Face, FaceEmotion, Landmarks, Prediction, Undrawn

numbers = st.integers(-60, 260)
sizes = st.integers(1, 300)
boxes = st.builds(Box, numbers, numbers, sizes, sizes)


def found(box: Box, emotion: str = "happy") -> FaceEmotion:
    return FaceEmotion(Face(box, "stub", 1.0), Prediction({emotion: 0.93}))


def spread(box: Box, number: int | None = None) -> FaceEmotion:
    shares = dict(zip(EMOTIONS_8, (0.5, 0.25, 0.125, 0.0625, 0.0625, 0, 0, 0), strict=True))
    return FaceEmotion(Face(box, "stub", 1.0), Prediction(shares), number)


@pytest.mark.parametrize("shape", [(1, 1, 3), (100, 150, 3)])
def test_without_faces_the_image_is_copied(shape):
    image = np.full(shape, 7, np.uint8)
    drawn = annotate(image, [])
    assert np.array_equal(drawn, image)
    assert not np.shares_memory(drawn, image)


def test_every_emotion_has_a_colour():
    assert tuple(COLORS) == tuple(sorted(EMOTIONS_8, key=list(COLORS).index))
    assert set(COLORS) == set(EMOTIONS_8)


def contrast(one, other) -> float:
    """Contrast by WCAG 2, written out for channels 0..255, BGR."""

    def luminance(color):
        values = [c / 255 for c in color]
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
        return 0.0722 * linear[0] + 0.7152 * linear[1] + 0.2126 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("emotion", EMOTIONS_8)
def test_labels_are_readable(emotion):
    """The label's own pixels: its background has the emotion's colour, its ink enough contrast."""
    image = np.full((1000, 1000, 3), 128, np.uint8)
    drawn = annotate(image, [found(Box(50, 100, 250, 250), emotion)])
    label = drawn[50:90, 50:150].reshape(-1, 3)
    inks = [ink for ink in ((0, 0, 0), (255, 255, 255)) if (label == ink).all(axis=1).any()]
    assert len(inks) == 1
    assert (label == COLORS[emotion]).all(axis=1).mean() > 0.3
    assert contrast(COLORS[emotion], inks[0]) >= 4.5


def test_colours_differ():
    for one, other in combinations(COLORS.values(), 2):
        assert np.abs(np.subtract(one, other)).sum() > 80


def test_a_border_surrounds_its_box():
    image = np.full((500, 500, 3), 128, np.uint8)
    drawn = annotate(image, [found(Box(100, 150, 200, 220))])
    assert np.array_equal(drawn[150:370, 100:300], image[150:370, 100:300])
    rows, columns = np.nonzero((drawn != image).any(axis=2))
    assert (columns.min(), columns.max()) == (96, 303)
    assert rows.max() == 373
    assert tuple(drawn[300, 98]) == COLORS["happy"]


def test_lines_and_text_grow_with_the_image():
    shares = []
    for size in (600, 1200, 2400):
        image = np.full((size, size, 3), 128, np.uint8)
        drawn = annotate(image, [found(Box(size // 4, size // 4, size // 2, size // 2))])
        shares.append((drawn != image).any(axis=2).mean())
    assert max(shares) < 1.3 * min(shares)


@given(height=sizes, width=sizes, faces=st.lists(boxes, max_size=4))
def test_any_boxes_on_any_image(height, width, faces):
    image = np.full((height, width, 3), 128, np.uint8)
    drawn = annotate(image, [found(box) for box in faces])
    assert drawn.shape == image.shape
    assert drawn.dtype == np.uint8
    assert (image == 128).all()


@given(height=sizes, width=sizes, face=boxes, text=st.sampled_from(["surprise 100%", "m\xfcde 9%"]))
def test_labels_fit_into_the_image_and_texts_into_labels(height, width, face, text):
    label = drawing._fit_label(text, face, (width, height))
    if label is None:
        assert height < 20 or width < 120
        return
    assert label.width <= width
    assert label.height <= height
    assert label.inset_x + label.line.width <= label.width
    assert label.line.ascent <= label.inset_y
    assert label.inset_y + label.line.descent <= label.height


class Rectangles:
    """What `annotate` draws: rectangles of labels and panels."""

    def __init__(self, monkeypatch) -> None:
        self.labels: list[Box] = []
        self.panels: list[Box] = []
        monkeypatch.setattr(
            drawing,
            "_draw_label",
            lambda image, label, position, color: self.labels.append(position),
        )
        monkeypatch.setattr(
            drawing.bars,
            "draw_bars",
            lambda image, panel, position, *_: self.panels.append(position),
        )


def test_panels_hide_no_face_no_label_and_no_other_panel(monkeypatch):
    """As drawn; tests/media/test_layout.py checks what is placed, and the labels."""
    panels = 0
    for (width, height), faces in random_layouts(60, seed=1):
        drawn = Rectangles(monkeypatch)
        annotator = Annotator(probability_bars=True)
        annotator.draw(np.zeros((height, width, 3), np.uint8), [spread(face) for face in faces])
        for box in [*drawn.labels, *drawn.panels]:
            assert 0 <= box.x <= box.x + box.width <= width
            assert 0 <= box.y <= box.y + box.height <= height
        for index, panel in enumerate(drawn.panels):
            others = [*faces, *drawn.labels, *drawn.panels[:index]]
            assert not any(overlap(panel, other) for other in others)
        missing = Undrawn(len(faces) - len(drawn.labels), len(faces) - len(drawn.panels))
        assert annotator.undrawn == missing
        panels += len(drawn.panels)
        monkeypatch.undo()
    assert panels > 150


def test_the_pixels_of_faces_and_labels_stay_with_bars():
    faces = [
        spread(Box(60, 60, 90, 90)),
        spread(Box(200, 80, 70, 70)),
        spread(Box(220, 190, 90, 80)),
    ]
    image = np.random.default_rng(0).integers(0, 256, (400, 400, 3), np.uint8)
    borders, plain = image.copy(), annotate(image, faces)
    drawn = annotate(image, faces, probability_bars=True)
    changed = (drawn != plain).any(axis=2)
    assert changed.sum() > 3 * 60 * 60
    assert not (changed & (plain != borders).any(axis=2)).any()
    for face in faces:
        box = face.face.box
        assert not changed[box.y : box.y + box.height, box.x : box.x + box.width].any()


def test_labels_and_panels_keep_their_side_in_a_video(monkeypatch):
    """A second face blocks both for one frame; afterwards they stay where they went."""
    image = np.zeros((600, 600, 3), np.uint8)
    still = spread(Box(200, 250, 100, 100), 1)
    passing = [spread(Box(205, 150, 95, 95), 2), spread(Box(310, 250, 90, 90), 3)]
    drawn = Rectangles(monkeypatch)
    annotator = Annotator(probability_bars=True)
    places = []
    for faces in ([still], [still, *passing], [still], []):
        annotator.draw(image, faces)
        places.append((drawn.labels[:1], drawn.panels[:1]))
        drawn.labels.clear(), drawn.panels.clear()
    before, during, after, _ = places
    assert before[0] != during[0] == after[0]
    assert before[1] != during[1] == after[1]
    annotator.draw(image, [still])
    assert (drawn.labels, drawn.panels) == before


@pytest.mark.parametrize("labels", [["a", "b", "c"], ["a", "happy", "b"], [*map(str, range(20))]])
def test_own_labels_have_colours_that_differ_as_far_as_there_are_enough(labels):
    colors = emotion_colors(labels)
    assert list(colors) == labels
    assert len(set(colors.values())) == min(len(labels), len(COLORS))
    assert set(colors.values()) <= set(COLORS.values())
    assert colors.get("happy", COLORS["happy"]) == COLORS["happy"]


@pytest.mark.parametrize(
    "name", ["m\xfcde", "\u0437\u043b\u043e\u0439", "\u063a\u0627\u0636\u0628"]
)
def test_labels_outside_ascii_look_like_their_text(name):
    """Not like their escapes, and not like question marks, which OpenCV draws for each byte."""
    image = np.zeros((400, 600, 3), np.uint8)

    def ink(text: str) -> np.ndarray:
        label = annotate(image, [found(Box(50, 100, 300, 250), text)])[40:96, 50:600]
        return (label == 0).all(axis=2)

    drawn = ink(name)
    assert drawn.any()
    for other in (escape(name), "?" * len(name), "?" * len(name.encode())):
        assert not np.array_equal(drawn, ink(other))


def test_a_name_read_from_right_to_left_stays_between_id_and_confidence():
    face = found(Box(0, 0, 9, 9), "\u063a\u0627\u0636\u0628")
    text = drawing._label_text(FaceEmotion(face.face, face.prediction, 7))
    assert text == "7 \u063a\u0627\u0636\u0628\u200e 93%"
    assert drawing._label_text(found(Box(0, 0, 9, 9))) == "happy 93%"


POINTS = Landmarks((40.5, 45.5), (70.5, 45.5), (55.5, 60.5), (42.5, 75.5), (68.5, 75.5))


@pytest.mark.parametrize("background", [0, 60, 255])
@pytest.mark.parametrize("scale", [0.2, 1, 8])
def test_landmarks_are_white_with_a_black_rim(background, scale):
    image = np.full((round(120 * scale), round(120 * scale), 3), background, np.uint8)
    box = Box(*(round(value * scale) for value in (20, 20, 70, 70)))
    face = FaceEmotion(Face(box, "stub", 1.0, POINTS.mapped(scale, scale)), found(box).prediction)
    plain, drawn = annotate(image, [face]), annotate(image, [face], landmarks=True)
    for x, y in POINTS.mapped(scale, scale).points.values():
        row, column = int(y), int(x)
        assert drawn[row, column].min() >= 180
        reach = max(round(0.05 * box.width), 2)
        around = drawn[row - reach : row + reach + 1, column - reach : column + reach + 1]
        assert around.min() <= 90
    changed = (plain != drawn).any(axis=2)
    assert 5 * 5 <= changed.sum() <= 0.1 * box.width * box.height + 5 * 25


def test_landmarks_are_drawn_on_demand_where_there_are_some():
    image = np.full((120, 120, 3), 90, np.uint8)
    face = found(Box(20, 20, 70, 70))
    assert np.array_equal(annotate(image, [face], landmarks=True), annotate(image, [face]))


@given(height=sizes, width=sizes, x=st.floats(), y=st.floats(-1e6, 1e6), face=boxes)
def test_any_landmarks_on_any_image(height, width, x, y, face):
    image = np.full((height, width, 3), 128, np.uint8)
    landmarks = Landmarks((x, y), (y, x), (0, 0), (width, height), (-x, -y))
    marked = FaceEmotion(Face(face, "stub", 1.0, landmarks), found(face).prediction)
    assert annotate(image, [marked], landmarks=True).shape == image.shape


def test_landmarks_of_a_downscaled_frame():
    frame = Frame(np.full((60, 60, 3), 90, np.uint8), (120, 120))
    box = Box(20, 20, 70, 70)
    face = FaceEmotion(Face(box, "stub", 1.0, POINTS), found(box).prediction)
    drawn = Annotator(landmarks=True).draw_frame(frame, [face])
    for x, y in POINTS.points.values():
        assert drawn[int(y / 2), int(x / 2)].min() >= 200


@given(height=sizes, width=sizes, faces=st.lists(boxes, max_size=4))
def test_bars_on_any_image(height, width, faces):
    image = np.full((height, width, 3), 128, np.uint8)
    assert annotate(image, [spread(box) for box in faces], True).shape == image.shape


def test_bars_are_as_long_as_the_probabilities():
    image = np.zeros((1000, 1000, 3), np.uint8)
    face = Box(100, 100, 250, 250)
    drawn = annotate(image, [spread(face)], True) * (annotate(image, [spread(face)]) == 0)
    lengths = {
        emotion: (drawn == COLORS[emotion]).all(axis=2).sum(axis=1).max() for emotion in EMOTIONS_8
    }
    assert 1.8 < lengths["angry"] / lengths["disgust"] < 2.3
    assert 1.7 < lengths["disgust"] / lengths["fear"] < 2.6
    assert lengths["sad"] == lengths["contempt"] == 0


def test_without_room_there_are_no_bars():
    image = np.full((120, 120, 3), 128, np.uint8)
    faces = [spread(Box(5, 5, 110, 110))]
    assert np.array_equal(annotate(image, faces, True), annotate(image, faces))
    annotator = Annotator(probability_bars=True)
    annotator.draw(image, faces)
    annotator.draw(image, faces)
    assert annotator.undrawn == Undrawn(labels=0, bars=2)


def test_the_label_of_a_face_shows_its_id():
    image = np.zeros((400, 400, 3), np.uint8)
    box = Box(100, 100, 100, 100)
    plain, numbered = annotate(image, [spread(box)]), annotate(image, [spread(box, 7)])
    assert not np.array_equal(plain, numbered)


NOISE = np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)


@pytest.mark.parametrize("method", BLURS)
def test_faces_are_blurred_below_borders_and_labels(method):
    """Those that are only missed too; the faces themselves are drawn as without blurring."""
    face, missed = found(Box(40, 100, 60, 60)), Box(200, 100, 50, 50)
    drawn = Annotator(blur=method).draw(NOISE, [face], [missed])
    expected = annotate(blur_faces(NOISE, [face.box, missed], method), [face])
    assert np.array_equal(drawn, expected)
    assert not np.array_equal(drawn[120:140, 60:80], NOISE[120:140, 60:80])
    assert not np.array_equal(drawn[120:140, 210:230], NOISE[120:140, 210:230])
    assert np.array_equal(
        annotate(NOISE, [face], blur=method), Annotator(blur=method).draw(NOISE, [face])
    )


def test_without_blur_missed_faces_change_nothing():
    face = found(Box(40, 100, 60, 60))
    assert np.array_equal(
        Annotator().draw(NOISE, [face], [Box(200, 100, 50, 50)]), annotate(NOISE, [face])
    )


def test_blurred_faces_of_a_downscaled_frame():
    frame = Frame(NOISE, (600, 600))
    drawn = Annotator(blur="box").draw_frame(frame, [], [Box(400, 200, 100, 100)])
    assert np.array_equal(drawn, blur_faces(NOISE, [Box(200, 100, 50, 50)], "box"))


def test_an_unknown_blur():
    with pytest.raises(ConfigError, match="choose one of pixelate, gaussian, box"):
        annotate(NOISE, [], blur="smear")
