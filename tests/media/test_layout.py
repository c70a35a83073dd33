import numpy as np
import pytest
from helpers.face_layouts import random_layouts

from emorec.media.bars import panel_sizes
from emorec.media.layout import place_labels, place_panel
from emorec.media.positions import Place, enclosing
from emorec.types import Box, Undrawn

NAMES = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
LAYOUTS = list(random_layouts(200))


def grown(box: Box, by: int) -> Box:
    return Box(box.x - by, box.y - by, box.width + 2 * by, box.height + 2 * by)


def corners(boxes) -> np.ndarray:
    """Return left, top, right and bottom of boxes, shape (n, 4)."""
    edges = [(box.x, box.y, box.x + box.width, box.y + box.height) for box in boxes]
    return np.array(edges, int).reshape(-1, 4)


def shared_pixels(ones: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the pixels that each pair of rectangles shares, shape (ones, others)."""
    begin = np.maximum(ones[:, None, :2], others[None, :, :2])
    end = np.minimum(ones[:, None, 2:], others[None, :, 2:])
    return np.maximum(end - begin, 0).prod(axis=2)


def positions_at(face: Box, size, image_size, inside: bool) -> np.ndarray:
    """Return every position of a rectangle that touches a face, pixel by pixel."""
    (width, height), (image_width, image_height) = size, image_size
    left, right = (np.clip(x, 0, image_width) for x in (face.x, face.x + face.width))
    top, bottom = (np.clip(y, 0, image_height) for y in (face.y, face.y + face.height))
    columns = np.arange(left - width // 2, right - width // 2 + 1).clip(0, image_width - width)
    rows = np.arange(top - height // 2, bottom - height // 2 + 1).clip(0, image_height - height)
    tops = [top - height, bottom]
    if inside:
        tops += [min(top, image_height - height), max(bottom - height, 0)]
    found = [(x, y) for y in tops if 0 <= y <= image_height - height for x in columns]
    lefts = (x for x in (left - width, right) if 0 <= x <= image_width - width)
    found += [(x, y) for x in lefts for y in rows]
    starts = np.array(found, int).reshape(-1, 2)
    return np.concatenate([starts, starts + size], axis=1)


def label_sizes(image_size, faces) -> list[tuple[int, int] | None]:
    """Sizes like those of labels of "surprise 100%", in small images without some."""
    capitals = [max(min(0.026 * min(image_size), face.width / 9), 8) for face in faces]
    return [
        size if size[0] <= image_size[0] and size[1] <= image_size[1] else None
        for size in ((round(12 * capital), round(2.2 * capital)) for capital in capitals)
    ]


@pytest.fixture(scope="module")
def labelled() -> list:
    """Image size, faces, borders and places of the labels of the random layouts."""
    found = []
    for image_size, faces in LAYOUTS:
        borders = [grown(face, round(0.008 * min(image_size)) + 1) for face in faces]
        sizes = label_sizes(image_size, faces)
        places = place_labels(image_size, faces, borders, sizes, [None] * len(faces))
        assert [place is None for place in places] == [size is None for size in sizes]
        found.append((image_size, faces, borders, places))
    return found


def test_labels_hide_no_label_and_no_other_face_where_that_is_avoidable(labelled):
    """Where a label hides something, every other position at its face hides something too."""
    avoidable = unavoidable = clear = 0
    for image_size, faces, borders, places in labelled:
        for index, place in enumerate(places):
            if place is None:
                continue
            labels = corners(other.box for at, other in enumerate(places) if other and at != index)
            all_others = np.concatenate([labels, corners([*faces[:index], *faces[index + 1 :]])])
            hidden = [shared_pixels(corners([place.box]), them)[0] for them in (labels, all_others)]
            if not hidden[1].any():
                clear += 1
                continue
            unavoidable += 1
            size = (place.box.width, place.box.height)
            positions = positions_at(borders[index], size, image_size, inside=True)
            for pixels, obstacles in zip(hidden, (labels, all_others), strict=True):
                if not shared_pixels(positions, obstacles).any(axis=1).all():
                    avoidable += int(pixels.sum())
    assert avoidable == 0
    assert clear > 3 * unavoidable > 0


def test_labels_lie_in_the_image(labelled):
    for (width, height), _, _, places in labelled:
        for left, top, right, bottom in corners(place.box for place in places if place):
            assert 0 <= left < right <= width
            assert 0 <= top < bottom <= height


def test_panels_hide_nothing_and_are_left_out_only_where_no_place_is_free(labelled):
    drawn = left_out = shrunk = 0
    for image_size, faces, borders, labels in labelled:
        obstacles = [*borders, *(label.box for label in labels if label)]
        for face, border, label in zip(faces, borders, labels, strict=True):
            sizes = [(panel.width, panel.height) for panel in panel_sizes(NAMES, face, image_size)]
            anchors = [border, enclosing(border, label.box)] if label else [border]
            place = place_panel(image_size, anchors, sizes, obstacles)
            if place is not None:
                assert (place.box.width, place.box.height) == sizes[place.size]
                left, top, right, bottom = corners([place.box])[0]
                assert 0 <= left < right <= image_size[0]
                assert 0 <= top < bottom <= image_size[1]
                assert shared_pixels(corners([place.box]), corners(obstacles)).sum() == 0
                obstacles.append(place.box)
                drawn += 1
                shrunk += place.size > 0
            else:
                left_out += 1
                for anchor in anchors if sizes else []:
                    positions = positions_at(anchor, sizes[-1], image_size, inside=False)
                    assert shared_pixels(positions, corners(obstacles)).any(axis=1).all()
    assert min(drawn - shrunk, shrunk, left_out) > 50


FACE = Box(100, 100, 50, 50)
SIDES = {
    "above": Box(100, 80, 60, 20),
    "below": Box(100, 150, 60, 20),
    "right": Box(150, 100, 60, 20),
    "left": Box(40, 100, 60, 20),
}


@pytest.mark.parametrize("side", SIDES)
def test_a_label_stays_on_the_side_of_the_frame_before(side):
    (place,) = place_labels((300, 300), [FACE], [FACE], [(60, 20)], [side])
    assert place == Place(SIDES[side], side)


@pytest.mark.parametrize("last", [None, "inside top", "above"])
def test_a_label_is_above_its_face_by_default(last):
    """A label inside its face, which it hides, leaves it as soon as it can."""
    (place,) = place_labels((300, 300), [FACE], [FACE], [(60, 20)], [last])
    assert place == Place(SIDES["above"], "above")


def test_a_label_leaves_its_side_if_another_face_is_there():
    faces = [FACE, Box(90, 20, 80, 75)]
    places = place_labels((300, 300), faces, faces, [(60, 20), (60, 20)], ["above", None])
    assert [place.side for place in places] == ["below", "above"]


def test_labels_of_neighbours_are_on_different_sides():
    faces = [Box(0, 20, 40, 40), Box(40, 20, 40, 40)]
    places = place_labels((80, 80), faces, faces, [(60, 20), (60, 20)], [None, None])
    assert {place.side for place in places} == {"above", "below"}


def test_a_face_that_fills_the_image_has_its_label_inside():
    face = Box(0, 0, 100, 100)
    (place,) = place_labels((100, 100), [face], [grown(face, 2)], [(60, 20)], [None])
    assert place == Place(Box(0, 0, 60, 20), "inside top")


@pytest.mark.parametrize("last", ["right", "left", "below", "above"])
def test_a_panel_stays_on_the_side_of_the_frame_before(last):
    place = place_panel((300, 300), [FACE], [(60, 60)], [FACE], last)
    assert place.side == last
    blocked = place_panel((300, 300), [FACE], [(60, 60)], [FACE, place.box], last)
    assert blocked.side != last or blocked.box != place.box


def test_a_panel_shrinks_before_it_is_left_out():
    face, image_size = Box(50, 0, 100, 100), (200, 100)
    assert place_panel(image_size, [face], [(60, 60), (50, 50)], [face]).size == 1
    assert place_panel(image_size, [face], [(60, 60), (51, 50)], [face]) is None
    assert place_panel(image_size, [face], [], [face]) is None


def test_what_is_not_drawn_is_added_up():
    assert Undrawn(1, 2) + Undrawn(bars=3) == Undrawn(1, 5)
