"""Places labels and panels beside faces so that they hide neither faces nor each other.

Pure geometry: nothing is drawn here.
"""

from collections.abc import Sequence

from emorec.media.positions import (
    INSIDE,
    OUTSIDE,
    Place,
    Size,
    free_place,
    least_hiding_place,
    overlap,
)
from emorec.types import Box

_PANEL_SIDES = ("right", "left", "below", "above")

_ROUNDS = 10
"""Times, at most, that labels with an overlap are placed again after the others."""


def place_labels(
    image_size: Size,
    faces: Sequence[Box],
    borders: Sequence[Box],
    sizes: Sequence[Size | None],
    last_sides: Sequence[str | None],
) -> list[Place | None]:
    """Place the label of each face.

    A label hides no face and no other label if a position at its face allows that. Otherwise it
    hides as little as possible of other labels, then of other faces, then of its own face.

    Args:
        image_size: Width and height of the image.
        faces: Boxes of the faces, which may cross the border of the image.
        borders: The same boxes, grown by the lines drawn around them.
        sizes: Size of each label, at most that of the image; None for a face without a label.
        last_sides: Side of each label in the frame before, which is preferred; None without one.

    Returns:
        The place of each label; None for a face without one.
    """
    places: list[Place | None] = [None] * len(faces)

    def place(index: int, size: Size) -> None:
        labels = [other.box for at, other in enumerate(places) if other and at != index]
        other_faces = [*faces[:index], *faces[index + 1 :]]
        last = last_sides[index]
        sides = _preferred(OUTSIDE, last if last in OUTSIDE else None)
        hidden = [*labels, *other_faces]
        # The lines around other faces are hidden only where no position spares them.
        for obstacles in ([*hidden, *borders[:index], *borders[index + 1 :]], hidden):
            free = free_place(image_size, borders[index], size, sides, obstacles)
            if free is not None:
                places[index] = free
                return
        places[index] = least_hiding_place(
            image_size,
            borders[index],
            size,
            (*sides, *INSIDE),
            (labels, other_faces, [faces[index]]),
        )

    for index, size in enumerate(sizes):
        if size is not None:
            place(index, size)
    for _ in range(_ROUNDS):
        before = places.copy()
        for index, size in enumerate(sizes):
            # A label may hide one that was placed before it, which has a free place elsewhere.
            if size is not None and _overlaps(index, places, faces):
                place(index, size)
        if places == before:
            break
    return places


def _overlaps(index: int, places: Sequence[Place | None], faces: Sequence[Box]) -> bool:
    label = places[index]
    return label is not None and (
        any(overlap(label.box, face) for face in faces)
        or any(p and at != index and overlap(label.box, p.box) for at, p in enumerate(places))
    )


def place_panel(
    image_size: Size,
    anchors: Sequence[Box],
    sizes: Sequence[Size],
    obstacles: Sequence[Box],
    last_side: str | None = None,
) -> Place | None:
    """Place a panel at the largest size at which it hides none of the obstacles.

    Args:
        image_size: Width and height of the image.
        anchors: Rectangles of which it may touch a side, the preferred one first: the border of the
            face, and a rectangle around this and the label.
        sizes: Sizes of the panel, the largest first.
        obstacles: Rectangles that it must not hide.
        last_side: Its side in the frame before, which is preferred; None without one.

    Returns:
        The place; None if there is no free one.
    """
    sides = _preferred(_PANEL_SIDES, last_side)
    for number, size in enumerate(sizes):
        for anchor in anchors:
            place = free_place(image_size, anchor, size, sides, obstacles)
            if place is not None:
                return Place(place.box, place.side, number)
    return None


def _preferred(sides: tuple[str, ...], last: str | None) -> tuple[str, ...]:
    return sides if last is None else (last, *(side for side in sides if side != last))
