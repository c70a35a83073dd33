"""Accounts for every row of a source: what a prepared data set keeps, and what it drops and why."""

import csv
import io
from collections import Counter
from collections.abc import Mapping
from typing import Any

from emorec import __version__
from emorec.datasets.manifest import COLUMNS
from emorec.datasets.selection import SCHEMA, Selection
from emorec.datasets.source import SPLITS, USAGES
from emorec.labels import VOTE_CLASSES, emotions, labels_from_votes

KEPT_ONCE, DROPPED = "kept once", "dropped"

Unreadable = Mapping[int, str]
"""Why an image could not be read, by its index among the rows of a selection."""


def summarise(selection: Selection, unreadable: Unreadable) -> dict[str, Any]:
    """Make the content of summary.json.

    Its counts add up: kept, unlabelled and dropped together are the rows of the label file.
    """
    source, names = selection.source, emotions(selection.classes)
    splits = [USAGES[usage][0] for usage in source.usages]
    reasons = _reasons(selection)
    kept = {split: dict.fromkeys(names, 0) for split in SPLITS}
    unlabelled: dict[str, Counter[str]] = {split: Counter() for split in SPLITS}
    for index, (row, label) in enumerate(zip(selection.rows, selection.labels, strict=True)):
        if index not in unreadable:
            if label:
                kept[splits[row]][label] += 1
            else:
                unlabelled[splits[row]][reasons[index]] += 1
    equal = [row for twice in selection.duplicates if twice.kept for row in twice.rows[1:]]
    different = [row for twice in selection.duplicates if not twice.kept for row in twice.rows]
    dropped_rows = {
        "name twice, equal votes": equal,
        "name twice, different votes": different,
        "image folder missing": selection.missing_folders,
        "image missing": selection.missing_images,
        "image unreadable": [selection.rows[index] for index in unreadable],
    }
    nameless = Counter({USAGES[usage][0]: count for usage, count in source.nameless.items()})
    dropped = {
        split: {
            "no image name": nameless[split],
            **{
                reason: sum(splits[row] == split for row in rows)
                for reason, rows in dropped_rows.items()
            },
        }
        for split in SPLITS
    }
    in_missing = Counter(source.usages[row] for row in selection.missing_folders)
    return {
        "schema": SCHEMA,
        "emorec": __version__,
        "source": source.kind,
        "policy": selection.policy,
        "classes": selection.classes,
        "kept": kept,
        "unlabelled": {split: dict(sorted(unlabelled[split].items())) for split in SPLITS},
        "dropped": dropped,
        "missing_folders": [
            {"folder": folder, "usage": usage, "images": in_missing[usage]}
            for usage, folder in source.missing_folders.items()
        ],
        "missing_images": [source.names[row] for row in selection.missing_images],
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
        "fingerprint": selection.fingerprint,
    }


def notices(summary: dict[str, Any]) -> list[str]:
    """Say in one line each what is wrong with the source of a summary; empty if nothing is."""
    equal = [twice["name"] for twice in summary["duplicates"] if twice["done"] == KEPT_ONCE]
    different = [twice["name"] for twice in summary["duplicates"] if twice["done"] == DROPPED]
    unreadable = [image["name"] for image in summary["unreadable_images"]]
    return [
        *(
            f"the folder {missing['folder']} is missing or holds no image: "
            f"{missing['images']:,} {missing['usage']} images are left out"
            for missing in summary["missing_folders"]
        ),
        *_listed("images not on disk", summary["missing_images"]),
        *_listed("unreadable images", unreadable),
        *_listed("names on several rows with equal votes, kept once", equal),
        *_listed("names on several rows with different votes, dropped", different),
    ]


def _listed(what: str, names: list[str]) -> list[str]:
    more = ", ..." if len(names) > 5 else ""
    return [f"{what}: {len(names):,} ({', '.join(names[:5])}{more})"] if names else []


def manifest_csv(selection: Selection, unreadable: Unreadable) -> bytes:
    """Make the content of manifest.csv: one line for each readable image, in source order."""
    source = selection.source
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    votes = source.votes.tolist()
    for index, row in enumerate(selection.rows):
        if index not in unreadable:
            usage = source.usages[row]
            target, label = selection.targets[index], selection.labels[index]
            writer.writerow((target, USAGES[usage][0], usage, label, *votes[row], source.kind))
    return file.getvalue().encode()


def _reasons(selection: Selection) -> list[str]:
    """Say of each image why it would have no label, going by what leads its votes."""
    votes = selection.source.votes[selection.rows]
    with_contempt = labels_from_votes(votes, selection.policy, 8) >= 0
    leading = [VOTE_CLASSES[column] for column in votes.argmax(axis=1)]
    other = {"unknown": "unknown", "not_face": "not a face"}
    return [
        "contempt" if contempt else other.get(leader, "no clear emotion")
        for contempt, leader in zip(with_contempt, leading, strict=True)
    ]
