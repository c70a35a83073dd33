"""Reads new labels that a person entered in a file of doubtful labels, and applies them."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from emorec.datasets.label_review import DROP_IMAGE, FILE, NEW_LABEL, PATH, content_hash
from emorec.datasets.prepare_options import PrepareOptions
from emorec.datasets.readers.rows import Gap, RawRows, label_votes
from emorec.datasets.readers.table import LabelTable, read_table
from emorec.errors import DataError
from emorec.labels import canonical_emotion, emotions, labels_from_votes
from emorec.suggestions import unknown_name
from emorec.table_cells import plain_cell

DROPPED = "dropped by --relabel"
"""Reason of the dropped images in summary.json."""


def relabel(raw: RawRows, path: Path, options: PrepareOptions, keep_labels: bool) -> RawRows:
    """Return raw data with the new labels of a file.

    Args:
        raw: The rows of one data set.
        path: A CSV file with the columns `PATH`, relative to the data set, and `NEW_LABEL`: a
            label, `DROP_IMAGE`, or empty for an image that stays as it is. With the column `FILE`
            of `emorec.datasets.label_review`, the images must be those of the review. Other
            columns are ignored.
        options: Options of preparing; the vote policy decides which label an image had.
        keep_labels: The labels are the user's own, and the new labels are among them.

    Returns:
        The rows with the new labels; where the data has votes, as votes that agree. Dropped images
        are a `Gap`. `source_labels` holds the first label of each image with another one.

    Raises:
        DataError: The file is missing or damaged, or it names an image that the data set does not
            have, an unknown label, two labels for one image, or an image that has changed.
    """
    table = read_table(path, (PATH, NEW_LABEL))
    old = _labels(raw, options)
    known = sorted(set(old) - {""}) if keep_labels and raw.votes is None else None
    if known and DROP_IMAGE in known:
        raise DataError(
            f"{raw.place}: a class is named {DROP_IMAGE!r}, which removes an image in {path}; "
            "rename the class"
        )
    entries = _entries(raw, table, known)
    dropped = [row for row, label in entries.items() if label == DROP_IMAGE]
    changed = {row: label for row, label in entries.items() if label not in (DROP_IMAGE, old[row])}
    sources = list(raw.source_labels or [""] * len(raw.names))
    changes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row, label in changed.items():
        changes[old[row]][label] += 1
        source = sources[row] or old[row]
        sources[row] = "" if source == label else source
    summary = {
        "file": path.name,
        "images": len(changed),
        "dropped": len(dropped),
        "confirmed": len(entries) - len(changed) - len(dropped),
        "blank": len(table.lines) - sum(map(bool, table.columns[NEW_LABEL])),
        "changes": {label: dict(changes[label]) for label in sorted(changes)},
    }
    gaps = [Gap(DROPPED, "", sorted(dropped))] if dropped else []
    # A confirmed label replaces the votes, too: a person has decided.
    decided = {row: label for row, label in entries.items() if label != DROP_IMAGE}
    return replace(
        raw,
        gaps=[*raw.gaps, *gaps],
        relabelled=summary,
        source_labels=sources if any(sources) else None,
        **_with_labels(raw, decided),
    )


def relabel_notes(summary: Mapping[str, Any]) -> list[str]:
    """Return one line about the new labels of a prepared data set; none without."""
    found = summary.get("relabelled")
    if not found:
        return []
    changed, dropped = found["images"], found["dropped"]
    confirmed, blank = found["confirmed"], found["blank"]
    return [
        f"{found['file']}: {changed:,} labels changed, {dropped:,} images dropped, {confirmed:,} "
        f"labels confirmed, {blank:,} rows without a new label"
    ]


def _with_labels(raw: RawRows, decided: Mapping[int, str]) -> dict[str, Any]:
    """Return the fields of `RawRows` that hold the labels, with new ones in some rows."""
    if raw.votes is None:
        labels = list(raw.labels or ())
        for row, label in decided.items():
            labels[row] = label
        return {"labels": labels}
    votes = raw.votes.copy()
    rows = np.fromiter(decided, np.intp, len(decided))
    votes[rows] = label_votes(list(decided.values()))
    return {"votes": votes}


def _labels(raw: RawRows, options: PrepareOptions) -> list[str]:
    """Return the label of each row, "" for none."""
    if raw.votes is None:
        return list(raw.labels or ())
    names = np.array([*emotions(8), ""])  # index -1 is the empty label
    return [str(name) for name in names[labels_from_votes(raw.votes, options.policy, 8)]]


def _entries(raw: RawRows, table: LabelTable, known: Sequence[str] | None) -> dict[int, str]:
    """Return the entries of the file that are not blank, by the row of the raw data."""
    rows_of: defaultdict[str, list[int]] = defaultdict(list)
    for row, name in enumerate(raw.names):
        rows_of[name].append(row)
    found: dict[int, str] = {}
    for line, path, label, file in _lines(table):
        place = f"{table.path}: row {line}"
        if path not in rows_of:
            raise DataError(
                f"{place}: {path!r:.200} is no image of {raw.place}; name the data set that was "
                "reviewed"
            )
        if not label:
            continue
        label = _checked(label, known, place)
        for row in rows_of[path]:
            if found.setdefault(row, label) != label:
                raise DataError(
                    f"{place}: {path!r:.200} has the new label {label!r:.80}, and above "
                    f"{found[row]!r:.80}; keep one of them"
                )
            image = raw.images[row]
            if file and image is not None and content_hash(image) != file:
                raise DataError(
                    f"{place}: {path!r:.200} is another image than the one that was reviewed; "
                    "write the review again with: emorec data-report --review"
                )
    return found


def _lines(table: LabelTable) -> Iterator[tuple[int, str, str, str]]:
    """Yield the line number, path, new label and hash of each row."""
    files = table.columns.get(FILE, [""] * len(table.lines))
    columns = table.columns[PATH], table.columns[NEW_LABEL]
    for line, path, label, file in zip(table.lines, *columns, files, strict=True):
        yield line, plain_cell(path), plain_cell(label), file


def _checked(label: str, known: Sequence[str] | None, place: str) -> str:
    """Return the label that a person meant.

    Raises:
        DataError: It is unknown.
    """
    if label.lower() == DROP_IMAGE:
        return DROP_IMAGE
    if known is not None:
        if label not in known:
            raise DataError(f"{place}: {unknown_name('label', label, (*known, DROP_IMAGE))}")
        return label
    try:
        return canonical_emotion(label)
    except DataError as error:
        raise DataError(f"{place}: {error}; or {DROP_IMAGE}, which removes the image") from error
