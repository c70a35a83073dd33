"""Prepares a data set: reads the sources, selects the images and writes the tree atomically."""

import contextlib
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from emorec.atomic_files import write_json
from emorec.datasets.bursts import compare_images
from emorec.datasets.choices import (
    AUTO,
    BOXES,
    COPY,
    IGNORE,
    LABEL_CSV,
    LAST_THREE,
    LIST,
)
from emorec.datasets.class_checks import require_classes
from emorec.datasets.dataset_address import local_path
from emorec.datasets.dataset_summary import faults, manifest_csv, notices, summarise
from emorec.datasets.destination import files_in, recover, replacing, require_apart
from emorec.datasets.face_cutting import write_images
from emorec.datasets.group_splits import group_notes, group_warnings
from emorec.datasets.prepare_options import PrepareOptions
from emorec.datasets.prepared_files import MANIFEST, OWN_FILES, SUMMARY
from emorec.datasets.readers.ckplus_sequences import SOURCE as CKPLUS_SEQUENCES
from emorec.datasets.readers.ferplus import LABEL_CSV_SOURCE
from emorec.datasets.readers.image_files import PixelImage
from emorec.datasets.readers.registry import read_source
from emorec.datasets.readers.rows import USAGES, RawRows, ReadOptions, merge
from emorec.datasets.readers.table import read_table
from emorec.datasets.relabelling import relabel, relabel_notes
from emorec.datasets.selection import Selection, select
from emorec.datasets.summary_file import read_summary
from emorec.errors import ConfigError, DataError
from emorec.file_kinds import count_kinds
from emorec.threads import ProgressCallback


@dataclass(frozen=True)
class PrepareResult:
    """Result of preparing a data set.

    Attributes:
        summary: Content of summary.json.
        changed: Whether the data set was written; False where it was up to date.
    """

    summary: dict[str, Any]
    changed: bool

    @property
    def notices(self) -> list[str]:
        """One line for each fault of the sources, for removed leaks, and for split groups."""
        return [*notices(self.summary), *group_warnings(self.summary.get("groups"))]

    @property
    def notes(self) -> list[str]:
        """One line for each decision about people and near duplicates, and for new labels."""
        return [*group_notes(self.summary.get("groups")), *relabel_notes(self.summary)]


def prepare_data(
    sources: Path | Sequence[Path],
    dest: Path,
    options: PrepareOptions | None = None,
    *,
    read_options: ReadOptions | None = None,
    progress: ProgressCallback | None = None,
    search_progress: ProgressCallback | None = None,
) -> PrepareResult:
    """Convert raw data to a FER-2013-shaped tree with a manifest and a summary.

    The tree is written atomically; faces are cut out of whole photos, and other image files are
    copied byte for byte. A tree that is up to date is left untouched.

    Args:
        sources: Folders, zip archives or CSV files of raw data; several are combined.
        dest: Folder to write; it may hold an earlier result of the same options.
        options: Options of preparing; None for the defaults.
        read_options: Options of reading the sources; None for the defaults.
        progress: Called now and then with the number of processed images and their total.
        search_progress: The same while images are searched for faces.

    Raises:
        ConfigError: An option does not fit the sources.
        DataError: A source or the file of new labels is missing, broken or unsafe, a strict check
            fails, `dest` must not be replaced, or the file system fails. `dest` is unchanged.
        ModelError: The face detector fails. `dest` is unchanged.
        MissingDependencyError: A source for Hugging Face datasets needs a package.
    """
    places = [sources] if isinstance(sources, Path) else list(sources)
    options = options or PrepareOptions()
    options = replace(options, leaks=options.leaks or (LIST if len(places) > 1 else IGNORE))
    read_options = read_options or ReadOptions()
    dest = dest.resolve()
    with _disk_errors(dest):
        parts = [read_source(place, read_options) for place in places]
        if options.faces not in (AUTO, BOXES):
            parts = [replace(part, boxes=None) for part in parts]
        if options.relabel:
            parts = [_relabelled(parts, options.relabel, options, read_options)]
        raw = merge(parts)
        _require_used(read_options, raw)
        if options.faces == BOXES and raw.boxes is None:
            raise ConfigError(
                f"{raw.place} has no boxes of faces, which --faces {BOXES} takes; they are the "
                "columns x, y, width and height of a CSV list, or those of AffectNet and ExpW"
            )
        require_apart(dest, map(local_path, places))
        selection = select(raw, options, read_options.keep_labels)
        if options.link != COPY and any(image.path is None for image in selection.images):
            raise ConfigError(
                f"{raw.place}: images in archives and pixel files cannot be linked to; omit --link"
            )
        if not raw.label_files:  # folders are the classes
            splits = [USAGES[raw.usages[row]][0] for row in selection.rows]
            images = zip(splits, selection.labels, strict=True)
            require_classes(raw.place, images, raw.drawn, grouped=raw.groups is not None)
        if options.strict:
            _require_faultless(summarise(selection, {}))
        recover(dest)
        earlier = _summary_at(dest)
        if earlier and _is_up_to_date(dest, earlier, selection):
            if options.strict:
                _require_faultless(earlier)
            return PrepareResult(earlier, changed=False)
        if not options.overwrite:
            _require_replaceable(dest, earlier, selection)
        selection = compare_images(selection, parts, options, read_options, progress)
        summary = _write(dest, selection, options, progress, search_progress)
        return PrepareResult(summary, changed=True)


