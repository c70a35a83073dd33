"""Writes a prepared data set as a whole, or leaves the old one as it was."""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emorec.atomic_files import write_json
from emorec.datasets.dataset_summary import Unreadable, faults, manifest_csv, summarise
from emorec.datasets.destination import files_in, recover, replacing, require_apart
from emorec.datasets.duplicates import leaks as leaks_between
from emorec.datasets.duplicates import near_duplicates, thumbnails
from emorec.datasets.manifest import MANIFEST, OWN_FILES, SUMMARY, read_summary
from emorec.datasets.readers.ferplus import KIND as FERPLUS
from emorec.datasets.readers.ferplus import LABEL_CSV
from emorec.datasets.readers.image_files import PixelImage, check_readable
from emorec.datasets.readers.registry import read_source
from emorec.datasets.readers.rows import USAGES, RawRows, ReadOptions, merged
from emorec.datasets.readers.table import read_table
from emorec.datasets.selection import Selection, select, with_leaks
from emorec.errors import ConfigError, DataError
from emorec.threads import ProgressCallback, run_in_threads

COPY, HARD, SYMLINK = "copy", "hard", "symlink"

LINKS = (COPY, HARD, SYMLINK)

IGNORE, LIST, DROP = "ignore", "list", "drop"

LEAKS = (IGNORE, LIST, DROP)

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True)
class PrepareResult:
    """What preparing a data set came to.

    Attributes:
        summary: The content of summary.json.
        changed: False where the data set was up to date and nothing was written.
    """

    summary: dict[str, Any]
    changed: bool


def prepare_data(
    sources: Path | Sequence[Path],
    dest: Path,
    policy: str = "dominant",
    classes: int = 7,
    strict: bool = False,
    overwrite: bool = False,
    report: ProgressCallback | None = None,
    *,
    reading: ReadOptions | None = None,
    link: str = COPY,
    leaks: str | None = None,
) -> PrepareResult:
    """Turn raw data into a FER-2013-shaped tree with a manifest and a summary.

    The tree appears whole or not at all; image files are copied byte for byte. Where `dest` is
    up to date, nothing is written.

    Args:
        sources: Folders, zip archives or CSV files of raw data; several are put together.
        dest: Folder to make; it may be an earlier result of the same options.
        policy: One of `emorec.labels.POLICIES`; sources without votes need none.
        classes: 7 or 8.
        strict: Missing folders, missing or unreadable images, names that stand more than once
            and whatever else is noted are errors.
        overwrite: Replace `dest` whatever it holds.
        report: Called with the number of images copied and the number in all, now and then.
        reading: How to read the sources.
        link: One of `LINKS`: whether image files are copied or linked to.
        leaks: One of `LEAKS`: what is done about images whose picture is also in a later split;
            None ignores them in one source and lists them in several.

    Raises:
        ConfigError: An option is unknown or does not fit the sources.
        DataError: A source is missing, broken or unsafe, `strict` finds fault, `dest` must not
            be replaced, or the disk refuses; `dest` is as it was.
    """
    places = [sources] if isinstance(sources, Path) else list(sources)
    reading = reading or ReadOptions()
    if link not in LINKS:
        raise ConfigError(f"unknown way to link {link!r}; choose one of {', '.join(LINKS)}")
    leaks = leaks or (LIST if len(places) > 1 else IGNORE)
    if leaks not in LEAKS:
        raise ConfigError(f"unknown care for leaks {leaks!r}; choose one of {', '.join(LEAKS)}")
    dest = dest.resolve()
    with _disk_errors(dest):
        source = merged([read_source(place, reading) for place in places])
        _require_used(reading, source)
        require_apart(dest, places)
        selection = select(source, policy, classes, reading.keep_labels, (link, leaks))
        if link != COPY and any(picture.path is None for picture in selection.pictures):
            raise ConfigError(
                f"{source.place}: images in archives and pixel files cannot be linked to; leave "
                "out --link"
            )
        if strict:
            _require_faultless(summarise(selection, {}))
        recover(dest)
        found = _prepared_at(dest)
        if found and _is_up_to_date(dest, found, selection):
            if strict:
                _require_faultless(found)
            return PrepareResult(found, changed=False)
        if not overwrite:
            _require_replaceable(dest, found, selection)
        if leaks != IGNORE:
            pairs = near_duplicates(thumbnails(selection.pictures, report))
            splits = [USAGES[source.usages[row]][0] for row in selection.rows]
            selection = with_leaks(selection, leaks_between(pairs, splits), leaks == DROP)
        with replacing(dest) as folder:
            unreadable, sizes = _write_images(selection, folder, link, report)
            if len(unreadable) == len(selection.rows):
                raise DataError(f"{source.place}: no image is readable; the first: {unreadable[0]}")
            summary = summarise(selection, unreadable)
            if strict:
                _require_faultless(summary)
            manifest = manifest_csv(selection, unreadable)
            (folder / MANIFEST).write_bytes(manifest)
            kept = [index for index in range(len(sizes)) if index not in unreadable]
            files = {selection.targets[index]: sizes[index] for index in kept}
            summary["digest"] = _digest(summary, manifest, files)
            write_json(folder / SUMMARY, summary)
        return PrepareResult(summary, changed=True)


