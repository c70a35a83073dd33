"""Reads a prepared data set from disk: its manifest, its splits and the targets for training."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from emorec.datasets.face_rows import images_apart
from emorec.datasets.group_splits import keep_groups
from emorec.datasets.grouping import parse_rule
from emorec.datasets.prepared_files import (
    GROUP,
    MANIFEST,
    MAX_LABEL,
    MAX_PATH,
    OWN_FILES,
    SUMMARY,
    VOTE_COLUMNS,
    is_safe_path,
)
from emorec.datasets.raw_data import raw_data_problem
from emorec.datasets.readers.fer2013_folders import place_images
from emorec.datasets.readers.rows import SPLITS, USAGES, ReadOptions
from emorec.datasets.readers.split_folders import find_split_images, split_folders_below
from emorec.datasets.readers.table import read_table, vote_counts
from emorec.datasets.readers.tree import read_folder
from emorec.datasets.splitting import ordered
from emorec.datasets.summary_file import read_summary
from emorec.errors import ConfigError, DataError
from emorec.file_kinds import count_kinds, left_out_text
from emorec.labels import (
    POLICIES,
    Targets,
    Votes,
    emotions,
    is_printable,
    labels_from_votes,
    soft_targets_from_votes,
)
from emorec.shell_words import quoted
from emorec.suggestions import unknown_name

_TREE_OPTIONS = ReadOptions(keep_labels=True, validation=0.1, test=0, seed=0)
"""Options of reading a folder tree without a manifest: its held-out images never change."""


@dataclass(frozen=True)
class Examples:
    """The images of one split with their targets.

    Attributes:
        paths: Image files, n of them.
        targets: Shape (n, classes), float32; each row sums to 1.
        class_names: Name of each column.
        votes: Vote counts, shape (n, 10); None where the data set has no votes.
        groups: Group (a person, say) of each image, "" for none; None where the data set has none.
    """

    paths: list[Path]
    targets: Targets
    class_names: tuple[str, ...]
    votes: Votes | None = None
    groups: npt.NDArray[np.str_] | None = None

    def limited(self, count: int | None) -> "Examples":
        """Return `count` examples, evenly spaced; None returns all."""
        if count is None or count >= len(self.paths):
            return self
        chosen = np.linspace(0, len(self.paths) - 1, count).round().astype(np.intp)
        return self.chosen(chosen)

    def chosen(self, indices: npt.NDArray[np.intp]) -> "Examples":
        """Return the examples at some indices, in that order."""
        return Examples(
            [self.paths[i] for i in indices],
            self.targets[indices],
            self.class_names,
            None if self.votes is None else self.votes[indices],
            None if self.groups is None else self.groups[indices],
        )


@dataclass(frozen=True)
class PreparedDataset:
    """A prepared data set, or a plain FER-2013 folder tree read as one.

    Attributes:
        root: Folder of the data set.
        paths: Image paths relative to `root`, with forward slashes.
        splits: One of `SPLITS` for each image.
        labels: Label of each image; "" where it has none.
        votes: Vote counts, shape (n, 10); None where the data set has no votes.
        class_names: Labels of the tree, canonical emotions first and in canonical order.
        policy: Vote policy of the labels, if known.
        left_out: Number of files of a folder tree that are no images of the set, by kind.
        notes: What a user should know about a folder tree, one line each.
        drawn: As in `RawRows`; empty where there is a manifest.
        groups: Group (a person, say) of each image, "" for none; None where the data set has none.
        faces: How faces were cut out: "faces" of the summary; None where it has none.
        apart: Whether each image shows no single face, so that it has neither label nor votes; None
            where no faces were cut out.
    """

    root: Path
    paths: npt.NDArray[np.str_]
    splits: npt.NDArray[np.str_]
    labels: npt.NDArray[np.str_]
    votes: Votes | None
    class_names: tuple[str, ...]
    policy: str | None
    left_out: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    drawn: Mapping[str, float] = field(default_factory=dict)
    groups: npt.NDArray[np.str_] | None = None
    faces: Mapping[str, Any] | None = None
    apart: npt.NDArray[np.bool_] | None = None

    def examples(
        self,
        split: str,
        policy: str | None = None,
        classes: int | None = None,
        soft: bool = False,
    ) -> Examples:
        """Select the labelled images of a split.

        Args:
            split: One of `SPLITS`.
            policy: Vote policy; None uses the policy of the tree, or its labels if it has none.
            classes: 7 or 8; None uses the classes of the tree.
            soft: Return the policy's vote distributions instead of one-hot targets.

        Raises:
            ConfigError: The split is unknown, or a policy, soft targets or other classes are
                requested of data without votes.
            DataError: The split has no labelled image.
        """
        if split not in SPLITS:
            raise ConfigError(unknown_name("split", split, SPLITS))
        in_split = self.splits == split
        if self.votes is None or not (policy or self.policy or soft):
            names = self.class_names
            if policy or soft:
                requested = "soft labels" if soft else f"the policy {policy!r}"
                raise ConfigError(f"{self.root} has no votes, which {requested} requires")
            if classes is not None and emotions(classes) != names:
                raise ConfigError(
                    f"{self.root} has the classes {', '.join(names)}; requested: {classes} classes"
                )
            targets = (self.labels[:, None] == np.array(names)).astype(np.float32)
        else:
            classes = classes or len(self.class_names)
            policy = policy or self.policy or "dominant"
            names = emotions(classes)
            if soft:
                targets = soft_targets_from_votes(self.votes, policy, classes)
            else:
                labels = labels_from_votes(self.votes, policy, classes)
                targets = (labels[:, None] == np.arange(classes)).astype(np.float32)
        chosen = np.flatnonzero(in_split & (targets.sum(axis=1) > 0))
        if not len(chosen):
            raise DataError(f"{self.root}: the split {split!r} has no labelled image")
        votes = None if self.votes is None else self.votes[chosen]
        groups = None if self.groups is None else self.groups[chosen]
        paths = [self.root / self.paths[i] for i in chosen]
        return Examples(paths, targets[chosen], names, votes, groups)


def read_prepared(root: Path, group_by: str | None = None) -> PreparedDataset:
    """Read a prepared data set by its manifest, or a FER-2013 folder tree without one.

    Args:
        root: The folder.
        group_by: Rule that groups the images, see `emorec.datasets.grouping`; a folder tree holds
            whole groups out for validation. None keeps the groups of the manifest.

    Raises:
        ConfigError: The rule is invalid, or names a column that does not exist.
        DataError: The folder is missing, holds neither, its manifest is broken or unsafe, or the
            rule does not fit its paths.
    """
    manifest = root / MANIFEST
    if _exists(manifest):
        return _printable(root, _read_manifest(root, manifest, group_by))
    try:
        if root.is_dir():
            return _printable(root, _read_tree(root, group_by))
        raise DataError(f"{root}: no such folder")
    except DataError as error:
        raise DataError(raw_data_problem(root) or str(error)) from error


def _printable(root: Path, dataset: PreparedDataset) -> PreparedDataset:
    """Return a data set whose labels a model can have."""
    for label in dataset.class_names:
        if not is_printable(label):
            raise DataError(
                f"{root}: the label {label!a:.80} has control characters, line breaks or lone "
                "surrogates, which no model can have; rename it"
            )
    return dataset


def require_prepared(root: Path, group_by: str | None = None) -> None:
    """Check that a folder is a data set; its manifest is read only if there is a rule.

    Raises:
        ConfigError, DataError: As for `read_prepared`.
    """
    if group_by is not None or not _exists(root / MANIFEST):
        read_prepared(root, group_by)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise DataError(f"{path}: cannot read: {error.strerror or error}") from error


def _read_manifest(root: Path, manifest: Path, group_by: str | None) -> PreparedDataset:
    table = read_table(manifest, ("path", "split", "label"))
    paths, splits, labels = (table.columns[name] for name in ("path", "split", "label"))
    if not paths:
        raise DataError(f"{manifest}: the manifest lists no image")
    for path, label, line in zip(paths, labels, table.lines, strict=True):
        if not is_safe_path(path):
            raise DataError(
                f"{manifest}: row {line}: unsafe path {path!r:.80}; it must stay in the data set"
            )
        if len(label) > MAX_LABEL:
            raise DataError(f"{manifest}: row {line}: {label!r:.80} is too long for a label")
    if strange := sorted(set(splits) - set(SPLITS)):
        raise DataError(f"{manifest}: unknown split {strange[0]!r:.60}; known: {', '.join(SPLITS)}")
    votes = None
    if any(name in table.columns for name in VOTE_COLUMNS):
        votes = vote_counts(table, VOTE_COLUMNS)
    apart = images_apart(table.columns)
    if votes is not None and apart is not None:
        votes[apart] = 0
    summary = read_summary(root)
    names = ordered(set(labels) - {""})
    if votes is not None:
        # A class without an image (contempt in a small subset, say) still belongs to the set.
        names = emotions(8 if summary.get("classes") == 8 or "contempt" in names else 7)
    policy = summary.get("policy")
    if policy is not None and policy not in POLICIES:
        raise DataError(f"{root / SUMMARY}: unknown vote policy {policy!r:.60}")
    groups = table.columns.get(GROUP)
    if group_by is not None:
        groups = parse_rule(group_by).groups(root, paths, table.columns)
    if groups and len(longest := max(groups, key=len)) > MAX_PATH:
        raise DataError(f"{manifest}: {longest!r:.80} is too long for a group")
    return PreparedDataset(
        root=root,
        paths=np.array(paths, np.str_),
        splits=np.array(splits, np.str_),
        labels=np.array(labels, np.str_),
        votes=votes,
        class_names=names,
        policy=policy,
        groups=None if groups is None else np.array(groups, np.str_),
        faces=summary.get("faces"),
        apart=apart,
    )


def _read_tree(root: Path, group_by: str | None) -> PreparedDataset:
    tree = read_folder(root, follow_links=True)
    found = find_split_images(tree)
    if found is None:
        advice = f"convert raw data with: emorec prepare-data {quoted(str(root))} --out DATA"
        if deeper := split_folders_below(tree):
            advice = f"name the folder {root / deeper[0]}"
        raise DataError(
            f"{root}: neither a {MANIFEST} nor a train/ folder with one folder of images per "
            f"emotion was found; {advice}"
        )
    options = replace(_TREE_OPTIONS, group_by=group_by)
    raw = keep_groups(place_images(tree, found, options), options)
    left_out = tree.left_out([*raw.images, *(tree.files.get(name) for name in OWN_FILES)])
    rows = sorted(
        (SPLITS.index(split), label, name, USAGES[usage][0], group)
        for split, label, name, usage, group in zip(
            found.splits,
            raw.labels or (),
            found.names,
            raw.usages,
            raw.groups or [""] * len(found.names),
            strict=True,
        )
    )
    _, labels, paths, splits, groups = (np.array(part, np.str_) for part in zip(*rows, strict=True))
    text = left_out_text(left_out)
    return PreparedDataset(
        root=root,
        paths=paths,
        splits=splits,
        labels=labels,
        votes=None,
        class_names=ordered(set(labels.tolist())),
        policy=None,
        left_out=count_kinds(left_out),
        notes=(*raw.notes, *([text] if text else [])),
        drawn=raw.drawn,
        groups=None if raw.groups is None else groups,
    )
