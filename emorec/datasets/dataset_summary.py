"""The summary of a prepared data set: every raw row, kept or dropped, with the reason."""

import csv
import io
from collections import Counter
from collections.abc import Mapping
from typing import Any

from emorec import __version__
from emorec.datasets.face_rows import NO_VALUES, REASONS
from emorec.datasets.face_summary import images_apart, summarise_faces
from emorec.datasets.group_splits import describe_groups
from emorec.datasets.prepared_files import (
    COLUMNS,
    FACE_COLUMNS,
    GROUP,
    SOURCE_LABEL,
    VOTE_COLUMNS,
)
from emorec.datasets.readers.rows import SPLITS, USAGES
from emorec.datasets.selection import SCHEMA_VERSION, Selection
from emorec.file_kinds import count_kinds, left_out_text
from emorec.labels import VOTE_CLASSES, labels_from_votes

KEPT_ONCE, DROPPED = "kept once", "dropped"

Unreadable = Mapping[int, str]
"""Reason why an image is unreadable, by its index among the selected rows."""


def summarise(selection: Selection, unreadable: Unreadable) -> dict[str, Any]:
    """Build the content of summary.json, except its digest.

    The counts of kept, unlabelled and dropped rows, less "further_faces" of "faces", add up to the
    rows of the raw data.
    """
    raw = selection.raw
    splits = [USAGES[usage][0] for usage in raw.usages]
    reasons = _reasons(selection)
    kept = {split: dict.fromkeys(selection.names, 0) for split in SPLITS}
    unlabelled: dict[str, Counter[str]] = {split: Counter() for split in SPLITS}
    for index, (row, label) in enumerate(zip(selection.rows, selection.labels, strict=True)):
        if index not in unreadable:
            if label:
                kept[splits[row]][label] += 1
            else:
                unlabelled[splits[row]][reasons[index]] += 1
    equal = [row for name in selection.repeated_names if name.kept for row in name.rows[1:]]
    different = [row for name in selection.repeated_names if not name.kept for row in name.rows]
    repeated_rows = {*equal, *different}
    in_gaps = [[row for row in gap.rows if row not in repeated_rows] for gap in raw.gaps]
    dropped_rows: dict[str, list[int]] = {
        "name twice, equal votes": equal,
        "name twice, different votes": different,
        "image missing": selection.missing,
        "image unreadable": [selection.rows[index] for index in unreadable],
        "near duplicate in a later split": list(selection.leaks or ())
        if selection.leaks_dropped
        else [],
    }
    for gap, rows in zip(raw.gaps, in_gaps, strict=True):
        dropped_rows[gap.reason] = [*dropped_rows.get(gap.reason, ()), *rows]
    nameless: Counter[str] = Counter()
    for usage, count in raw.nameless.items():
        nameless[USAGES[usage][0]] += count
    dropped = {split: {"no image name": nameless[split]} for split in SPLITS}
    for reason, rows in dropped_rows.items():
        by_split = Counter(splits[row] for row in rows)
        for split in SPLITS:
            dropped[split][reason] = by_split[split]
    return {
        "schema": SCHEMA_VERSION,
        "emorec": __version__,
        "source": ", ".join(dict.fromkeys(raw.sources)),
        "policy": selection.policy,
        "classes": selection.classes,
        "kept": kept,
        "unlabelled": {split: dict(sorted(unlabelled[split].items())) for split in SPLITS},
        "dropped": dropped,
        "gaps": [
            {"reason": gap.reason, "images": len(rows), "note": gap.note}
            for gap, rows in zip(raw.gaps, in_gaps, strict=True)
        ],
        "notes": [*raw.notes, *([left_out_text(raw.left_out)] if raw.left_out else [])],
        "left_out": count_kinds(raw.left_out),
        "missing_images": [raw.names[row] for row in selection.missing],
        "unreadable_images": [
            {"name": raw.names[selection.rows[index]], "error": unreadable[index]}
            for index in sorted(unreadable)
        ],
        "duplicates": [
            {
                "name": repeated.name,
                "rows": [raw.lines[row] for row in repeated.rows],
                "done": KEPT_ONCE if repeated.kept else DROPPED,
            }
            for repeated in selection.repeated_names
        ],
        "leaks": _leaks(selection),
        "groups": describe_groups(
            raw, [row for index, row in enumerate(selection.rows) if index not in unreadable]
        ),
        "faces": summarise_faces(selection, unreadable),
        "relabelled": raw.relabelled,
        "fingerprint": selection.fingerprint,
    }


