"""Finds the faces of the images of a data set, decides what each image is, and writes the crops.

Detection, framing and decoding are those of `emorec detect`: a crop holds the pixels that
`EmotionRecognizer.crop_faces` returns for the same file.
"""

import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

from emorec import resources
from emorec.datasets.choices import ALL, AUTO, BOXES, NONE
from emorec.datasets.face_cache import FaceCache
from emorec.datasets.face_rows import CUT, MISSING, SEVERAL, WHOLE
from emorec.datasets.image_writing import write_new_file
from emorec.datasets.prepare_options import PrepareOptions
from emorec.datasets.readers.rows import SourceBox
from emorec.datasets.selection import Selection
from emorec.datasets.summary_file import Framing, framing_of
from emorec.datasets.whole_photos import (
    Size,
    face_share,
    is_face_crop,
    is_small,
    largest_face,
    resemble_crops,
)
from emorec.detection.framing import crop_regions
from emorec.detection.registry import DEFAULT_DETECTOR, make_detector
from emorec.errors import DataError
from emorec.frames import Frame
from emorec.headers import Header
from emorec.media.reading import decode_still
from emorec.models.files import read_metadata
from emorec.threads import ProgressCallback, default_threads, run_in_threads
from emorec.types import Face

_BATCH = 4
"""Images between two progress reports."""

_SHARE_DECIMALS = 4


@dataclass
class Outcome:
    """What was decided about an image.

    Attributes:
        state: One of `face_rows.STATES`.
        size_wh: Size of the image.
        faces: The faces that were cut out of it.
        share: Share of the image that its largest face fills; None without a face.
        reason: Why it is a face crop; "" for others.
    """

    state: str
    size_wh: Size
    faces: Sequence[Face] = ()
    share: float | None = None
    reason: str = ""


