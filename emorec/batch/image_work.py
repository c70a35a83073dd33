"""Takes pictures from their files to records: reads, finds faces, classifies, draws, writes.

`ImageWork` knows the three steps of one source. `prepare` and `finish` run in any thread; between
them the faces of many pictures go through the model together. Whatever is wrong with one picture
ends up in its own `ImageResult` and touches no other.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from emorec.errors import DataError
from emorec.frames import Frame
from emorec.images import Image
from emorec.inference.classifier import BATCH_SIZE
from emorec.inference.recognizer import EmotionRecognizer
from emorec.media.reading import read_frames
from emorec.media.sources import MediaSource
from emorec.outputs.marked_images import ImageOutput
from emorec.outputs.records import ImageResult, image_record
from emorec.types import Face, FaceEmotion, Prediction

_BATCH_PIXELS = 2**24
"""Pixels in memory at which a batch is done, however few its faces."""


@dataclass(frozen=True)
class DecodedImage:
    """A source whose faces are found and cut out, waiting for the model."""

    source: MediaSource
    frames: Sequence[tuple[Frame, Sequence[Face]]]
    crops: Sequence[Image]
    problem: str | None = None

    @property
    def pixels(self) -> int:
        """How many pixels it holds in memory."""
        return sum(frame.image_bgr.size // 3 for frame, _ in self.frames)


class ImageWork:
    """What is done with every picture.

    Args:
        recognizer: Finds and reads the faces.
        outputs: Make pictures of what was found.
        max_side: Longer pictures are shrunk to this many pixels on their longer side.
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
        """Read a source, find its faces and cut them out."""
        try:
            reading = read_frames(source, self._max_side)
        except DataError as error:
            return DecodedImage(source, (), (), str(error))
        found = [(frame, self._recognizer.find(frame)) for frame in reading.frames]
        crops = [crop for pair in found for crop in self._recognizer.crops(*pair)]
        return DecodedImage(source, found, crops, reading.problem)

    def classify(self, crops: Sequence[Image]) -> list[Prediction]:
        """Read the emotions of crops, of one source or of many.

        Raises:
            ModelError: The model fails.
        """
        return self._recognizer.classify(crops)

    def finish(
        self, prepared: DecodedImage, predictions: Sequence[Prediction]
    ) -> list[ImageResult]:
        """Write the pictures of a source and tell of each of its frames."""
        source = prepared.source
        problems = () if prepared.problem is None else (prepared.problem,)
        if not prepared.frames:
            record = image_record(source.name, None, [], error=prepared.problem)
            return [ImageResult(record, problems=problems)]
        waiting = iter(predictions)
        done = [
            self._done(source, frame, [FaceEmotion(face, next(waiting)) for face in faces])
            for frame, faces in prepared.frames
        ]
        return [*done[:-1], replace(done[-1], problems=(*done[-1].problems, *problems))]

    def _done(self, source: MediaSource, frame: Frame, faces: Sequence[FaceEmotion]) -> ImageResult:
        record = image_record(source.name, frame.size_wh, faces, frame.number, frame.time_s)
        written: list[str] = []
        problems: list[str] = []
        for output in self._outputs:
            try:
                written += map(str, output.write(source, frame, faces))
            except DataError as error:
                problems.append(str(error))
        return ImageResult(record, tuple(written), tuple(problems))


def process_serially(work: ImageWork, sources: Iterable[MediaSource]) -> Iterator[ImageResult]:
    """Do one source after another in this thread; the faces of small ones share calls."""
    batch: list[DecodedImage] = []
    for source in sources:
        batch.append(work.prepare(source))
        faces = sum(len(prepared.crops) for prepared in batch)
        if faces >= BATCH_SIZE or sum(p.pixels for p in batch) >= _BATCH_PIXELS:
            yield from _finished(work, batch)
            batch = []
    yield from _finished(work, batch)


def _finished(work: ImageWork, batch: Sequence[DecodedImage]) -> Iterator[ImageResult]:
    for prepared, predictions in classify_batch(work, batch):
        yield from work.finish(prepared, predictions)


def classify_batch(
    work: ImageWork, batch: Sequence[DecodedImage]
) -> Iterator[tuple[DecodedImage, list[Prediction]]]:
    """Put the faces of several sources through the model together."""
    predictions = iter(work.classify([crop for prepared in batch for crop in prepared.crops]))
    for prepared in batch:
        yield prepared, [next(predictions) for _ in prepared.crops]