def _write(
    dest: Path,
    selection: Selection,
    options: PrepareOptions,
    progress: ProgressCallback | None,
    search_progress: ProgressCallback | None,
) -> dict[str, Any]:
    """Write images, manifest and summary; return the summary."""
    with replacing(dest) as folder:
        written = write_images(selection, folder, options, progress, search_progress)
        selection, unreadable = written.selection, written.unreadable
        if len(unreadable) == len(selection.rows):
            raise DataError(
                f"{selection.raw.place}: no image is readable; the first: {unreadable[0]}"
            )
        summary = summarise(selection, unreadable)
        if options.strict:
            _require_faultless(summary)
        manifest = manifest_csv(selection, unreadable)
        (folder / MANIFEST).write_bytes(manifest)
        targets = enumerate(selection.targets)
        files = {path: written.sizes[index] for index, path in targets if index not in unreadable}
        summary["digest"] = _digest(summary, manifest, files)
        write_json(folder / SUMMARY, summary)
    return summary


def _relabelled(
    parts: Sequence[RawRows], path: Path, options: PrepareOptions, read_options: ReadOptions
) -> RawRows:
    if len(parts) > 1:
        raise ConfigError(
            f"--relabel {path} holds new labels for the images of one source; received "
            f"{len(parts)}: relabel it alone, and combine the result with the others"
        )
    return relabel(parts[0], path, options, read_options.keep_labels)


def _require_used(options: ReadOptions, raw: RawRows) -> None:
    """Check that the options about votes and frames apply to one of the sources."""
    pixels = any(isinstance(image, PixelImage) for image in raw.images)
    if options.ferplus_csv and not pixels:
        raise ConfigError(
            f"--ferplus-csv {options.ferplus_csv} holds votes for the rows of fer2013.csv, but "
            f"{raw.place} has no such rows; name fer2013.csv as SOURCE"
        )
    if options.frames != LAST_THREE and CKPLUS_SEQUENCES not in raw.sources:
        raise ConfigError(
            f"--frames {options.frames} applies to the sequences of CK+ only; received {raw.place}"
        )
    if options.votes == LABEL_CSV and LABEL_CSV_SOURCE not in raw.sources:
        raise ConfigError(
            f"--votes {LABEL_CSV} applies to a FERPlus checkout only; received {raw.place}"
        )


@contextlib.contextmanager
def _disk_errors(dest: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        raise DataError(f"cannot prepare {dest}: {place}{error.strerror or error}") from error


def _require_faultless(summary: dict[str, Any]) -> None:
    if lines := faults(summary):
        raise DataError(f"strict: {'; '.join(lines)}")


def _summary_at(dest: Path) -> dict[str, Any]:
    """Return the summary of the prepared data set at `dest`; empty without one."""
    try:
        summary = read_summary(dest)
    except DataError:
        return {}
    return summary if "fingerprint" in summary else {}


def _is_up_to_date(dest: Path, earlier: dict[str, Any], selection: Selection) -> bool:
    """Return whether `dest` equals the result of this run, by names, sizes and times."""
    if earlier["fingerprint"] != selection.fingerprint:
        return False
    if earlier.get("left_out", {}) != count_kinds(selection.raw.left_out):
        return False
    try:
        manifest = (dest / MANIFEST).read_bytes()
        paths = read_table(dest / MANIFEST, ("path",)).columns["path"]
    except (DataError, FileNotFoundError):
        return False
    sizes = files_in(dest)
    digest = _digest(earlier, manifest, {path: sizes.get(path, -1) for path in paths})
    return digest == earlier.get("digest")


def _digest(summary: dict[str, Any], manifest: bytes, sizes: dict[str, int]) -> str:
    """Return a checksum of the summary, the manifest and the sizes of the images."""
    accounts = {key: value for key, value in summary.items() if key != "digest"}
    digest = hashlib.sha256(json.dumps(accounts, sort_keys=True).encode())
    digest.update(manifest)
    digest.update(json.dumps(sizes).encode())
    return digest.hexdigest()


def _require_replaceable(dest: Path, earlier: dict[str, Any], selection: Selection) -> None:
    """Check that `dest` holds nothing but an earlier result of the same options."""
    if not dest.exists() or not any(dest.iterdir()):
        return
    if not earlier:
        raise DataError(
            f"{dest}: exists and is not a prepared data set; choose another --out, or replace it "
            "with --overwrite"
        )
    current = summarise(selection, {})
    if any(earlier.get(key) != current[key] for key in ("source", "policy", "classes")):
        raise DataError(
            f"{dest}: was prepared from {_options(earlier)}, but this run requests "
            f"{_options(current)}; choose another --out, or replace it with --overwrite"
        )
    try:
        ours = {*OWN_FILES, *read_table(dest / MANIFEST, ("path",)).columns["path"]}
    except DataError:
        ours = set()
    foreign = sorted(set(files_in(dest)) - ours)
    if foreign:
        raise DataError(
            f"{dest}: must be prepared again, but holds {len(foreign):,} files that emorec did not "
            f"write, such as {foreign[0]}; move them away, or replace all with --overwrite"
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
