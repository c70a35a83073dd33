"""Recognizes the faces of uploaded images, with the same work and writers as `emorec detect`."""

import zipfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from emorec.app.file_names import stem_of
from emorec.app.uploads import StoredFile
from emorec.batch.image_work import ImageWork, process_serially
from emorec.errors import DataError
from emorec.inference.recognizer import EmotionRecognizer
from emorec.media.sources import MediaSource
from emorec.outputs.formats import open_writer
from emorec.outputs.marked_images import MarkedImages
from emorec.outputs.records import ImageResult

RECORD_FORMATS = {"json": "application/json", "csv": "text/csv; charset=utf-8"}
"""Content type of each format of records."""

FORMATS = {**RECORD_FORMATS, "png": "image/png", "zip": "application/zip"}
"""Content type of each format that images can be returned in; zip holds all the others."""


@dataclass(frozen=True)
class PhotoOutput:
    """What a request asks for.

    Attributes:
        format: One of `FORMATS`.
        bars: Draw the probabilities of all emotions into the images.
        blur: Blur the faces in the images by this method; None shows them.
    """

    format: str
    bars: bool = False
    blur: str | None = None


def recognize_photos(
    images: Sequence[StoredFile], recognizer: EmotionRecognizer, output: PhotoOutput, folder: Path
) -> Path:
    """Recognize the faces of images and write the result.

    Args:
        images: The images.
        recognizer: Detects and classifies the faces.
        output: What is written.
        folder: An empty folder for the result.

    Returns:
        The file to send.

    Raises:
        DataError: The only image cannot be read, or the annotated images of several are requested
            without a zip file.
        ModelError: The model fails.
    """
    marked = folder / "marked"
    images_drawn = MarkedImages(marked, output.bars, blur=output.blur, suffix=".png")
    outputs = [images_drawn] if output.format in ("png", "zip") else []
    names = {str(image.path): image.name for image in images}
    # The names of annotated images are made of the number of an image alone.
    sources = [MediaSource(name, str(number)) for number, name in enumerate(names, 1)]
    work = ImageWork(recognizer, outputs)
    formats = [name for name in RECORD_FORMATS if output.format in (name, "zip")]
    records = [folder / f"results.{name}" for name in formats]
    drawn: list[tuple[Path, str]] = []
    with ExitStack() as stack:
        writers = [
            stack.enter_context(open_writer(path.suffix.removeprefix("."), path, recognizer))
            for path in records
        ]
        for result in process_serially(work, sources):
            named = _named(result, names)
            if named.record["status"] == "unreadable" and len(images) == 1:
                raise DataError(named.problems[0])
            for writer in writers:
                writer.add(named.record)
            drawn += [(Path(path), named.record["source"]) for path in result.written]
    if output.format == "png":
        return _only(drawn)
    if output.format != "zip":
        return records[0]
    return _pack(folder / "emorec.zip", records, drawn)


def _named(result: ImageResult, names: dict[str, str]) -> ImageResult:
    """Replace the path of an image by the name that the client gave it, in messages too."""
    path = result.record["source"]
    name = names[path]
    error = result.record["error"]
    record = {**result.record, "source": name, "error": error and error.replace(path, name)}
    problems = tuple(problem.replace(path, name) for problem in result.problems)
    return replace(result, record=record, problems=problems)


def _only(drawn: Sequence[tuple[Path, str]]) -> Path:
    if len(drawn) != 1:
        raise DataError(f"there are {len(drawn)} annotated images; ask for format=zip")
    return drawn[0][0]


def _pack(target: Path, records: Sequence[Path], drawn: Sequence[tuple[Path, str]]) -> Path:
    used: set[str] = set()
    with zipfile.ZipFile(target, "x", zipfile.ZIP_DEFLATED) as archive:
        for path in records:
            archive.write(path, path.name)
        for path, name in drawn:
            # "3-frame000001-emotions.png" becomes "photo-frame000001-emotions.png".
            ending = path.name.partition("-")[2]
            member, number = f"{stem_of(name)}-{ending}", 1
            while member.casefold() in used:
                number += 1
                member = f"{stem_of(name)}-{number}-{ending}"
            used.add(member.casefold())
            archive.write(path, member, zipfile.ZIP_STORED)
    return target
