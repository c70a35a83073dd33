"""Writes a prepared data set as a whole, or leaves the old one as it was."""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emorec.datasets.ferplus import read_ferplus
from emorec.datasets.manifest import MANIFEST, SUMMARY
from emorec.datasets.parallel import Report, in_batches
from emorec.datasets.selection import Selection, select
from emorec.datasets.summary import Unreadable, manifest_text, summarise
from emorec.errors import DataError
from emorec.images import check_readable, read_bytes
from emorec.labels import emotions


@dataclass(frozen=True)
class Prepared:
    """What preparing a data set came to.

    Attributes:
        summary: The content of summary.json.
        changed: False where the data set was up to date and nothing was written.
    """

    summary: dict[str, Any]
    changed: bool


def prepare_data(
    source: Path, dest: Path, policy: str = "dominant", classes: int = 7, report: Report | None = None
) -> Prepared:
    """Prepare."""
    selection = select(read_ferplus(source), policy, classes)
    partial = dest.with_name(f".{dest.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    unreadable = _copy(selection, partial, report)
    summary = summarise(selection, unreadable)
    (partial / MANIFEST).write_text(manifest_text(selection, unreadable), "utf-8")
    (partial / SUMMARY).write_text(json.dumps(summary, indent=2) + "\n", "utf-8")
    partial.rename(dest)
    return Prepared(summary, True)


def _copy(selection: Selection, folder: Path, report: Report | None) -> Unreadable:
    labelled = {
        f"{top}/{name}" for top in ("train", "test") for name in emotions(selection.classes)
    }
    for path in labelled | {target.rpartition("/")[0] for target in selection.targets}:
        (folder / path).mkdir(parents=True, exist_ok=True)
    unreadable: dict[int, str] = {}

    def copy(index: int) -> None:
        image = selection.source.images[selection.rows[index]]
        try:
            data = read_bytes(image)
            check_readable(image, data)
        except DataError as error:
            unreadable[index] = str(error).removeprefix(f"{image}: ")
            return
        with open(f"{folder}/{selection.targets[index]}", "xb") as file:
            file.write(data)

    in_batches(copy, len(selection.rows), report)
    return unreadable
