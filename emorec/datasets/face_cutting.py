"""Writes the images of a data set, with the faces cut out of those that are whole photos."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from emorec.datasets.choices import AUTO, NONE
from emorec.datasets.face_rows import CUT, WHOLE, FaceRow, cut_row
from emorec.datasets.face_search import FaceSearch, Outcome
from emorec.datasets.image_writing import ImageWriter
from emorec.datasets.prepare_options import PrepareOptions
from emorec.datasets.prepared_files import NO_FACE
from emorec.datasets.selection import Selection, UniquePaths
from emorec.errors import DataError
from emorec.threads import ProgressCallback

_CROPS = ".crops"
"""Folder of the crops in that of the data set, until their names are known."""

_MAX_STEM_BYTES = 200
"""Longest name of a crop without its number and suffix; file systems allow 255."""


@dataclass(frozen=True)
class WrittenImages:
    """The images of a prepared data set after they were written.

    Attributes:
        selection: An entry for each crop and for each other image.
        sizes: Size in bytes of each file, by the index of its entry.
        unreadable: Reason for each image that is unreadable, by the index of its entry.
    """

    selection: Selection
    sizes: Mapping[int, int]
    unreadable: Mapping[int, str]


def write_images(
    selection: Selection,
    folder: Path,
    options: PrepareOptions,
    progress: ProgressCallback | None = None,
    search_progress: ProgressCallback | None = None,
) -> WrittenImages:
    """Write the images of a selection, or the crops of their faces.

    Args:
        selection: The images.
        folder: Folder of the data set.
        options: Options of preparing.
        progress: Called now and then with the number of images that were written and their total.
        search_progress: The same for images that are searched for faces.

    Raises:
        DataError: A box of the source is not in its image, or no image shows a face.
        ModelError: The detector fails.
    """
    writer = ImageWriter(selection, folder, options.link)
    everything = range(len(selection.rows))
    if options.faces == NONE:
        writer.write(everything, progress)
        settings = selection.face_settings or {"mode": NONE}
        selection = replace(selection, face_settings=settings)
        return WrittenImages(selection, writer.sizes, writer.unreadable)
    crops = folder / _CROPS
    search = FaceSearch(selection, options, crops)
    if options.faces == AUTO:  # the header of a file tells whether it may be a photo
        postponed = writer.write(everything, progress, search.may_be_photo)
    else:
        postponed = [index for index in everything if search.may_be_photo(index, None)]
        writer.write(sorted(set(everything).difference(postponed)), progress)
    if not postponed:
        return WrittenImages(selection, writer.sizes, writer.unreadable)
    search.run(postponed, search_progress)
    _require_faces(selection, search.outcomes, bool(writer.sizes))
    found, origins = with_outcomes(selection, search.outcomes)
    found = replace(found, face_settings=search.settings(len(writer.sizes)))
    later = ImageWriter(found, folder, options.link)
    failed = {**writer.unreadable, **search.unreadable}
    remaining = []
    for index, (old, number) in enumerate(origins):
        if number is not None:
            crop = search.crop_file(old, number)
            later.sizes[index] = crop.stat().st_size
            crop.rename(folder / found.targets[index])
        elif old in failed:
            later.unreadable[index] = failed[old]
        elif old in writer.sizes:
            later.sizes[index] = writer.sizes[old]
        else:
            remaining.append(index)
    shutil.rmtree(crops)
    later.write(remaining, checked=True)
    return WrittenImages(found, later.sizes, later.unreadable)


def _require_faces(
    selection: Selection, outcomes: Mapping[int, Outcome], any_written: bool
) -> None:
    """Check that an image is left whose face can be used, where images could be decoded."""
    usable = any(outcome.state in (CUT, WHOLE) for outcome in outcomes.values())
    if outcomes and not usable and not any_written:
        raise DataError(
            f"{selection.raw.place}: no face was found that can be cut out of one of the "
            f"{len(outcomes):,} images; to take every image as a face crop, use --faces none"
        )


def with_outcomes(
    selection: Selection, outcomes: Mapping[int, Outcome]
) -> tuple[Selection, list[tuple[int, int | None]]]:
    """Return the selection of the crops and of all images without a crop, in the old order.

    Args:
        selection: The images.
        outcomes: What was decided about those that were searched, by their index.

    Returns:
        The new selection, and for each of its entries the old index, with the number of the face
        if the entry is a crop. Images that are kept have the paths that they had; if all are, they
        have no `FaceRow` either.
    """
    if all(outcome.state == WHOLE for outcome in outcomes.values()):
        return selection, [(index, None) for index in range(len(selection.rows))]
    kept = {
        index
        for index in range(len(selection.rows))
        if index not in outcomes or outcomes[index].state == WHOLE
    }
    paths = UniquePaths(selection.targets[index] for index in kept)
    origins: list[tuple[int, int | None]] = []
    faces: list[FaceRow] = []
    labels, targets = [], []
    for index, (row, label, target) in enumerate(
        zip(selection.rows, selection.labels, selection.targets, strict=True)
    ):
        source_image = selection.raw.names[row]
        if index in kept:
            known = selection.faces[index] if selection.faces else None
            origins.append((index, None))
            faces.append(known or FaceRow(WHOLE, source_image))
            labels.append(label)
            targets.append(target)
            continue
        outcome = outcomes[index]
        if outcome.state != CUT:
            origins.append((index, None))
            faces.append(FaceRow(outcome.state, source_image, label))
            labels.append("")
            targets.append(paths.unique(f"{NO_FACE}/{target.rpartition('/')[2]}"))
            continue
        for number, face in enumerate(outcome.faces):
            origins.append((index, number))
            faces.append(cut_row(source_image, face))
            labels.append(label)
            targets.append(paths.unique(_crop_path(target, number if number else None)))
    old = [index for index, _ in origins]
    entries = replace(
        selection,
        rows=[selection.rows[index] for index in old],
        images=[selection.images[index] for index in old],
        labels=labels,
        targets=targets,
        faces=faces,
    )
    return entries, origins


def _crop_path(target: str, number: int | None) -> str:
    """Return the path of a crop: that of its image as PNG; further faces have a number."""
    folder, _, name = target.rpartition("/")
    stem = name.rpartition(".")[0] or name
    while len(os.fsencode(stem)) > _MAX_STEM_BYTES:
        stem = stem[:-1]
    further = "" if number is None else f"-face{number + 1}"
    return f"{folder}/{stem}{further}.png"
