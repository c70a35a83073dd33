"""What is said about faces: counts of summary.json, names and one line."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emorec.datasets.face_rows import CUT, MISSING, SEVERAL, WHOLE, FaceRow
from emorec.datasets.face_summary import faces_line, images_apart, summarise_faces
from emorec.datasets.prepare_options import PrepareOptions
from emorec.datasets.readers.image_files import PixelImage
from emorec.datasets.readers.rows import RawRows
from emorec.datasets.selection import select

SETTINGS = {"mode": "auto", "detector": "yunet", "several": "all", "margin": 0.1, "align": True}


def selection(states: list[str | None], rows: list[int]):
    names = [f"{number}.png" for number in range(max(rows) + 1)]
    raw = RawRows(
        place=Path("data"),
        label_files=[],
        sources=["mine"] * len(names),
        lines=[0] * len(names),
        names=names,
        images=[PixelImage(name, np.zeros((2, 2), np.uint8), "") for name in names],
        usages=["train" if number % 2 else "test" for number in range(len(names))],
        labels=["happy"] * len(names),
    )
    faces = [state and FaceRow(state, names[row]) for state, row in zip(states, rows, strict=True)]
    chosen = select(raw, PrepareOptions())
    return replace(chosen, rows=rows, faces=faces, face_settings=SETTINGS)


def test_data_that_was_not_searched_has_no_summary():
    chosen = replace(selection([None], [0]), face_settings=None)
    assert summarise_faces(chosen, ()) is None
    assert faces_line(None) is None
    assert images_apart(None) == []
    kept = summarise_faces(replace(chosen, face_settings={"mode": "none"}), ())
    assert (kept, faces_line(kept), images_apart(kept)) == ({"mode": "none"}, None, [])


def test_every_image_is_counted_once():
    states = [CUT, CUT, CUT, WHOLE, MISSING, SEVERAL, None, WHOLE]
    found = summarise_faces(selection(states, [0, 0, 1, 2, 3, 4, 5, 6]), {7})
    assert found == {
        **SETTINGS,
        "photos": 2,
        "faces_cut": 3,
        "further_faces": {"train": 0, "validation": 0, "test": 1},
        "face_crops": 2,
        "no_face": {"train": 1, "validation": 0, "test": 0},
        "several_faces": {"train": 0, "validation": 0, "test": 1},
        "no_face_images": ["3.png"],
        "several_faces_images": ["4.png"],
    }
    assert [names for _, names in images_apart(found)] == [["3.png"], ["4.png"]]


COUNTS = {
    **{"photos": 37, "faces_cut": 37, "face_crops": 3},
    **{"no_face_images": [], "several_faces_images": [], "median_share": 0.08},
}


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {},
            "37 of 40 images are photos (median face 8 % of the image), cropped with yunet, margin "
            "0.1, aligned; 3 are face crops, kept",
        ),
        (
            {"photos": 0, "faces_cut": 0, "median_share": None, "margin": None},
            "0 of 3 images are photos; 3 are face crops, kept",
        ),
        (
            {"photos": 1, "faces_cut": 4, "face_crops": 0, "align": False, "margin": 0},
            "1 of 1 images is a photo (median face 8 % of the image), 4 faces cropped with yunet, "
            "margin 0, not aligned",
        ),
        (
            {"no_face_images": ["a"] * 2, "several_faces_images": ["b"]},
            "37 of 43 images are photos (median face 8 % of the image), cropped with yunet, margin "
            "0.1, aligned; 3 are face crops, kept; 2 without a face, kept in no-face/; 1 with "
            "several faces, kept in no-face/",
        ),
    ],
)
def test_one_line_says_what_was_decided(changes: dict, line: str):
    assert faces_line({**SETTINGS, **COUNTS, **changes}) == f"faces: {line}"
