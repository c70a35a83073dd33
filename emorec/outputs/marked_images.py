"""Writes annotated images and face crops, in the thread or process that has the pixels.

An image output is plain settings until it is called, so that it can be sent to other processes. The
name of a file depends only on the source and the frame, so that threads need no coordination.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from emorec.detection.framing import crop_regions
from emorec.errors import DataError
from emorec.frames import Frame
from emorec.images import write_image
from emorec.media.sources import MediaSource
from emorec.outputs.records import ImageResult, image_record
from emorec.types import FaceEmotion, Undrawn


@dataclass(frozen=True)
class WrittenImages:
    """What an image output has written of one frame.

    Attributes:
        paths: The files.
        undrawn: Labels and bars that they lack.
    """

    paths: Sequence[Path]
    undrawn: Undrawn = field(default_factory=Undrawn)


class ImageOutput(Protocol):
    """Writes files made from a frame and its faces."""

    def write(
        self, source: MediaSource, frame: Frame, faces: Sequence[FaceEmotion]
    ) -> WrittenImages:
        """Write the files of one frame.

        Args:
            source: The source of the frame.
            frame: The pixels.
            faces: The detected faces, boxes in pixels of the full image.

        Raises:
            DataError: A file cannot be written.
        """
        ...


@dataclass(frozen=True)
class MarkedImages:
    """Annotated images with the faces marked, as NAME-emotions.jpg by default.

    Attributes:
        folder: Folder of the images; subfolders are created as the sources need them.
        bars: Draw the probabilities of all emotions.
        landmarks: Draw the landmarks of the faces.
        blur: Blur the faces by this method of `BLURS`; None shows them.
        suffix: Suffix of the images, which chooses their format.
    """

    folder: Path
    bars: bool = False
    landmarks: bool = False
    blur: str | None = None
    suffix: str = ".jpg"

    def target(self, source: MediaSource, frame: Frame | None = None) -> Path:
        """Return the path of the annotated image of a source, or of one of its frames."""
        return self.folder / source.output_name(f"-emotions{self.suffix}", frame)

    def write(
        self, source: MediaSource, frame: Frame, faces: Sequence[FaceEmotion]
    ) -> WrittenImages:
        """Write one image; see `ImageOutput.write`."""
        from emorec.media.drawing import Annotator  # without annotated images it is not needed

        annotator = Annotator(self.bars, self.landmarks, self.blur)
        target = self.target(source, frame)
        make_folder(target.parent)
        write_image(target, annotator.draw_frame(frame, faces))
        return WrittenImages([target], annotator.undrawn)


@dataclass(frozen=True)
class FaceCrops:
    """The crop of each face as NAME-face1.png and so on: the model's input, at full size.

    Attributes:
        folder: Folder of the crops.
        margin: Margin added on each side, as a fraction of the box's width and height.
        align: Rotate the crops of tilted faces; see `crop_regions`.
        blur: As for `MarkedImages`.
    """

    folder: Path
    margin: float
    align: bool = False
    blur: str | None = None

    def write(
        self, source: MediaSource, frame: Frame, faces: Sequence[FaceEmotion]
    ) -> WrittenImages:
        """Write the crops of one frame; see `ImageOutput.write`."""
        written = []
        if self.blur is not None and faces:
            from emorec.media.blurring import blur_frame  # most runs blur nothing

            frame = blur_frame(frame, [face.box for face in faces], self.blur)
        found = [emotion.face for emotion in faces]
        regions = crop_regions(frame, found, self.margin, self.align)
        for number, region in enumerate(regions, 1):
            target = self.folder / source.output_name(f"-face{number}.png", frame)
            make_folder(target.parent)
            write_image(target, region.crop(frame.image_bgr))
            written.append(target)
        return WrittenImages(written)


def write_result(
    source: MediaSource,
    name: str,
    frame: Frame,
    faces: Sequence[FaceEmotion],
    outputs: Sequence[ImageOutput],
) -> ImageResult:
    """Write the image outputs of one frame and return its result.

    An output that cannot be written becomes a problem of the result.

    Args:
        source: The source of the frame.
        name: The source as records name it.
        frame: The pixels.
        faces: The detected faces, boxes in pixels of the full image.
        outputs: What is written.
    """
    record = image_record(name, frame.size_wh, faces, frame=frame.number, time_s=frame.time_s)
    written: list[str] = []
    problems: list[str] = []
    undrawn = Undrawn()
    for output in outputs:
        try:
            images = output.write(source, frame, faces)
            written += map(str, images.paths)
            undrawn += images.undrawn
        except DataError as error:
            problems.append(str(error))
    return ImageResult(record, tuple(written), tuple(problems), undrawn=undrawn)


def make_folder(folder: Path) -> None:
    """Create a folder and its missing parents.

    Raises:
        DataError: It cannot be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{folder}: cannot make the folder: {error.strerror or error}") from error
