"""The rows that a reader returns for a raw data set, and the options of reading."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from emorec.datasets.choices import FER2013NEW, FRAMES, LAST_THREE, VOTE_FILES
from emorec.datasets.face_rows import FaceRow
from emorec.datasets.grouping import parse_rule
from emorec.datasets.readers.image_files import RawImage
from emorec.errors import ConfigError
from emorec.labels import EMOTIONS_8, VOTE_CLASSES, Votes
from emorec.suggestions import unknown_name
from emorec.types import Box, Landmarks

TRAIN, VALIDATION, TEST = "train", "validation", "test"

SPLITS = (TRAIN, VALIDATION, TEST)

HELD_OUT = "held-out"
"""Usage of training images that emorec holds out for validation; they stay in the train folder."""

USAGES = {
    "Training": (TRAIN, "train"),
    "PublicTest": (VALIDATION, "test"),
    "PrivateTest": (TEST, "test"),
    TRAIN: (TRAIN, "train"),
    HELD_OUT: (VALIDATION, "train"),
    VALIDATION: (VALIDATION, "test"),
    TEST: (TEST, "test"),
}
"""Split and top folder of the prepared data set for each usage: FER-2013's three, then emorec's."""

NO_EMOTIONS = ("none", "uncertain", "no face")
"""Labels of published data sets that stand for no emotion; such images are kept without a label."""

LABEL_VOTES = 10
"""Votes that a plain label counts for beside voted images; each FER+ image has ten voters."""


@dataclass(frozen=True)
class ReadOptions:
    """Options of reading raw data.

    Attributes:
        layout: A key of `emorec.datasets.readers.registry.LAYOUTS`; None detects the layout.
        ferplus_csv: fer2013new.csv whose votes replace the labels of a pixel CSV file.
        votes: One of `VOTE_FILES`.
        keep_labels: Keep labels as they are spelt; they need not be emotions.
        validation: Share of the images for validation where the source has none, 0 to 1.
        test: Share of the images for test where the source has none, 0 to 1.
        seed: Seed of the random split.
        group_by: Rule that groups the images of a person; see `emorec.datasets.grouping`.
        frames: One of `FRAMES`: which frames of the sequences of CK+ are taken.

    Raises:
        ConfigError: The vote files or the frames are unknown, the shares leave no training images,
            or the rule is invalid.
    """

    layout: str | None = None
    ferplus_csv: Path | None = None
    votes: str = FER2013NEW
    keep_labels: bool = False
    validation: float = 0.1
    test: float = 0.1
    seed: int = 0
    group_by: str | None = None
    frames: str = LAST_THREE

    def __post_init__(self) -> None:
        if self.votes not in VOTE_FILES:
            raise ConfigError(unknown_name("vote files", self.votes, VOTE_FILES))
        if self.frames not in FRAMES:
            raise ConfigError(unknown_name("frames", self.frames, FRAMES))
        shares = (self.validation, self.test)
        if not all(0 <= share < 1 for share in shares) or sum(shares) >= 1:
            raise ConfigError(
                "the shares of validation and test must be 0 or more and sum to less than 1; "
                f"received {self.validation} and {self.test}"
            )
        if self.group_by is not None:
            parse_rule(self.group_by)


_Value = TypeVar("_Value")


class SourceBox(NamedTuple):
    """The box of a face as the source gives it.

    Attributes:
        box: In pixels of the full, upright image.
        place: File and row, for messages.
        landmarks: Points of the face, in pixels of that image; None if they are not known.
    """

    box: Box
    place: str
    landmarks: Landmarks | None = None


@dataclass(frozen=True)
class Gap:
    """Rows whose images are missing for one common reason.

    Attributes:
        reason: Key of these rows in summary.json.
        note: One line for the user; "" where the user asked for it.
        rows: Indices of the rows.
    """

    reason: str
    note: str
    rows: list[int]


class NearDuplicates(NamedTuple):
    """Near duplicates that were found, such as bursts and frames of one video.

    Attributes:
        images: Number of images with a near duplicate.
        groups: Number of groups of them.
        problem: Why they are not kept in one split; "" where they are.
    """

    images: int
    groups: int
    problem: str = ""


@dataclass(frozen=True)
class RawRows:
    """The rows of raw data, as columns of n values each, in file order.

    Attributes:
        place: Path that the user named.
        label_files: Files that hold labels or votes.
        sources: Name of the data set of each row, for the manifest's source column.
        lines: Line number of each row in its label file; 0 without a label file.
        names: Path of each image within its data set; names may repeat.
        images: Image of each row; None where it is missing.
        usages: A key of `USAGES` for each row.
        votes: Vote counts, shape (n, 10); None where the data set has labels only.
        labels: Label of each row, "" for none; None where the data set has votes.
        groups: Group (a person, say) of each row, "" for none; None where the data has no groups.
        nameless: Number of further rows without an image name, by usage.
        gaps: Rows whose images are missing for one common reason.
        notes: Other problems of the data, one line each.
        drawn: Share of each usage that emorec draws at random; empty where the source has all
            splits.
        left_out: Paths of the files of the source that are neither images nor labels of the rows.
        unused: Files that the reader does not use, as the notes say; they are not in `left_out`.
        columns: Columns of the list of the images; empty without a list.
        group_rule: Rule that made the groups; None without one.
        keeps_near_duplicates: Whether near duplicates are searched and kept in one split: these
            are the user's own images, of which emorec draws the splits.
        near_duplicates: Those that were found; None where they were not searched.
        boxes: Box of the face of each row, None for none; None where the data has no boxes.
        faces: What is known about the face of each row; None where no face was cut out.
        face_settings: "faces" of the summary of a prepared data set; None for other data.
        source_labels: Label of each row in the source, "" where it was not changed; None where
            none was.
        relabelled: "relabelled" of the summary; None where no file of new labels was read.
    """

    place: Path
    label_files: list[RawImage]
    sources: list[str]
    lines: list[int]
    names: list[str]
    images: Sequence[RawImage | None]
    usages: list[str]
    votes: Votes | None = None
    labels: list[str] | None = None
    groups: list[str] | None = None
    nameless: Counter[str] = field(default_factory=Counter)
    gaps: list[Gap] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    drawn: Mapping[str, float] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    unused: Sequence[RawImage] = ()
    columns: Mapping[str, list[str]] = field(default_factory=dict)
    group_rule: str | None = None
    keeps_near_duplicates: bool = False
    near_duplicates: NearDuplicates | None = None
    boxes: Sequence[SourceBox | None] | None = None
    faces: Sequence[FaceRow | None] | None = None
    face_settings: Mapping[str, Any] | None = None
    source_labels: Sequence[str | None] | None = None
    relabelled: Mapping[str, Any] | None = None


def merge(parts: Sequence[RawRows]) -> RawRows:
    """Concatenate the rows of several data sets.

    Where some have votes and others labels, a label counts as `LABEL_VOTES` equal votes. A number
    distinguishes data sets of the same name.

    Raises:
        ConfigError: Some have votes and others labels that are not emotions.
    """
    if len(parts) == 1:
        return parts[0]
    sources: list[str] = []
    gaps: list[Gap] = []
    occurrences: Counter[str] = Counter()
    for part in parts:
        first = len(sources)
        gaps += [Gap(g.reason, g.note, [first + row for row in g.rows]) for g in part.gaps]
        numbers = {name: occurrences[name] + 1 for name in set(part.sources)}
        occurrences.update(numbers.keys())
        sources += [
            name if numbers[name] == 1 else f"{name}-{numbers[name]}" for name in part.sources
        ]
    voted = any(part.votes is not None for part in parts)
    return RawRows(
        place=parts[0].place,
        label_files=[file for part in parts for file in part.label_files],
        sources=sources,
        lines=[line for part in parts for line in part.lines],
        names=[name for part in parts for name in part.names],
        images=[image for part in parts for image in part.images],
        usages=[usage for part in parts for usage in part.usages],
        votes=np.concatenate([_votes_of(part) for part in parts]) if voted else None,
        labels=None if voted else [label for part in parts for label in part.labels or ()],
        groups=_groups_of_all(parts),
        nameless=sum((part.nameless for part in parts), Counter()),
        gaps=gaps,
        notes=[note for part in parts for note in part.notes],
        drawn=_drawn_of_all(parts),
        left_out=[path for part in parts for path in part.left_out],
        group_rule=parts[0].group_rule,
        keeps_near_duplicates=any(part.keeps_near_duplicates for part in parts),
        near_duplicates=_near_duplicates_of_all(parts),
        boxes=_column_of_all(parts, lambda part: part.boxes),
        faces=_column_of_all(parts, lambda part: part.faces),
        face_settings=next((part.face_settings for part in parts if part.face_settings), None),
        source_labels=_column_of_all(parts, lambda part: part.source_labels),
    )


def _column_of_all(
    parts: Sequence[RawRows], column: Callable[[RawRows], Sequence[_Value | None] | None]
) -> list[_Value | None] | None:
    """Concatenate a column, with None for the rows of the parts that lack it."""
    if all(column(part) is None for part in parts):
        return None
    return [value for part in parts for value in column(part) or [None] * len(part.names)]


def _drawn_of_all(parts: Sequence[RawRows]) -> dict[str, float]:
    """Return the usages drawn in every part."""
    drawn = [part.drawn for part in parts]
    return {usage: share for usage, share in drawn[0].items() if all(usage in d for d in drawn)}


def _near_duplicates_of_all(parts: Sequence[RawRows]) -> NearDuplicates | None:
    found = [part.near_duplicates for part in parts if part.near_duplicates is not None]
    if not found:
        return None
    problems = [near.problem for near in found if near.problem]
    return NearDuplicates(
        sum(near.images for near in found), sum(near.groups for near in found), "; ".join(problems)
    )


def _groups_of_all(parts: Sequence[RawRows]) -> list[str] | None:
    """Return the groups of all rows; a name in two data sets is two groups."""
    if all(part.groups is None for part in parts):
        return None
    return [
        group and f"{number}/{group}"
        for number, part in enumerate(parts, start=1)
        for group in part.groups or [""] * len(part.names)
    ]


def _votes_of(rows: RawRows) -> Votes:
    if rows.votes is not None:
        return rows.votes
    labels = rows.labels or []
    if unknown := sorted(set(labels) - {"", *EMOTIONS_8, *NO_EMOTIONS}):
        raise ConfigError(
            f"{rows.place}: the label {unknown[0]!r:.60} is not an emotion and cannot be combined "
            "with the votes of another source; omit --keep-labels, or prepare this source alone"
        )
    return label_votes(labels)


def label_votes(labels: Sequence[str]) -> Votes:
    """Return votes that agree on the label of each row, shape (n, 10), int64.

    A label counts as `LABEL_VOTES` votes; rows without a label, or with another one than a vote
    class, have none.
    """
    return np.array(
        [[LABEL_VOTES * (name == label) for name in VOTE_CLASSES] for label in labels], np.int64
    ).reshape(len(labels), len(VOTE_CLASSES))
