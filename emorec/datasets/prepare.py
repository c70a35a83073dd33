"""Writes a prepared data set as a whole, or leaves the old one as it was."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emorec.datasets.destination import files_in, recover, replacing, require_apart
from emorec.datasets.ferplus import VOTES_FILE, read_ferplus
from emorec.datasets.manifest import MANIFEST, SUMMARY, read_summary
from emorec.datasets.parallel import Report, in_batches
from emorec.datasets.selection import Selection, select
from emorec.datasets.source import Source
from emorec.datasets.summary import Unreadable, manifest_csv, notices, summarise
from emorec.datasets.table import read_table
from emorec.errors import DataError
from emorec.files import write_json
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
    source: Path,
    dest: Path,
    policy: str = "dominant",
    classes: int = 7,
    strict: bool = False,
    overwrite: bool = False,
    report: Report | None = None,
) -> Prepared:
    """Turn a raw data set into a FER-2013-shaped tree with a manifest and a summary.

    The tree appears whole or not at all; image files are copied byte for byte. Where `dest` is
    up to date, nothing is written.

    Args:
        source: Folder of the raw data set: a FERPlus checkout with its images.
        dest: Folder to make; it may be an earlier result of the same options.
        policy: One of `emorec.labels.POLICIES`.
        classes: 7 or 8.
        strict: Missing folders, missing or unreadable images and names that stand more than once
            are errors.
        overwrite: Replace `dest` whatever it holds.
        report: Called with the number of images copied and the number in all, now and then.

    Raises:
        ConfigError: The policy or the number of classes is unknown.
        DataError: The source is missing, broken or unsafe, `strict` finds fault, `dest` must not
            be replaced, or the disk refuses; `dest` is as it was.
    """
    dest = dest.resolve()
    with _disk_errors(dest):
        rows = _read_source(source)
        require_apart(dest, {source, *(image.parent for image in rows.images)})
        selection = select(rows, policy, classes)
        if strict:
            _require_faultless(summarise(selection, {}))
        recover(dest)
        found = _prepared_at(dest)
        if found and _is_up_to_date(dest, found, selection):
            if strict:
                _require_faultless(found)
            return Prepared(found, changed=False)
        if not overwrite:
            _require_replaceable(dest, found, selection)
        with replacing(dest) as folder:
            unreadable = _copy(selection, folder, report)
            if len(unreadable) == len(selection.rows):
                raise DataError(f"{source}: no image is readable; the first: {unreadable[0]}")
            summary = summarise(selection, unreadable)
            if strict:
                _require_faultless(summary)
            (folder / MANIFEST).write_bytes(manifest_csv(selection, unreadable))
            write_json(folder / SUMMARY, summary)
        return Prepared(summary, changed=True)


@contextlib.contextmanager
def _disk_errors(dest: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        raise DataError(f"cannot prepare {dest}: {place}{error.strerror or error}") from error


def _read_source(root: Path) -> Source:
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; name the folder that holds {VOTES_FILE}")
    if not (root / VOTES_FILE).exists():
        raise DataError(f"{root}: holds no {VOTES_FILE}; name a FERPlus checkout")
    return read_ferplus(root)


def _require_faultless(summary: dict[str, Any]) -> None:
    if faults := notices(summary):
        raise DataError(f"strict: {'; '.join(faults)}")


def _prepared_at(dest: Path) -> dict[str, Any]:
    """Give the summary of the prepared data set at `dest`; empty if there is none."""
    try:
        summary = read_summary(dest)
    except DataError:
        return {}
    return summary if "fingerprint" in summary else {}


def _is_up_to_date(dest: Path, found: dict[str, Any], selection: Selection) -> bool:
    """Tell whether `dest` is what would be written now, going by names, sizes and times."""
    if found["fingerprint"] != selection.fingerprint:
        return False
    index_of = {selection.source.names[row]: index for index, row in enumerate(selection.rows)}
    try:
        unreadable = {
            index_of[image["name"]]: image["error"] for image in found["unreadable_images"]
        }
    except (KeyError, TypeError):
        return False
    expected = summarise(selection, unreadable)
    if found != {**expected, "emorec": found.get("emorec")}:
        return False
    try:
        manifest = (dest / MANIFEST).read_bytes()
    except FileNotFoundError:
        return False
    if manifest != manifest_csv(selection, unreadable):
        return False
    files = files_in(dest)
    return all(
        files.get(selection.targets[index]) == size
        for index, size in enumerate(selection.sizes)
        if index not in unreadable
    )


def _require_replaceable(dest: Path, found: dict[str, Any], selection: Selection) -> None:
    """Check that replacing `dest` loses nothing but an earlier result of the same options."""
    if not dest.exists() or not any(dest.iterdir()):
        return
    if not found:
        raise DataError(
            f"{dest}: exists and is not a prepared data set; choose another --out, or replace it "
            "with --overwrite"
        )
    asked = (selection.source.kind, selection.policy, selection.classes)
    made = (found.get("source"), found.get("policy"), found.get("classes"))
    if made != asked:
        raise DataError(
            f"{dest}: was prepared from {made[0]} with --policy {made[1]} --classes {made[2]}, now "
            f"{asked[0]} with --policy {asked[1]} --classes {asked[2]} is asked for; choose "
            "another --out, or replace it with --overwrite"
        )
    try:
        ours = {MANIFEST, SUMMARY, *read_table(dest / MANIFEST, ("path",)).columns["path"]}
    except DataError:
        ours = set()
    foreign = sorted(set(files_in(dest)) - ours)
    if foreign:
        raise DataError(
            f"{dest}: must be prepared anew and holds {len(foreign):,} files that emorec did not "
            f"put there, such as {foreign[0]}; move them away, or replace all with --overwrite"
        )


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
        with (folder / selection.targets[index]).open("xb") as file:
            file.write(data.data)

    in_batches(copy, len(selection.rows), report)
    return unreadable
