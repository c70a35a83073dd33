"""Decides which files a detection writes, and where."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from emorec.media.addresses import is_camera, is_url
from emorec.media.sources import MediaSource
from emorec.outputs.base import STDOUT, RecordWriter, ReportingModel
from emorec.outputs.formats import open_writer
from emorec.outputs.marked_images import FaceCrops, ImageOutput, MarkedImages, make_folder


@dataclass(frozen=True)
class OutputSettings:
    """The outputs of a detection.

    Attributes:
        records: The record files: target ("-" is standard output) by the name of the format.
        folder: Folder of annotated images and videos; None is the current folder, for sources that
            the user named one by one.
        save: Write annotated images and videos.
        bars: Draw the probabilities of all emotions into them.
        landmarks: Draw the landmarks of the faces into them.
        blur: Blur the faces in them and in the crops, by this method of `BLURS`.
        crops: Folder of the face crops; None writes none.
        resume: Resume an interrupted run from its record files.
    """

    records: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    save: bool = True
    bars: bool = False
    landmarks: bool = False
    blur: str | None = None
    crops: Path | None = None
    resume: bool = False

    @property
    def record_files(self) -> dict[str, Path]:
        """The record files by the name of their format, without standard output."""
        return {name: Path(text) for name, text in self.records.items() if text != STDOUT}

    @property
    def prints_records(self) -> bool:
        """Whether records go to standard output."""
        return STDOUT in self.records.values()

    def image_folder(self, sources: Sequence[MediaSource]) -> Path | None:
        """Return the folder of the annotated images; None if none are written."""
        if not self.save:
            return None
        if self.folder is not None:
            return self.folder
        # A folder of thousands must not fill the current one by default.
        return None if any(source.listed for source in sources) else Path()

    def video_folder(self, source: MediaSource) -> Path | None:
        """Return the folder of the annotated video of a source; None if none is written.

        A source that may never end is written only to an explicit folder.
        """
        if self.folder is None and (is_camera(source.name) or is_url(source.name)):
            return None
        return self.image_folder([source])

    def draws(self, sources: Sequence[MediaSource]) -> bool:
        """Return whether annotated images or videos are written."""
        if any(not source.is_video for source in sources) and self.image_folder(sources):
            return True
        return any(source.is_video and self.video_folder(source) for source in sources)

    def files(self, sources: Sequence[MediaSource]) -> list[Path]:
        """List the files that will be written, face crops and frames of animations aside."""
        folder = self.image_folder(sources)
        images = None if folder is None else MarkedImages(folder)
        paths = list(self.record_files.values())
        for source in sources:
            if source.is_video:
                paths += self._video_files(source)
            elif images:
                paths.append(images.target(source))
        return paths

    def image_outputs(
        self, sources: Sequence[MediaSource], crop_margin: float, align: bool = False
    ) -> list[ImageOutput]:
        """Make the outputs of images, and create their folders.

        Args:
            sources: All sources.
            crop_margin: Margin of the face crops; see `FaceCrops`.
            align: As for `FaceCrops`.

        Raises:
            DataError: A folder cannot be created.
        """
        outputs: list[ImageOutput] = []
        folder = self.image_folder(sources)
        if folder is not None:
            make_folder(folder)
            outputs.append(MarkedImages(folder, self.bars, self.landmarks, self.blur))
        return [*outputs, *self.crop_outputs(crop_margin, align)]

    def crop_outputs(self, crop_margin: float, align: bool = False) -> list[ImageOutput]:
        """Make the output of face crops, if requested; see `image_outputs`."""
        if self.crops is None:
            return []
        make_folder(self.crops)
        return [FaceCrops(self.crops, crop_margin, align, self.blur)]

    def writers(self, model: ReportingModel) -> list[RecordWriter]:
        """Make the writers of the records, unopened.

        Raises:
            ConfigError: A format is unknown, or a run cannot be resumed from it.
        """
        return [
            open_writer(name, target, model, self.resume) for name, target in self.records.items()
        ]

    def remaining(
        self, sources: Sequence[MediaSource], labels: Sequence[str]
    ) -> tuple[Sequence[MediaSource], bool]:
        """Return the sources to process, and whether an interrupted run failed at others.

        Raises:
            DataError: A record file cannot be resumed from.
        """
        if not self.resume:
            return sources, False
        from emorec.outputs.resume import resume  # few runs resume

        return resume(sources, self.record_files, labels)

    def _video_files(self, source: MediaSource) -> list[Path]:
        folder = self.video_folder(source)
        if folder is None:
            return []
        from emorec.outputs.annotated_video import annotated_path  # images need none of it

        return [annotated_path(folder, source)]