def _require_used(reading: ReadOptions, source: RawRows) -> None:
    """Check that what the user says about votes means something for the sources."""
    pixels = any(isinstance(picture, PixelImage) for picture in source.pictures)
    if reading.ferplus_csv and not pixels:
        raise ConfigError(
            f"--ferplus-csv {reading.ferplus_csv} gives votes to the rows of fer2013.csv, but "
            f"{source.place} holds none; name fer2013.csv as SOURCE"
        )
    if reading.votes == LABEL_CSV and f"{FERPLUS}-{LABEL_CSV}" not in source.kinds:
        raise ConfigError(f"--votes {LABEL_CSV} is for a FERPlus checkout, unlike {source.place}")


@contextlib.contextmanager
def _disk_errors(dest: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        raise DataError(f"cannot prepare {dest}: {place}{error.strerror or error}") from error


def _require_faultless(summary: dict[str, Any]) -> None:
    if found := faults(summary):
        raise DataError(f"strict: {'; '.join(found)}")


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
    try:
        manifest = (dest / MANIFEST).read_bytes()
        paths = read_table(dest / MANIFEST, ("path",)).columns["path"]
    except (DataError, FileNotFoundError):
        return False
    sizes = files_in(dest)
    return _digest(found, manifest, {path: sizes.get(path, -1) for path in paths}) == found.get(
        "digest"
    )


def _digest(summary: dict[str, Any], manifest: bytes, sizes: dict[str, int]) -> str:
    """Give a checksum of what was written: summary, manifest, and the images' sizes."""
    accounts = {key: value for key, value in summary.items() if key != "digest"}
    digest = hashlib.sha256(json.dumps(accounts, sort_keys=True).encode())
    digest.update(manifest)
    digest.update(json.dumps(sizes).encode())
    return digest.hexdigest()


def _require_replaceable(dest: Path, found: dict[str, Any], selection: Selection) -> None:
    """Check that replacing `dest` loses nothing but an earlier result of the same options."""
    if not dest.exists() or not any(dest.iterdir()):
        return
    if not found:
        raise DataError(
            f"{dest}: exists and is not a prepared data set; choose another --out, or replace it "
            "with --overwrite"
        )
    asked = summarise(selection, {})
    if any(found.get(key) != asked[key] for key in ("source", "policy", "classes")):
        raise DataError(
            f"{dest}: was prepared from {_options(found)}, now {_options(asked)} is asked for; "
            "choose another --out, or replace it with --overwrite"
        )
    try:
        ours = {*OWN_FILES, *read_table(dest / MANIFEST, ("path",)).columns["path"]}
    except DataError:
        ours = set()
    foreign = sorted(set(files_in(dest)) - ours)
    if foreign:
        raise DataError(
            f"{dest}: must be prepared anew and holds {len(foreign):,} files that emorec did not "
            f"put there, such as {foreign[0]}; move them away, or replace all with --overwrite"
        )


def _options(summary: dict[str, Any]) -> str:
    policy, classes = summary.get("policy"), summary.get("classes")
    return " ".join(
        [
            f"{summary.get('source')} with",
            *([f"--policy {policy}"] if policy else []),
            f"--classes {classes}" if classes else "--keep-labels",
        ]
    )


def _write_images(
    selection: Selection, folder: Path, link: str, report: ProgressCallback | None
) -> tuple[Unreadable, list[int]]:
    """Put every readable image in its place; give the others and the sizes of all."""
    labelled = {f"{top}/{name}" for top in ("train", "test") for name in selection.names}
    for path in labelled | {target.rpartition("/")[0] for target in selection.targets}:
        (folder / path).mkdir(parents=True, exist_ok=True)
    unreadable: dict[int, str] = {}
    sizes = [0] * len(selection.rows)
    base = f"{folder}{os.sep}"

    def write(index: int) -> None:
        picture = selection.pictures[index]
        try:
            data = picture.read()
            if not isinstance(picture, PixelImage):  # what we encode ourselves is whole
                check_readable(picture.label, data)
        except DataError as error:
            unreadable[index] = str(error).removeprefix(f"{picture.label}: ")
            return
        sizes[index] = len(data)
        target = base + selection.targets[index]
        if link == COPY:
            _write(target, data)
        elif link == HARD:
            os.link(picture.path or "", target)
        else:
            Path(target).symlink_to(Path(picture.path or "").absolute())

    run_in_threads(write, len(selection.rows), report)
    return unreadable, sizes


def _write(target: str, data: bytes) -> None:
    """Write a new file; without the buffers of `open`, which small files do not repay."""
    descriptor = os.open(target, _CREATE, 0o666)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    finally:
        os.close(descriptor)
