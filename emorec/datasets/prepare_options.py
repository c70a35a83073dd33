"""The options of preparing a data set, apart from those of reading."""

from dataclasses import dataclass
from pathlib import Path

from emorec.datasets.choices import AUTO, BOXES, COPY, LARGEST, LEAKS, LINKS, NONE, SEVERAL
from emorec.detection.registry import DETECTORS
from emorec.errors import ConfigError
from emorec.labels import POLICIES, emotions
from emorec.suggestions import unknown_name
from emorec.types import ALIGNMENTS, MAX_CROP_MARGIN, MIN_CROP_MARGIN


def face_modes() -> tuple[str, ...]:
    """Return the values of `PrepareOptions.faces`."""
    searching = (name for name, entry in DETECTORS.items() if not entry.whole_image)
    return (AUTO, *searching, BOXES, NONE)


@dataclass(frozen=True)
class PrepareOptions:
    """Options of preparing a data set.

    Attributes:
        policy: One of `emorec.labels.POLICIES`; used for sources with votes.
        classes: 7 or 8.
        link: One of `LINKS`.
        leaks: One of `LEAKS`; None ignores leaks in one source and lists them in several.
        strict: Treat missing folders, missing or unreadable images, repeated names and every
            other note as errors.
        overwrite: Replace the destination whatever it contains.
        faces: One of `face_modes`: how faces are cut out. "auto" cuts them out of whole photos and
            keeps face crops, "boxes" takes the boxes of the source, a detector searches every
            image, and "none" takes every image as a face.
        several: One of `SEVERAL`: the faces to take of an image with several; with "none" it is
            kept apart, as an image without a face is.
        crop_margin: Fraction of the box added on each side of a crop; None for that of the shipped
            model.
        align: One of `ALIGNMENTS`: whether crops of tilted faces are rotated so that the eyes are
            level; "auto" for the default of the shipped model.
        relabel: File of new labels for a single source; see `emorec.datasets.relabelling`.

    Raises:
        ConfigError: A value is unknown or out of range.
    """

    policy: str = "dominant"
    classes: int = 7
    link: str = COPY
    leaks: str | None = None
    strict: bool = False
    overwrite: bool = False
    faces: str = AUTO
    several: str = LARGEST
    crop_margin: float | None = None
    align: str = AUTO
    relabel: Path | None = None

    def __post_init__(self) -> None:
        emotions(self.classes)
        _require_one_of("vote policy", self.policy, POLICIES)
        _require_one_of("link", self.link, LINKS)
        if self.leaks is not None:
            _require_one_of("value of leaks", self.leaks, LEAKS)
        _require_one_of("value of faces", self.faces, face_modes())
        _require_one_of("value of several", self.several, SEVERAL)
        _require_one_of("value of align", self.align, ALIGNMENTS)
        margin = self.crop_margin
        if margin is not None and not MIN_CROP_MARGIN <= margin <= MAX_CROP_MARGIN:
            raise ConfigError(
                f"crop_margin must be {MIN_CROP_MARGIN:g} to {MAX_CROP_MARGIN:g}; received {margin}"
            )

    @property
    def face_settings(self) -> tuple[object, ...]:
        """The settings of cutting out faces that are not the default ones."""
        settings = (self.faces, self.several, self.crop_margin, self.align)
        return () if settings == (AUTO, LARGEST, None, AUTO) else settings


def _require_one_of(kind: str, name: str, known: tuple[str, ...]) -> None:
    if name not in known:
        raise ConfigError(unknown_name(kind, name, known))
