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
    folder_of = {path: path.rpartition("/")[0] for path in sorted(tree.images())}
    parts = {folder: folder.split("/") for folder in sorted(set(folder_of.values()))}
    below = {folder: p for folder, p in parts.items() if len(p) > 1 and split_of(p[0])}
    if not below:
        return None
    tops = sorted({p[0] for p in below.values()})
    for top in tops:
        inner = {p[1] for p in below.values() if p[0] == top}
        if splits := sorted(name for name in inner if split_of(name)):
            if len(tops) == 1 and len(splits) == len(inner):
                return None  # a folder around the data set that is named like a split
            raise DataError(
                f"{tree.place}: the folder {top} holds split folders itself "
                f"({', '.join(splits)}); name the folder {tree.locate(top)}, or move its content"
            )
    if classes := sorted({p[0] for p in parts.values() if is_emotion_name(p[0])}):
        raise DataError(
            f"{tree.place}: class folders ({', '.join(classes)}) lie beside split folders "
            f"({', '.join(tops)}); move them into a split folder"
        )
    between = {
        top for top in tops if _has_folder_between([p for p in below.values() if p[0] == top])
    }
    split_by_folder = {folder: SPLIT_NAMES[p[0].lower()] for folder, p in below.items()}
    class_by_folder = {f: p[2 if p[0] in between else 1] for f, p in below.items()}
    spelling: dict[str, str] = {}
    for folder in sorted(below, key=lambda folder: split_by_folder[folder] != TRAIN):
        spelling.setdefault(class_by_folder[folder].casefold(), class_by_folder[folder])
    names = [path for path, folder in folder_of.items() if folder in below]
    return SplitImages(
        names,
        [split_by_folder[folder_of[name]] for name in names],
        [spelling[class_by_folder[folder_of[name]].casefold()] for name in names],
        _empty_classes(tree, between, spelling),
        _notes(tree, [(p, 3 if p[0] in between else 2) for p in below.values()]),
    )


def _has_folder_between(rows: Sequence[list[str]]) -> bool:
    """Return whether one folder that is no class lies between a split and its classes."""
    return (
        len({p[1] for p in rows}) == 1
        and not is_emotion_name(rows[0][1])
        and all(len(p) > 2 and is_emotion_name(p[2]) for p in rows)
    )


def _notes(tree: Tree, folders: Sequence[tuple[list[str], int]]) -> list[str]:
    """Return notes on folders of images, each with the number of its parts up to the class."""
    notes = []
    inside = sorted(
        {
            "/".join(parts[: index + 1])
            for parts, depth in folders
            for index in range(depth, len(parts))
            if split_of(parts[index])
        }
    )
    if inside:
        notes.append(
            f"folders named like a split inside a class folder count as part of the class: "
            f"{len(inside):,} (such as {inside[0]})"
        )
    filled = {split_of(parts[0]) for parts, _ in folders}
    for folder in tree.folders:
        split = split_of(folder)
        if split and split not in filled:
            notes.append(f"the folder {folder} holds no image in a class folder")
    return notes


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
