"""The layouts of raw data that emorec reads, and the module that reads each.

The table imports no reader: a module is imported when a source is read, so that `--help` can list
the layouts without OpenCV and `dataclasses`.
"""

import importlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

from emorec.errors import ConfigError, DataError
from emorec.suggestions import unknown_name

if TYPE_CHECKING:
    from emorec.datasets.readers.rows import RawRows, ReadOptions
    from emorec.datasets.readers.tree import Tree


class Reader(Protocol):
    """The functions that every reader module defines."""

    def matches(self, tree: "Tree") -> bool:
        """Return whether a tree has this layout."""
        ...

    def read(self, tree: "Tree", options: "ReadOptions") -> "RawRows":
        """Read the rows of a tree of this layout.

        Raises:
            DataError: The tree has another layout, or its data is broken or unsafe.
        """
        ...


class Layout(NamedTuple):
    """A way in which a data set is stored on disk.

    Attributes:
        looks_like: Files that identify it, for messages.
        module: Module of `emorec.datasets.readers` that reads it; see `Reader`.
    """

    looks_like: str
    module: str

    def reader(self) -> Reader:
        """Import the module that reads this layout."""
        return cast(Reader, importlib.import_module(f"{__package__}.{self.module}"))


LAYOUTS = {
    "prepared": Layout("manifest.csv of a prepared data set", "prepared"),
    "ferplus": Layout("fer2013new.csv and FER2013Train/", "ferplus"),
    "fer2013-csv": Layout("fer2013.csv or icml_face_data.csv", "fer2013"),
    "affectnet": Layout("train_set/annotations/ID_exp.npy and train_set/images/", "affectnet"),
    "affectnet-csv": Layout(
        "training.csv, validation.csv and Manually_Annotated_Images/ of AffectNet", "affectnet_csv"
    ),
    "expw": Layout("label.lst and image/ of ExpW", "expw"),
    "afew": Layout("Train_AFEW/EMOTION/CLIP/FRAME", "afew"),
    "ckplus-sequences": Layout(
        "Emotion/S005/001/*_emotion.txt and cohn-kanade-images/", "ckplus_sequences"
    ),
    "jaffe": Layout("KA.AN1.39.tiff", "jaffe"),
    "kdef": Layout("KDEF/AF01/AF01ANS.JPG", "kdef"),
    "rafdb": Layout("EmoLabel/list_patition_label.txt and Image/aligned/", "rafdb"),
    "csv": Layout("a CSV file with the columns path and label", "csv_list"),
    "fer2013-folders": Layout("train/EMOTION/ and test/EMOTION/", "fer2013_folders"),
    "ckplus": Layout("CK+48/EMOTION/S010_004_00000017.png", "ckplus"),
    "folders": Layout("a folder of images for each emotion", "folders"),
}
"""Every layout by name, in the order of detection; `--layout` offers these names."""

_MAX_DEPTH = 4
"""Enclosing folders of a download that are searched, the named one included."""


def find_layout(name: str) -> Layout:
    """Return a layout by its name.

    Raises:
        ConfigError: The name is unknown.
    """
    if name not in LAYOUTS:
        raise ConfigError(unknown_name("layout", name, LAYOUTS))
    return LAYOUTS[name]


def recognize(tree: "Tree", names: Iterable[str] = LAYOUTS) -> "tuple[str, Tree] | None":
    """Recognize the layout of raw data.

    Args:
        tree: The files, perhaps inside the folders that a download wraps around them.
        names: Layouts to look for, in this order.

    Returns:
        The name of the layout, and the part of the tree that has it; None if there is none.
    """
    readers = {name: find_layout(name).reader() for name in names}
    candidate: Tree | None = tree
    for _ in range(_MAX_DEPTH):
        if candidate is None:
            break
        for name, reader in readers.items():
            if reader.matches(candidate):
                return name, candidate
        candidate = candidate.wrapped()
    return None


def read_source(place: Path, options: "ReadOptions | None" = None) -> "RawRows":
    """Read raw data from a folder, a zip archive or a CSV file, and keep its groups together.

    Args:
        place: Path that the user named, or an address; see `emorec.datasets.dataset_address`.
        options: Options of reading; None for the defaults.

    Raises:
        ConfigError: The layout in the options is unknown, or their rule does not fit the data.
        DataError: The data is missing, broken or unsafe, has no known layout, or its groups cannot
            be split.
        MissingDependencyError: An address needs a package that is not installed.
    """
    from dataclasses import replace

    from emorec.datasets.dataset_address import is_address
    from emorec.datasets.group_splits import keep_groups
    from emorec.datasets.prepared_files import OWN_FILES
    from emorec.datasets.readers.rows import ReadOptions
    from emorec.datasets.readers.tree import read_tree

    options = options or ReadOptions()
    if is_address(place):
        from emorec.datasets.readers import hf_datasets

        return keep_groups(hf_datasets.read(place, options), options)
    forced = find_layout(options.layout) if options.layout else None
    tree = read_tree(place)
    recognized = recognize(tree, [options.layout] if options.layout else LAYOUTS)
    if recognized:
        name, data = recognized
        rows = keep_groups(find_layout(name).reader().read(data, options), options)
        own = [data.files.get(file) for file in OWN_FILES]
        used = [*rows.images, *rows.label_files, *rows.unused, *own]
        return replace(rows, left_out=tree.left_out(used))
    if forced:
        # The reader itself reports best which files are missing.
        return keep_groups(forced.reader().read(tree, options), options)
    raise DataError(f"{place}: {why_unknown(tree)}")


def why_unknown(tree: "Tree") -> str:
    """Describe what keeps a tree from being a data set of a known layout."""
    from emorec.file_kinds import left_out_text

    images = tree.images()
    if not images and not tree.csv_files():
        others = left_out_text(tree.left_out(()))
        return f"holds no image and no CSV file{others and '; '}{others}"
    folders = {path.rpartition("/")[0] for path in images}
    if len(folders) == 1:
        return (
            f"all images are in one folder ({tree.locate(folders.pop())}); put the images of each "
            "emotion into a folder of its name, or list them in a CSV file with the columns path "
            "and label"
        )
    return (
        f"no known layout; expected one of: {'; '.join(row.looks_like for row in LAYOUTS.values())}"
    )
