"""Reads a data set that emorec prepared: the votes, usages, groups and faces of its manifest."""

from emorec.datasets.face_rows import STATES, face_rows
from emorec.datasets.prepared_files import (
    COLUMNS,
    FACE,
    FACE_COLUMNS,
    GROUP,
    MANIFEST,
    SOURCE_LABEL,
    SUMMARY,
    VOTE_COLUMNS,
)
from emorec.datasets.readers.rows import USAGES, RawRows, ReadOptions
from emorec.datasets.readers.shared import own_labels, require_known, safe_path
from emorec.datasets.readers.table import header_of, parse_table, vote_counts
from emorec.datasets.readers.tree import Tree
from emorec.datasets.summary_file import parse_summary
from emorec.errors import DataError

_REQUIRED = tuple(name for name in COLUMNS if name not in VOTE_COLUMNS)


def matches(tree: Tree) -> bool:
    """Return whether a tree has a manifest with the columns that emorec writes."""
    manifest = tree.files.get(MANIFEST)
    return manifest is not None and set(_REQUIRED) <= set(header_of(manifest))


def read(tree: Tree, options: ReadOptions) -> RawRows:
    """Read the manifest and the images that it lists.

    Raises:
        DataError: The manifest is missing or broken, a path leads out of the folder, or a usage or
            a label is unknown.
    """
    file = tree.files.get(MANIFEST)
    if file is None:
        raise DataError(f"{tree.place}: no {MANIFEST} of a prepared data set was found")
    table = parse_table(file, _REQUIRED)
    if not table.lines:
        raise DataError(f"{file.location}: the manifest lists no image")
    usages = table.columns["usage"]
    require_known("usage", usages, USAGES, file.location, table.lines)
    names = [safe_path(table, row) for row in range(len(table.lines))]
    require_known("face", table.columns.get(FACE, []), (*STATES, ""), file.location, table.lines)
    faces = face_rows(table.columns)
    labels = [
        face.source_label if face and face.is_apart else label
        for face, label in zip(faces or [None] * len(names), table.columns["label"], strict=True)
    ]
    summary = tree.files.get(SUMMARY)
    settings = summary and parse_summary(summary.location, summary.read()).get("faces")
    voted = any(name in table.columns for name in VOTE_COLUMNS)
    more = sorted(set(table.columns) - {*COLUMNS, GROUP, *FACE_COLUMNS})
    # Of an image that is kept apart it is the label.
    changed = [
        "" if face and face.is_apart else label
        for face, label in zip(
            faces or [None] * len(names), table.columns.get(SOURCE_LABEL, []), strict=False
        )
    ]
    note = f"columns of {MANIFEST} that are not kept: {', '.join(more)}"
    return RawRows(
        place=tree.place,
        label_files=[file],
        sources=table.columns["source"],
        lines=table.lines,
        names=names,
        images=[tree.files.get(name) for name in names],
        usages=usages,
        votes=vote_counts(table, VOTE_COLUMNS) if voted else None,
        labels=None if voted else own_labels(tree, labels, options),
        groups=table.columns.get(GROUP),
        columns=table.columns,
        notes=[*([note] if more else []), *tree.notes()],
        faces=faces,
        face_settings=settings or None,
        source_labels=changed if any(changed) else None,
    )
