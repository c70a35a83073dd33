"""Accounts for every row of a source: what a prepared data set keeps, and what it drops and why."""

import csv
import io
from collections import Counter
from collections.abc import Mapping
from typing import Any

from emorec import __version__
from emorec.datasets.manifest import COLUMNS, VOTE_COLUMNS
from emorec.datasets.readers.rows import SPLITS, USAGES
from emorec.datasets.selection import SCHEMA, Selection
from emorec.labels import VOTE_CLASSES, labels_from_votes

KEPT_ONCE, DROPPED = "kept once", "dropped"

Unreadable = Mapping[int, str]
"""Why an image could not be read, by its index among the rows of a selection."""


def summarise(selection: Selection, unreadable: Unreadable) -> dict[str, Any]:
    """Make the content of summary.json, all but its digest.

    Its counts add up: kept, unlabelled and dropped together are the rows of the source.
    """
    source = selection.source
    splits = [USAGES[usage][0] for usage in source.usages]
    reasons = _reasons(selection)
    kept = {split: dict.fromkeys(selection.names, 0) for split in SPLITS}
    unlabelled: dict[str, Counter[str]] = {split: Counter() for split in SPLITS}
    for index, (row, label) in enumerate(zip(selection.rows, selection.labels, strict=True)):
        if index not in unreadable:
            if label:
                kept[splits[row]][label] += 1
            else:
                unlabelled[splits[row]][reasons[index]] += 1
    equal = [row for twice in selection.duplicates if twice.kept for row in twice.rows[1:]]
    different = [row for twice in selection.duplicates if not twice.kept for row in twice.rows]
    twice_rows = {*equal, *different}
    in_gaps = [[row for row in gap.rows if row not in twice_rows] for gap in source.gaps]
    dropped_rows: dict[str, list[int]] = {
        "name twice, equal votes": equal,
        "name twice, different votes": different,
        "image missing": selection.missing,
        "image unreadable": [selection.rows[index] for index in unreadable],
        "near duplicate in a later split": list(selection.leaks or ())
        if selection.leaks_dropped
        else [],
    }
    for gap, rows in zip(source.gaps, in_gaps, strict=True):
        dropped_rows[gap.reason] = [*dropped_rows.get(gap.reason, ()), *rows]
    nameless: Counter[str] = Counter()
    for usage, count in source.nameless.items():
        nameless[USAGES[usage][0]] += count
    dropped = {split: {"no image name": nameless[split]} for split in SPLITS}
    for reason, rows in dropped_rows.items():
        by_split = Counter(splits[row] for row in rows)
        for split in SPLITS:
            dropped[split][reason] = by_split[split]
    return {
        "schema": SCHEMA,
        "emorec": __version__,
        "source": ", ".join(dict.fromkeys(source.kinds)),
        "policy": selection.policy,
        "classes": selection.classes,
        "kept": kept,
        "unlabelled": {split: dict(sorted(unlabelled[split].items())) for split in SPLITS},
        "dropped": dropped,
        "gaps": [
            {"reason": gap.reason, "images": len(rows), "note": gap.note}
            for gap, rows in zip(source.gaps, in_gaps, strict=True)
        ],
        "notes": source.notes,
        "missing_images": [source.names[row] for row in selection.missing],
        "unreadable_images": [
            {"name": source.names[selection.rows[index]], "error": unreadable[index]}
            for index in sorted(unreadable)
        ],
        "duplicates": [
            {
                "name": twice.name,
                "rows": [source.lines[row] for row in twice.rows],
                "done": KEPT_ONCE if twice.kept else DROPPED,
            }
            for twice in selection.duplicates
        ],
        "leaks": _leaks(selection),
        "fingerprint": selection.fingerprint,
    }


def _leaks(selection: Selection) -> dict[str, Any] | None:
    if selection.leaks is None:
        return None
    source = selection.source

    def described(row: int) -> dict[str, str]:
        split = USAGES[source.usages[row]][0]
        return {"name": source.names[row], "source": source.kinds[row], "split": split}

    pairs = selection.leaks.items()
    return {
        "dropped": selection.leaks_dropped,
        "images": [{**described(row), "duplicate_of": described(other)} for row, other in pairs],
    }


def notices(summary: dict[str, Any]) -> list[str]:
    """Say in one line each what is remarkable about a prepared data set; empty if nothing is."""
    leaks = summary["leaks"]
    if leaks and leaks["dropped"]:
        return [*faults(summary), *_leaked(leaks, "removed")]
    return faults(summary)


def faults(summary: dict[str, Any]) -> list[str]:
    """Say in one line each what is wrong with the source of a summary; empty if nothing is."""
    equal = [twice["name"] for twice in summary["duplicates"] if twice["done"] == KEPT_ONCE]
    different = [twice["name"] for twice in summary["duplicates"] if twice["done"] == DROPPED]
    unreadable = [image["name"] for image in summary["unreadable_images"]]
    leaks = summary["leaks"]
    return [
        *(gap["note"] for gap in summary["gaps"]),
        *summary["notes"],
        *_listed("images not on disk", summary["missing_images"]),
        *_listed("unreadable images", unreadable),
        *_listed("names on several rows with equal votes, kept once", equal),
        *_listed("names on several rows with different votes, dropped", different),
        *(_leaked(leaks, "kept; see --drop-leaks") if leaks and not leaks["dropped"] else []),
    ]


def _leaked(leaks: dict[str, Any], done: str) -> list[str]:
    names = [
        f"{leak['split']} {leak['name']} is {leak['duplicate_of']['split']} "
        f"{leak['duplicate_of']['name']}"
        for leak in leaks["images"]
    ]
    return _listed(f"images whose picture is also in a later split, {done}", names)


def _listed(what: str, names: list[str]) -> list[str]:
    more = ", ..." if len(names) > 5 else ""
    return [f"{what}: {len(names):,} ({', '.join(names[:5])}{more})"] if names else []


def manifest_csv(selection: Selection, unreadable: Unreadable) -> bytes:
    """Make the content of manifest.csv: one line for each readable image, in source order."""
    source = selection.source
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    voted = source.votes is not None
    writer.writerow([name for name in COLUMNS if voted or name not in VOTE_COLUMNS])
    votes = source.votes.tolist() if source.votes is not None else [()] * len(source.names)
    places = {usage: (place[0], usage) for usage, place in USAGES.items()}
    writer.writerows(
        (target, *places[source.usages[row]], label, *votes[row], source.kinds[row])
        for index, (row, target, label) in enumerate(
            zip(selection.rows, selection.targets, selection.labels, strict=True)
        )
        if index not in unreadable
    )
    return file.getvalue().encode()


def _reasons(selection: Selection) -> list[str]:
    """Say of each image why it would have no label, going by what leads its votes."""
    source = selection.source
    if source.votes is None:
        labels = source.labels or []
        return [labels[row] or "no label in the source" for row in selection.rows]
    votes = source.votes[selection.rows]
    with_contempt = labels_from_votes(votes, selection.policy or "", 8) >= 0
    leading = [VOTE_CLASSES[column] for column in votes.argmax(axis=1)]
    other = {"unknown": "unknown", "not_face": "not a face"}
    return [
        "contempt" if contempt else other.get(leader, "no clear emotion")
        for contempt, leader in zip(with_contempt, leading, strict=True)
    ]
