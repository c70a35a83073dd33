"""Finds the images of a tree of split folders: which folder is a split, and which a class."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from emorec.datasets.readers.rows import TEST, TRAIN, VALIDATION
from emorec.datasets.readers.tree import Tree
from emorec.errors import DataError
from emorec.labels import is_emotion_name

SPLIT_NAMES = {
    **dict.fromkeys(("train", "training"), TRAIN),
    **dict.fromkeys(("val", "valid", "validation", "dev", "eval", "publictest"), VALIDATION),
    **dict.fromkeys(("test", "testing", "privatetest"), TEST),
}
"""Split by the lower-case name of a folder, or of a value in a CSV list."""


def split_of(name: str) -> str | None:
    """Return the split of a folder by its name, in any case; None for other folders."""
    return SPLIT_NAMES.get(name.lower())


@dataclass(frozen=True)
class SplitImages:
    """The images of a tree SPLIT/CLASS/.../IMAGE.

    Attributes:
        names: Path of each image in the tree, sorted; n of them.
        splits: Split of each image: train, validation or test.
        classes: Class folder of each image; one spelling of names that differ only in case.
        empty_classes: Class folders without an image in any split.
        notes: What a user should know about the folders, one line each.
    """

    names: list[str]
    splits: list[str]
    classes: list[str]
    empty_classes: list[str]
    notes: list[str]


def find_split_images(tree: Tree) -> SplitImages | None:
    """Find the images below split folders at the top of a tree.

    Folders inside a class folder belong to the class. A single folder between a split and known
    emotions (train/images/happy) is passed over.

    Returns:
        The images; None if no image lies in a folder of a split folder.

    Raises:
        DataError: A split folder holds split folders, or class folders lie beside it.
    """
    parts = {path: path.split("/") for path in sorted(tree.images())}
    below = {path: p for path, p in parts.items() if len(p) > 2 and split_of(p[0])}
    if not below:
        return None
    tops = {p[0] for p in below.values()}
    for top in sorted(tops):
        inner = {p[1] for p in below.values() if p[0] == top}
        if splits := sorted(name for name in inner if split_of(name)):
            if len(tops) == 1 and len(splits) == len(inner):
                return None  # a folder around the data set that is named like a split
            raise DataError(
                f"{tree.place}: the folder {top} holds split folders itself "
                f"({', '.join(splits)}); name the folder {tree.locate(top)}, or move its content"
            )
    classes_beside = sorted({p[0] for p in parts.values() if len(p) > 1 and is_emotion_name(p[0])})
    if classes_beside:
        raise DataError(
            f"{tree.place}: class folders ({', '.join(classes_beside)}) lie beside split folders "
            f"({', '.join(sorted(tops))}); move them into a split folder"
        )
    between = {
        top for top in tops if _has_folder_between([p for p in below.values() if p[0] == top])
    }
    levels = {path: 2 if p[0] in between else 1 for path, p in below.items()}
    names = list(below)
    spelt = [below[name][levels[name]] for name in names]
    splits = [SPLIT_NAMES[below[name][0].lower()] for name in names]
    spelling: dict[str, str] = {}
    for folder in (
        *(folder for folder, split in zip(spelt, splits, strict=True) if split == TRAIN),
        *spelt,
    ):
        spelling.setdefault(folder.casefold(), folder)
    notes = []
    inside = sorted(
        {
            "/".join(p[: index + 1])
            for path, p in below.items()
            for index in range(levels[path] + 1, len(p) - 1)
            if split_of(p[index])
        }
    )
    if inside:
        notes.append(
            f"folders named like a split inside a class folder count as part of the class: "
            f"{len(inside):,} (such as {inside[0]})"
        )
    filled = {split_of(top) for top in tops}
    for folder in tree.folders:
        split = split_of(folder)
        if split and split not in filled:
            notes.append(f"the folder {folder} holds no image in a class folder")
    return SplitImages(
        names,
        splits,
        [spelling[folder.casefold()] for folder in spelt],
        _empty_classes(tree, between, spelling),
        notes,
    )


def _has_folder_between(rows: Sequence[list[str]]) -> bool:
    """Return whether one folder that is no class lies between a split and its classes."""
    return (
        len({p[1] for p in rows}) == 1
        and not is_emotion_name(rows[0][1])
        and all(len(p) > 3 and is_emotion_name(p[2]) for p in rows)
    )


def _empty_classes(tree: Tree, between: set[str], filled: Collection[str]) -> list[str]:
    found: dict[str, str] = {}
    for folder in tree.folders:
        top, *rest = folder.split("/")
        level = 2 if top in between else 1
        if not split_of(top) or len(rest) != level or rest[-1].casefold() in filled:
            continue
        if is_emotion_name(rest[-1]) or not tree.has_files(folder):
            found.setdefault(rest[-1].casefold(), folder)
    return sorted(found.values())


def split_folders_below(tree: Tree) -> list[str]:
    """Return the folders at the top of a tree that hold split folders with images."""
    parts = [path.split("/") for path in tree.images()]
    return sorted({p[0] for p in parts if len(p) > 2 and split_of(p[1])})
