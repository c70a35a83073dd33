"""Processes images from file to record: read, detect faces, classify, draw and write.

`ImageWork` knows the three steps of one source. `prepare` and `finish` run in any thread; between
them the faces of many images go through the model in one batch. An error of one image ends up in
its own `ImageResult` and affects no other.
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from emorec.errors import DataError
from emorec.frames import Frame
from emorec.images import Image
from emorec.inference.classifier import BATCH_SIZE
from emorec.inference.recognizer import EmotionRecognizer
from emorec.media.addresses import shown_name
from emorec.media.reading import read_frames
from emorec.media.sources import MediaSource
from emorec.outputs.marked_images import ImageOutput, write_result
from emorec.outputs.records import ImageResult
from emorec.types import Face, FaceEmotion, Prediction

_BATCH_PIXELS = 2**24
"""Pixels in memory at which a batch is classified, however few its faces."""


@dataclass(frozen=True)
class DecodedImage:
    """A source whose faces are detected and cropped, ready for the model.

    Attributes:
        source: The source.
        frames: Its frames with their faces; empty if it could not be read.
        crops: The face crops of all frames, in order.
        problem: Why it could not be read, or was read only in part.
        notes: As for `MediaContent`.
    """

    source: MediaSource
    frames: Sequence[tuple[Frame, Sequence[Face]]]
    crops: Sequence[Image]
    problem: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def pixels(self) -> int:
        """Number of pixels held in memory."""
        return sum(frame.image_bgr.size // 3 for frame, _ in self.frames)


class ImageWork:
    """The work on each image.

    Args:
        recognizer: Detects and classifies the faces.
        outputs: Annotated images and face crops to write.
        max_side: Larger images are downscaled to this many pixels on their longer side.
    """

    def __init__(
        self,
        recognizer: EmotionRecognizer,
        outputs: Sequence[ImageOutput] = (),
        max_side: int | None = None,
    ) -> None:
        self._recognizer = recognizer
        self._outputs = outputs
        self._max_side = max_side

    def prepare(self, source: MediaSource) -> DecodedImage:
        """Read a source, detect its faces and crop them."""
        try:
            content = read_frames(source, self._max_side)
        except DataError as error:
            return DecodedImage(source, (), (), str(error))
        frames = [(frame, self._recognizer.detect(frame)) for frame in content.frames]
        crops = [crop for pair in frames for crop in self._recognizer.crop_faces(*pair)]
        return DecodedImage(source, frames, crops, content.problem, content.notes)

    def classify(self, crops: Sequence[Image]) -> list[Prediction]:
        """Classify the face crops of one or more sources.

        Raises:
            ModelError: The model fails.
        """
        return self._recognizer.classify(crops)

    def finish(self, decoded: DecodedImage, predictions: Sequence[Prediction]) -> list[ImageResult]:
        """Write the image outputs of a source and return the result of each of its frames."""
        source = decoded.source
        name = shown_name(source.name)
        if not decoded.frames:
            return [ImageResult.unreadable(name, decoded.problem or "")]
        remaining = iter(predictions)
        results = []
        for frame, faces in decoded.frames:
            classified = [FaceEmotion(face, next(remaining)) for face in faces]
            results.append(write_result(source, name, frame, classified, self._outputs))
        if decoded.problem is not None:
            results[-1] = replace(results[-1], problems=(*results[-1].problems, decoded.problem))
        if decoded.notes:
            results[-1] = replace(results[-1], notes=decoded.notes)
        return results


def process_serially(work: ImageWork, sources: Iterable[MediaSource]) -> Generator[ImageResult]:
    """Process one source after another in this thread; the faces of small ones share a batch.

    Args:
        work: The work on each.
        sources: Consumed as they are needed.

    Raises:
        ModelError: The model fails.
    """
    batch: list[DecodedImage] = []
    for source in sources:
        batch.append(work.prepare(source))
        faces = sum(len(decoded.crops) for decoded in batch)
        if faces >= BATCH_SIZE or sum(decoded.pixels for decoded in batch) >= _BATCH_PIXELS:
            yield from _finish_batch(work, batch)
            batch = []
    yield from _finish_batch(work, batch)


def _finish_batch(work: ImageWork, batch: Sequence[DecodedImage]) -> Iterator[ImageResult]:
    for decoded, predictions in classify_batch(work, batch):
        yield from work.finish(decoded, predictions)


def classify_batch(
    work: ImageWork, batch: Sequence[DecodedImage]
) -> Iterator[tuple[DecodedImage, list[Prediction]]]:
    """Classify the faces of several sources in one batch; yield each source's predictions.

    Raises:
        ModelError: The model fails.
    """
    predictions = iter(work.classify([crop for decoded in batch for crop in decoded.crops]))
    for decoded in batch:
        yield decoded, [next(predictions) for _ in decoded.crops]
