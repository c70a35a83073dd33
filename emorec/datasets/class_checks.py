"""Checks that the classes of a data set can be trained and evaluated."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from emorec.datasets.readers.rows import TRAIN, USAGES
from emorec.errors import DataError


def require_classes(
    place: Path,
    images: Iterable[tuple[str, str]],
    drawn: Mapping[str, float] | None = None,
    grouped: bool = False,
) -> None:
    """Check the classes of labelled images.

    Args:
        place: Path that the user named.
        images: Split and label of each image; images without a label are ignored.
        drawn: Share of each usage whose images were drawn at random from every class.
        grouped: Whether they were drawn in whole groups.

    Raises:
        DataError: There is one class only, a class has no image in train, or a class has too few
            images for a split that was drawn.
    """
    found = Counter((split, label) for split, label in images if label)
    labels = sorted({label for _, label in found})
    if len(labels) == 1:
        raise DataError(
            f"{place}: all images have the label {labels[0]!r:.80}; two or more classes are needed"
        )
    if not any(split == TRAIN for split, _ in found):
        return  # images for evaluation only
    for label in labels:
        total = sum(count for (_, name), count in found.items() if name == label)
        counted = f"{total:,} {'image' if total == 1 else 'images'}"
        if not found[TRAIN, label]:
            raise DataError(
                f"{place}: the class {label!r:.80} has {counted}, none of them in train; add "
                "images to train, or remove the class"
            )
        for usage, share in (drawn or {}).items():
            split = USAGES[usage][0]
            if share > 0 and not found[split, label] and grouped:
                raise DataError(
                    f"{place}: the class {label!r:.80} has {counted}, and groups too large to put "
                    f"one into {split}; add images of others, remove the class, or set another "
                    f"share with: emorec prepare-data --{split}"
                )
            if share > 0 and not found[split, label]:
                raise DataError(
                    f"{place}: the class {label!r:.80} has {counted}, too few for a share of "
                    f"{share:g} for {split}; add images, remove the class, or set another share "
                    f"with: emorec prepare-data --{split}"
                )
