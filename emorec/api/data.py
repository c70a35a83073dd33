"""Prepares and reads data sets."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from emorec.datasets.choices import AUTO, COPY, FER2013NEW, LARGEST, LAST_THREE
from emorec.errors import ConfigError

if TYPE_CHECKING:
    from emorec.datasets.manifest import PreparedDataset
    from emorec.datasets.prepare import PrepareResult
    from emorec.threads import ProgressCallback

StrPath = str | os.PathLike[str]
"""A path, as text or as `pathlib.Path`."""


def prepare_data(
    sources: StrPath | Sequence[StrPath],
    out: StrPath,
    *,
    policy: str = "dominant",
    classes: int = 7,
    layout: str | None = None,
    ferplus_csv: StrPath | None = None,
    votes: str = FER2013NEW,
    keep_labels: bool = False,
    validation: float = 0.1,
    test: float = 0.1,
    seed: int = 0,
    group_by: str | None = None,
    frames: str = LAST_THREE,
    link: str = COPY,
    leaks: str | None = None,
    strict: bool = False,
    overwrite: bool = False,
    faces: str = AUTO,
    several: str = LARGEST,
    crop_margin: float | None = None,
    align: str = AUTO,
    relabel: StrPath | None = None,
    progress: "ProgressCallback | None" = None,
) -> "PrepareResult":
    """Convert raw data sets to one data set for training and evaluation: `emorec prepare-data`.

    The data set is written atomically; it is left untouched if already up to date.

    Args:
        sources: A folder, zip archive or CSV file of raw data, or "hf:FOLDER" or "hf:OWNER/NAME",
            which Hugging Face datasets reads; or several of these, which are combined.
        out: Folder to write.
        policy: Vote policy: how the votes on an image become its label; one of
            `emorec.labels.POLICIES`.
        classes: 7 emotions, or 8 with contempt.
        layout: Layout of the sources, a key of `emorec.datasets.readers.registry.LAYOUTS`; None
            detects it.
        ferplus_csv: A fer2013new.csv, whose votes replace the labels of fer2013.csv.
        votes: Votes of a FERPlus checkout: "fer2013new", or "label-csv" for its label.csv files.
        keep_labels: Keep labels as they are spelt; they need not be emotions.
        validation: Share of the images for validation where the source has none, 0 to 1.
        test: Share of the images for test where the source has none, 0 to 1.
        seed: Seed of the random split.
        group_by: Rule that groups the images of a person, who is kept in one split: "folder:N",
            "column:NAME" or a regular expression; see `emorec.datasets.grouping.parse_rule`.
        frames: Frames to take of each sequence of CK+: "last", "last3", or "first+last3", with the
            first one as neutral.
        link: "copy", or "hard" or "symlink" for links to the images.
        leaks: Images that are also in a later split: "ignore", "list" or "drop" them; None lists
            them if there are several sources.
        strict: Treat every fault of the sources as an error.
        overwrite: Replace the folder `out` whatever it contains.
        faces: How faces are cut out: "auto" (out of whole photos, while face crops stay as they
            are), "yunet" or "haar" (out of every image), "boxes" (those of the source), or "none"
            (every image is a face crop).
        several: Faces to take of an image with several: "largest", "all", or "none", which keeps
            the image in no-face/.
        crop_margin: Share of a face's box added on each side of its crop, -0.4 to 2; None for that
            of the shipped model.
        align: Whether crops of tilted faces are rotated so that the eyes are level: "on", "off", or
            "auto", the default of the shipped model.
        relabel: A CSV file with the columns path and new_label, such as a review that `emorec
            data-report --review` wrote and a person filled in: a label, "drop", or empty.
        progress: Called now and then with the number of processed images and their total.

    Returns:
        The content of summary.json, the faults of the sources (`notices`), and whether the data
        set was written.

    Raises:
        ConfigError: An option is unknown or does not fit the sources.
        DataError: A source or `relabel` is missing, broken or unsafe, a strict check fails, or
            `out` must not be replaced. `out` is unchanged then, and after Ctrl-C.
        ModelError: The face detector fails.
        MissingDependencyError: A source for Hugging Face datasets needs a package.
    """
    from emorec.datasets.prepare import prepare_data as prepare
    from emorec.datasets.prepare_options import PrepareOptions
    from emorec.datasets.readers.rows import ReadOptions

    places = [sources] if isinstance(sources, str | os.PathLike) else list(sources)
    if not places:
        raise ConfigError("prepare_data needs one or more sources; received an empty list")
    return prepare(
        [Path(place) for place in places],
        Path(out),
        PrepareOptions(
            policy=policy,
            classes=classes,
            link=link,
            leaks=leaks,
            strict=strict,
            overwrite=overwrite,
            faces=faces,
            several=several,
            crop_margin=crop_margin,
            align=align,
            relabel=None if relabel is None else Path(relabel),
        ),
        read_options=ReadOptions(
            layout=layout,
            ferplus_csv=None if ferplus_csv is None else Path(ferplus_csv),
            votes=votes,
            keep_labels=keep_labels,
            validation=validation,
            test=test,
            seed=seed,
            group_by=group_by,
            frames=frames,
        ),
        progress=progress,
        search_progress=progress,
    )


def load_dataset(data: StrPath, group_by: str | None = None) -> "PreparedDataset":
    """Read a prepared data set, or a FER-2013 folder tree: its images, splits, labels and votes.

    Args:
        data: The folder.
        group_by: Rule that groups the images of a person, as for `prepare_data`; where a folder
            tree has no validation folder, whole groups are held out. None keeps the groups of the
            manifest.

    Returns:
        The data set. Its method `examples(split)` returns the paths of the images of "train",
        "validation" or "test" and their targets, one-hot or as distributions of the votes;
        `emorec.load_images` decodes them.

    Raises:
        ConfigError: The rule is invalid.
        DataError: The folder is missing, holds no such data set, its manifest is broken, or the
            rule does not fit its paths.
    """
    from emorec.datasets.manifest import read_prepared

    return read_prepared(Path(data), group_by)
