"""Summarises how faces were cut out of the images of a data set, for summary.json and messages."""

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from typing import Any

from emorec.datasets.choices import NONE
from emorec.datasets.face_rows import CUT, MISSING, SEVERAL, WHOLE
from emorec.datasets.prepared_files import NO_FACE
from emorec.datasets.readers.rows import SPLITS, USAGES
from emorec.datasets.selection import Selection
from emorec.datasets.whole_photos import share_text

_APART = {MISSING: "no_face", SEVERAL: "several_faces"}
"""Key of the counts of the images that are kept apart, by their state."""


def summarise_faces(selection: Selection, unreadable: Container[int]) -> dict[str, Any] | None:
    """Build "faces" of summary.json.

    Args:
        selection: The images, after the faces were cut out.
        unreadable: Indices of unreadable images.

    Returns:
        The settings of cutting, and the numbers of photos, of the faces cut out of them, of face
        crops and, by split, of images kept apart; None where no image was searched.
    """
    if selection.face_settings is None:
        return None
    if selection.face_settings.get("mode") == NONE:
        return dict(selection.face_settings)
    raw = selection.raw
    rows: dict[str, list[int]] = {state: [] for state in (CUT, WHOLE, *_APART)}
    photos = set()
    for index, row in enumerate(selection.rows):
        face = selection.faces[index] if selection.faces else None
        if index not in unreadable:
            rows[face.state if face else WHOLE].append(row)
            if face and face.state == CUT:
                photos.add((raw.sources[row], face.source_image))

    def by_split(chosen: Iterable[int]) -> dict[str, int]:
        found = Counter(USAGES[raw.usages[row]][0] for row in chosen)
        return {split: found[split] for split in SPLITS}

    first = set(rows[CUT])
    further = Counter(rows[CUT]) - Counter(first)
    return {
        **selection.face_settings,
        "photos": len(photos),
        "faces_cut": len(rows[CUT]),
        "further_faces": by_split(further.elements()),
        "face_crops": len(rows[WHOLE]),
        **{key: by_split(rows[state]) for state, key in _APART.items()},
        **{
            f"{key}_images": [raw.names[row] for row in rows[state]]
            for state, key in _APART.items()
        },
    }


def images_apart(faces: Mapping[str, Any] | None) -> list[tuple[str, list[str]]]:
    """Return the names of the images that are kept apart, with what to call them."""
    if not faces or "photos" not in faces:
        return []
    return [
        (f"images without a face, kept in {NO_FACE}/", faces["no_face_images"]),
        (f"images with several faces, kept in {NO_FACE}/", faces["several_faces_images"]),
    ]


def faces_line(faces: Mapping[str, Any] | None) -> str | None:
    """Describe in one line what was decided about faces; None where no image was searched.

    Args:
        faces: "faces" of summary.json.
    """
    if not faces or "photos" not in faces:
        return None
    apart = {key: len(faces[f"{key}_images"]) for key in _APART.values()}
    images = faces["photos"] + faces["face_crops"] + sum(apart.values())
    share, margin = faces.get("median_share"), faces.get("margin")
    median = "" if share is None else f" (median face {share_text(share)} of the image)"
    verb = "is a photo" if faces["photos"] == 1 else "are photos"
    parts = [f"{faces['photos']:,} of {images:,} images {verb}{median}"]
    if faces["photos"] and margin is not None:
        cut = faces["faces_cut"]
        number = "" if cut == faces["photos"] else f"{cut:,} faces "
        aligned = "aligned" if faces["align"] else "not aligned"
        parts[0] += f", {number}cropped with {faces['detector']}, margin {margin:g}, {aligned}"
    if faces["face_crops"]:
        parts.append(f"{faces['face_crops']:,} are face crops, kept")
    if apart["no_face"]:
        parts.append(f"{apart['no_face']:,} without a face, kept in {NO_FACE}/")
    if apart["several_faces"]:
        parts.append(f"{apart['several_faces']:,} with several faces, kept in {NO_FACE}/")
    return f"faces: {'; '.join(parts)}"
