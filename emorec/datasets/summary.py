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

Unreadable = Mapping[int, str]
"""Why an image could not be read, by its index among the rows of a selection."""


def summarise(selection: Selection, unreadable: Unreadable) -> dict[str, Any]:
    """Make the content of summary.json.

    Its counts add up: kept, unlabelled and dropped together are the rows of the label file.
    """
    source, names = selection.source, emotions(selection.classes)
    kept = {split: dict.fromkeys(names, 0) for split in SPLITS}
    unlabelled: dict[str, Counter[str]] = {split: Counter() for split in SPLITS}
    reasons = _reasons(selection)
    for index, (row, label) in enumerate(zip(selection.rows, selection.labels, strict=True)):
        if index not in unreadable:
            split = USAGES[source.usages[row]][0]
            if label:
                kept[split][label] += 1
            else:
                unlabelled[split][reasons[index]] += 1
    equal = [twice for twice in selection.duplicates if twice.kept]
    different = [twice for twice in selection.duplicates if not twice.kept]
    return {
        "schema": SCHEMA,
        "emorec": __version__,
        "source": source.kind,
        "policy": selection.policy,
        "classes": selection.classes,
        "kept": kept,
        "unlabelled": {split: dict(sorted(unlabelled[split].items())) for split in SPLITS},
        "dropped": {
            "no image name": source.nameless,
            "name twice, equal votes": sum(len(twice.lines) - 1 for twice in equal),
            "name twice, different votes": sum(len(twice.lines) for twice in different),
            "image folder missing": sum(selection.in_missing_folders.values()),
            "image missing": len(selection.missing_images),
            "image unreadable": len(unreadable),
        },
        "missing_folders": [
            {"folder": folder, "usage": usage, "images": selection.in_missing_folders[usage]}
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
                "rows": twice.lines,
                "done": "kept once" if twice.kept else "dropped",
            }
            for twice in selection.duplicates
        ],
        "fingerprint": selection.fingerprint,
    }


def manifest_text(selection: Selection, unreadable: Unreadable) -> str:
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
    return file.getvalue()


def _reasons(selection: Selection) -> list[str]:
    """Say for each image which it would be that has no label: what leads its votes."""
    votes = selection.source.votes[selection.rows]
    with_contempt = labels_from_votes(votes, selection.policy, 8) >= 0
    leading = [VOTE_CLASSES[column] for column in votes.argmax(axis=1)]
    other = {"unknown": "unknown leads", "not_face": "not a face leads"}
    return [
        "contempt" if contempt else other.get(leader, "no clear emotion")
        for contempt, leader in zip(with_contempt, leading, strict=True)
    ]