class FaceSearch:
    """Searches images for faces and writes their crops to a folder.

    Args:
        selection: The images.
        options: Options of preparing; `faces` is not "none".
        crops: Folder of the crops; it is created with the first search.

    Attributes:
        outcomes: What was decided about each image that was searched, by its index.
        unreadable: Reason for each image that could not be decoded, by its index.
    """

    def __init__(self, selection: Selection, options: PrepareOptions, crops: Path) -> None:
        self._selection, self._options, self._crops = selection, options, crops
        self._framing = _framing(options, selection.face_settings)
        self.outcomes: dict[int, Outcome] = {}
        self.unreadable: dict[int, str] = {}

    def may_be_photo(self, index: int, header: Header | None) -> bool:
        """Return whether an image must be searched.

        Args:
            index: Index in the selection.
            header: Header of its file; None for an unknown one.
        """
        faces = self._selection.faces
        if faces is not None and faces[index] is not None:
            return False  # it comes from a prepared data set, whose faces were cut out
        if self._options.faces != AUTO or self._box(index) is not None:
            return True
        return header is None or not is_small(header.size_wh)

    def crop_file(self, index: int, number: int) -> Path:
        """Return the file of a crop, by the index of the image and the number of the face."""
        return self._crops / f"{index}-{number}.png"

    def run(self, indices: Sequence[int], progress: ProgressCallback | None) -> None:
        """Search images and write the crops of their faces, in threads.

        Args:
            indices: Their indices in the selection.
            progress: Called now and then with the number of images and their total.

        Raises:
            DataError: A box of the source is not in its image.
            ModelError: The detector fails.
        """
        self._crops.mkdir()
        with ExitStack() as stack:
            find = self._finder(stack)
            stack.enter_context(_one_thread_of_opencv())

            def search(position: int) -> None:
                index = indices[position]
                image = self._selection.images[index]
                try:
                    data = image.read()
                    frame = decode_still(image.location, data)
                except DataError as error:
                    self.unreadable[index] = str(error).removeprefix(f"{image.location}: ")
                    return
                faces = self._given(index, frame)
                if faces is None:
                    faces = find(data, frame)
                self.outcomes[index] = self._decide(index, frame, faces)

            threads = default_threads()
            run_in_threads(search, len(indices), progress, threads=threads, batch=_BATCH)
        if self._options.faces == AUTO:
            self._compare_with_neighbours()

    def settings(self, small: int) -> dict[str, Any]:
        """Return "faces" of the summary, without the counts of images.

        Args:
            small: Number of images that were not searched.
        """
        found = self.outcomes.values()
        shares = [outcome.share for outcome in found if outcome.state == CUT and outcome.share]
        has_crops = any(outcome.state == CUT for outcome in found)
        framing = self._framing if has_crops else framing_of_settings(self._selection.face_settings)
        reasons = Counter(outcome.reason for outcome in found if outcome.reason)
        return {
            "mode": self._options.faces,
            "detector": self._detector,
            "several": self._options.several,
            "margin": framing and framing.margin,
            "align": framing and framing.align,
            "median_share": round(statistics.median(shares), _SHARE_DECIMALS) if shares else None,
            "face_crops_by_reason": {"small": small, **reasons},
        }

    @property
    def _detector(self) -> str:
        return DEFAULT_DETECTOR if self._options.faces == AUTO else self._options.faces

    def _box(self, index: int) -> SourceBox | None:
        boxes = self._selection.raw.boxes
        return boxes[self._selection.rows[index]] if boxes else None

    def _finder(self, stack: ExitStack) -> Callable[[bytes, Frame], list[Face]]:
        """Return the function that finds the faces of an image without a box of the source."""
        if self._options.faces == BOXES:
            return lambda _, frame: []
        detector = make_detector(self._detector)
        cache = stack.enter_context(FaceCache(self._detector))

        def find(data: bytes, frame: Frame) -> list[Face]:
            key = FaceCache.key(data)
            faces = cache.find(key)
            if faces is None:
                found = detector.detect(frame.image_bgr)
                faces = [frame.to_full_face(face) for face in found]
                cache.add(key, faces)
            return faces

        return find

    def _given(self, index: int, frame: Frame) -> list[Face] | None:
        """Return the face of the box that the source gives; None if it gives none.

        Raises:
            DataError: Less than half of the box is in the image.
        """
        source = self._box(index)
        if source is None:
            return None
        box, (width, height) = source.box, frame.size_wh
        across = max(min(box.x + box.width, width) - max(box.x, 0), 0)
        down = max(min(box.y + box.height, height) - max(box.y, 0), 0)
        if 2 * across * down < box.width * box.height:
            name = self._selection.raw.names[self._selection.rows[index]]
            raise DataError(
                f"{source.place}: the box {box.x},{box.y},{box.width},{box.height} is outside "
                f"{name}, which has {width}x{height} pixels; a box is x,y,width,height in pixels "
                "of the upright image"
            )
        return [Face(box, BOXES, 1.0, source.landmarks)]

    def _decide(self, index: int, frame: Frame, faces: list[Face]) -> Outcome:
        """Decide what an image is, and write the crops of its faces."""
        size = frame.size_wh
        if not faces:
            return Outcome(MISSING, size)
        share = face_share(size, faces)
        looks = self._options.faces == AUTO and self._box(index) is None
        if looks and is_face_crop(size, faces):
            return Outcome(WHOLE, size, share=share, reason="one face fills it")
        if len(faces) > 1 and self._options.several == NONE:
            return Outcome(SEVERAL, size, share=share)
        taken = faces if self._options.several == ALL else [largest_face(faces)]
        regions = crop_regions(frame, taken, *self._framing)
        for number, region in enumerate(regions):
            done, data = cv2.imencode(".png", region.crop(frame.image_bgr))
            if not done:
                name = self._selection.raw.names[self._selection.rows[index]]
                raise DataError(f"{name}: the crop of a face could not be encoded as PNG")
            write_new_file(str(self.crop_file(index, number)), data.tobytes())
        return Outcome(CUT, size, taken, share)

    def _compare_with_neighbours(self) -> None:
        """Decide which images without a detected face are face crops."""
        found = self.outcomes.values()
        crops = [outcome.size_wh for outcome in found if outcome.state == WHOLE]
        photos = [outcome.size_wh for outcome in found if outcome.state in (CUT, SEVERAL)]
        missing = [outcome for outcome in found if outcome.state == MISSING]
        sizes = [outcome.size_wh for outcome in missing]
        for outcome, is_crop in zip(missing, resemble_crops(sizes, crops, photos), strict=True):
            if is_crop:
                outcome.state, outcome.reason = WHOLE, "like other face crops of its size"


def framing_of_settings(settings: Mapping[str, Any] | None) -> Framing | None:
    """Return the framing in "faces" of a summary."""
    return framing_of({"faces": settings})


def _framing(options: PrepareOptions, settings: Mapping[str, Any] | None) -> Framing:
    """Return the framing of the options; by default that of the source or of the shipped model."""
    default = framing_of_settings(settings)
    if default is None:
        metadata = read_metadata(resources.shipped_model())
        default = Framing(metadata.crop_margin, metadata.align)
    return Framing(
        default.margin if options.crop_margin is None else options.crop_margin,
        default.align if options.align == AUTO else options.align == "on",
    )


@contextmanager
def _one_thread_of_opencv() -> Iterator[None]:
    """Limit OpenCV to one thread, as the images searched side by side keep the cores busy."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