def _leaks(selection: Selection) -> dict[str, Any] | None:
    if selection.leaks is None:
        return None
    raw = selection.raw

    def described(row: int) -> dict[str, str]:
        split = USAGES[raw.usages[row]][0]
        return {"name": raw.names[row], "source": raw.sources[row], "split": split}

    pairs = selection.leaks.items()
    return {
        "dropped": selection.leaks_dropped,
        "images": [{**described(row), "duplicate_of": described(other)} for row, other in pairs],
    }


def notices(summary: dict[str, Any]) -> list[str]:
    """Return one line for each fault and for the removed leaks of a prepared data set."""
    leaks = summary["leaks"]
    if leaks and leaks["dropped"]:
        return [*faults(summary), *_leak_lines(leaks, "removed")]
    return faults(summary)


def faults(summary: dict[str, Any]) -> list[str]:
    """Return one line for each fault of the raw data of a summary."""
    equal = [name["name"] for name in summary["duplicates"] if name["done"] == KEPT_ONCE]
    different = [name["name"] for name in summary["duplicates"] if name["done"] == DROPPED]
    unreadable = [image["name"] for image in summary["unreadable_images"]]
    leaks = summary["leaks"]
    return [
        *(gap["note"] for gap in summary["gaps"] if gap["note"]),
        *summary["notes"],
        *_listed("missing images", summary["missing_images"]),
        *_listed("unreadable images", unreadable),
        *(line for apart in images_apart(summary.get("faces")) for line in _listed(*apart)),
        *_listed("names on several rows with equal votes, kept once", equal),
        *_listed("names on several rows with different votes, dropped", different),
        *(_leak_lines(leaks, "kept; see --drop-leaks") if leaks and not leaks["dropped"] else []),
    ]


def _leak_lines(leaks: dict[str, Any], state: str) -> list[str]:
    names = [
        f"{leak['split']} {leak['name']} is {leak['duplicate_of']['split']} "
        f"{leak['duplicate_of']['name']}"
        for leak in leaks["images"]
    ]
    return _listed(f"images that are also in a later split, {state}", names)


def _listed(title: str, names: list[str]) -> list[str]:
    more = ", ..." if len(names) > 5 else ""
    return [f"{title}: {len(names):,} ({', '.join(names[:5])}{more})"] if names else []


def manifest_csv(selection: Selection, unreadable: Unreadable) -> bytes:
    """Build the content of manifest.csv: one line for each readable image, in file order."""
    raw = selection.raw
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    voted, grouped = raw.votes is not None, raw.groups is not None
    header = [name for name in COLUMNS if voted or name not in VOTE_COLUMNS]
    further, cells = _further_columns(selection)
    writer.writerow([*header, *([GROUP] if grouped else []), *further])
    votes = raw.votes.tolist() if raw.votes is not None else [()] * len(raw.names)
    groups = [()] * len(raw.names) if raw.groups is None else [(group,) for group in raw.groups]
    places = {usage: (place[0], usage) for usage, place in USAGES.items()}
    writer.writerows(
        (
            target,
            *places[raw.usages[row]],
            label,
            *votes[row],
            raw.sources[row],
            *groups[row],
            *cell,
        )
        for index, (row, target, label, cell) in enumerate(
            zip(selection.rows, selection.targets, selection.labels, cells, strict=True)
        )
        if index not in unreadable
    )
    return file.getvalue().encode()


def _further_columns(selection: Selection) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the names of the columns about faces and changed labels, and their cells by image."""
    changed = selection.raw.source_labels or [""] * len(selection.raw.names)
    source_labels = [changed[row] or "" for row in selection.rows]
    if not selection.faces:
        if not any(source_labels):
            return (), [()] * len(selection.rows)
        return (SOURCE_LABEL,), [(label,) for label in source_labels]
    faces = [
        face._replace(source_label=face.source_label or label).values if face else NO_VALUES
        for face, label in zip(selection.faces, source_labels, strict=True)
    ]
    return FACE_COLUMNS, faces


def _reasons(selection: Selection) -> list[str]:
    """Return for each image why it would have no label: its face, or the class with most votes."""
    reasons = _reasons_of_labels(selection)
    for index, face in enumerate(selection.faces or ()):
        if face and face.is_apart:
            reasons[index] = REASONS[face.state]
    return reasons


def _reasons_of_labels(selection: Selection) -> list[str]:
    raw = selection.raw
    if raw.votes is None:
        labels = raw.labels or []
        return [labels[row] or "no label in the source" for row in selection.rows]
    votes = raw.votes[selection.rows]
    with_contempt = labels_from_votes(votes, selection.policy or "", 8) >= 0
    leading = [VOTE_CLASSES[column] for column in votes.argmax(axis=1)]
    other = {"unknown": "unknown", "not_face": "not a face"}
    return [
        "contempt" if contempt else other.get(leader, "no clear emotion")
        for contempt, leader in zip(with_contempt, leading, strict=True)
    ]
