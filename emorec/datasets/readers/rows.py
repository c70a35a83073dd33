"""What a reader of a raw data set hands over: one row for each image that has a name."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from emorec.datasets.readers.image_files import RawImage
from emorec.errors import ConfigError
from emorec.labels import EMOTIONS_8, VOTE_CLASSES, Votes

TRAIN, VALIDATION, TEST = "train", "validation", "test"

SPLITS = (TRAIN, VALIDATION, TEST)

HELD_OUT = "held-out"
"""Usage of images that emorec holds out of the train folder of a data set for validation."""

USAGES = {
    "Training": (TRAIN, "train"),
    "PublicTest": (VALIDATION, "test"),
    "PrivateTest": (TEST, "test"),
    TRAIN: (TRAIN, "train"),
    HELD_OUT: (VALIDATION, "train"),
    VALIDATION: (VALIDATION, "test"),
    TEST: (TEST, "test"),
}
"""Split and top folder of the prepared data set for each usage: FER-2013's three, then ours."""

LABEL_VOTES = 10
"""Votes that a plain label counts as where it stands beside voted images, as FER+ has voters."""


@dataclass(frozen=True)
class ReadOptions:
    """How the user wants raw data to be read.

    Attributes:
        layout: A key of `emorec.datasets.readers.registry.LAYOUTS`; None recognises it.
        ferplus_csv: fer2013new.csv whose votes replace the labels of a pixel CSV file.
        votes: "fer2013new" or "label-csv": the files that hold the votes of a FERPlus checkout.
        keep_labels: Labels stay as they are spelt; they need not be emotions.
        validation: Share of the images for validation where the source has none, 0 to 1.
        test: Share of the images for test where the source has none, 0 to 1.
        seed: Seed of the choice.
    """

    layout: str | None = None
    ferplus_csv: Path | None = None
    votes: str = "fer2013new"
    keep_labels: bool = False
    validation: float = 0.1
    test: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        shares = (self.validation, self.test)
        if not all(0 <= share < 1 for share in shares) or sum(shares) >= 1:
            raise ConfigError(
                "the shares of validation and test must be 0 or more and leave something to "
                f"train; received {self.validation} and {self.test}"
            )


@dataclass(frozen=True)
class Gap:
    """Rows whose images are absent together.

    Attributes:
        reason: What the accounts call it.
        note: One line that tells the user.
        rows: The rows, as indices.
    """

    reason: str
    note: str
    rows: list[int]


@dataclass(frozen=True)
class RawRows:
    """The rows of raw data, as columns of n values each, in file order.

    Attributes:
        place: What the user named.
        label_files: Files that hold labels or votes.
        kinds: Name of the data set that each row comes from, for the manifest's source column.
        lines: Line of the label file on which each row stands; 0 where there is none.
        names: Path of each image within its data set; it may stand twice.
        pictures: Each image; None where it is not there.
        usages: A key of `USAGES` for each row.
        votes: Vote counts, shape (n, 10); None where the data set has labels only.
        labels: Label of each row, "" for none; None where there are votes.
        nameless: How many further rows name no image, by usage.
        gaps: Rows whose images are absent together.
        notes: What else is wrong with the data, one line each.
    """

    place: Path
    label_files: list[RawImage]
    kinds: list[str]
    lines: list[int]
    names: list[str]
    pictures: Sequence[RawImage | None]
    usages: list[str]
    votes: Votes | None = None
    labels: list[str] | None = None
    nameless: Counter[str] = field(default_factory=Counter)
    gaps: list[Gap] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def merged(sources: Sequence[RawRows]) -> RawRows:
    """Put the rows of several sources one after the other.

    Where some have votes and others labels, a label counts as `LABEL_VOTES` equal votes. Sources
    of the same kind are told apart by a number.

    Raises:
        ConfigError: Some have votes and others labels that are no emotions.
    """
    if len(sources) == 1:
        return sources[0]
    kinds: list[str] = []
    gaps: list[Gap] = []
    seen: Counter[str] = Counter()
    for source in sources:
        first = len(kinds)
        gaps += [Gap(g.reason, g.note, [first + row for row in g.rows]) for g in source.gaps]
        times = Counter({kind: seen[kind] + 1 for kind in set(source.kinds)})
        seen.update(times.keys())
        kinds += [kind if times[kind] == 1 else f"{kind}-{times[kind]}" for kind in source.kinds]
    voted = any(source.votes is not None for source in sources)
    return RawRows(
        place=sources[0].place,
        label_files=[file for source in sources for file in source.label_files],
        kinds=kinds,
        lines=[line for source in sources for line in source.lines],
        names=[name for source in sources for name in source.names],
        pictures=[picture for source in sources for picture in source.pictures],
        usages=[usage for source in sources for usage in source.usages],
        votes=np.concatenate([_votes_of(source) for source in sources]) if voted else None,
        labels=None if voted else [label for s in sources for label in s.labels or ()],
        nameless=sum((source.nameless for source in sources), Counter()),
        gaps=gaps,
        notes=[note for source in sources for note in source.notes],
    )


def _votes_of(source: RawRows) -> Votes:
    if source.votes is not None:
        return source.votes
    labels = source.labels or []
    if strange := sorted(set(labels) - {"", *EMOTIONS_8}):
        raise ConfigError(
            f"{source.place}: the label {strange[0]!r:.60} cannot stand beside the votes of "
            "another source; leave out --keep-labels, or prepare it by itself"
        )
    return np.array(
        [[LABEL_VOTES * (name == label) for name in VOTE_CLASSES] for label in labels], np.int64
    ).reshape(len(labels), len(VOTE_CLASSES))
