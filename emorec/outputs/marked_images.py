"""Writes annotated pictures and face crops, where the pixels are: in any thread or process.

A picture output is plain settings until it is called, so that it passes between processes. What it
is called with decides the file's name, so that threads need not agree on anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from emorec.errors import DataError
from emorec.frames import Frame
from emorec.images import write_image
from emorec.media.drawing import annotate_frame
from emorec.media.sources import MediaSource
from emorec.preprocessing import crop_face
from emorec.types import FaceEmotion


class ImageOutput(Protocol):
    """Makes files out of a frame and its faces."""

    def write(self, source: MediaSource, frame: Frame, faces: Sequence[FaceEmotion]) -> list[Path]:
        """Write the files of one frame.

        Args:
            source: Where the frame is from.
            frame: The pixels.
            faces: What was found, boxes in pixels of the full picture.

        Returns:
            What was written.

        Raises:
            DataError: A file cannot be written.
        """
        ...


@dataclass(frozen=True)
class MarkedImages:
    """Pictures with the faces marked, as NAME-emotions.jpg.

    Attributes:
        folder: Where they go; folders inside it are made as the sources need them.
        bars: Draw the probabilities of all emotions.
    """

    folder: Path
    bars: bool = False

    def target(self, source: MediaSource, frame: Frame | None = None) -> Path:
        """Name the picture of a source, or of one of its frames."""
        return self.folder / source.output_name("-emotions.jpg", frame)

    def write(self, source: MediaSource, frame: Frame, faces: Sequence[FaceEmotion]) -> list[Path]:
        """Write one picture; see `ImageOutput.write`."""
        target = self.target(source, frame)
        make_folder(target.parent)
        write_image(target, annotate_frame(frame, faces, self.bars))
        return [target]


@dataclass(frozen=True)
class FaceCrops:
    """Each face as a picture of its own, as NAME-face1.png: what the model saw, at full size.

    Attributes:
        folder: Where they go.
        margin: Part of the box's width and height added on each side.
    """

    folder: Path
    margin: float

    def write(self, source: MediaSource, frame: Frame, faces: Sequence[FaceEmotion]) -> list[Path]:
        """Write the crops of one frame; see `ImageOutput.write`."""
        written = []
        for number, face in enumerate(faces, 1):
            target = self.folder / source.output_name(f"-face{number}.png", frame)
            make_folder(target.parent)
            box = frame.to_scaled_box(face.face.box)
            write_image(target, crop_face(frame.image_bgr, box, self.margin))
            written.append(target)
        return written


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, where they are missing.

    Raises:
        DataError: It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{folder}: cannot make the folder: {error.strerror or error}") from error
