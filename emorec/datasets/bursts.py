"""Compares the images of raw data: keeps bursts and frames of a video in one split, finds leaks."""

from collections.abc import Sequence
from dataclasses import replace

from emorec.datasets.choices import DROP, IGNORE
from emorec.datasets.duplicates import find_leaks, near_duplicates, thumbnails
from emorec.datasets.group_splits import draw_usages, labels_of, split_problem
from emorec.datasets.prepare_options import PrepareOptions
from emorec.datasets.prepared_files import BURST
from emorec.datasets.readers.rows import USAGES, NearDuplicates, RawRows, ReadOptions, merge
from emorec.datasets.selection import Selection, select, with_leaks
from emorec.threads import ProgressCallback


def compare_images(
    selection: Selection,
    parts: Sequence[RawRows],
    options: PrepareOptions,
    read_options: ReadOptions,
    progress: ProgressCallback | None = None,
) -> Selection:
    """Keep near duplicates in one split where emorec draws the splits, and find leaks.

    The images of published data sets are compared only to find leaks.

    Args:
        selection: The images selected from the merged parts.
        parts: The data sets before `merge`.
        options: Options of preparing; `leaks` is set.
        read_options: The options with which the data sets were read.
        progress: Called now and then with the number of compared images and their total.

    Returns:
        The selection with other splits, and with its leaks if they are requested.
    """
    search_leaks = options.leaks != IGNORE
    searched = {
        row
        for part, first in zip(parts, _first_rows(parts), strict=True)
        if search_leaks or part.keeps_near_duplicates
        for row in range(first, first + len(part.names))
    }
    indices = [index for index, row in enumerate(selection.rows) if row in searched]
    if not indices:
        return selection
    rows = [selection.rows[index] for index in indices]
    thumbs = thumbnails([selection.images[index] for index in indices], progress)
    pairs = [(rows[first], rows[second]) for first, second in near_duplicates(thumbs)]
    if selection.raw.keeps_near_duplicates:
        raw = merge(_keep_together(parts, pairs, read_options.seed))
        # The fingerprint is that of the data before its images were compared.
        selection = replace(
            select(raw, options, read_options.keep_labels), fingerprint=selection.fingerprint
        )
    if not search_leaks:
        return selection
    index_of = {row: index for index, row in enumerate(selection.rows)}
    found = [(index_of[a], index_of[b]) for a, b in pairs if a in index_of and b in index_of]
    splits = [USAGES[selection.raw.usages[row]][0] for row in selection.rows]
    return with_leaks(selection, find_leaks(found, splits), options.leaks == DROP)


def _first_rows(parts: Sequence[RawRows]) -> list[int]:
    """Return the index of the first row of each part among the merged rows."""
    sizes = [len(part.names) for part in parts]
    return [sum(sizes[:index]) for index in range(len(sizes))]


def _keep_together(
    parts: Sequence[RawRows], pairs: Sequence[tuple[int, int]], seed: int
) -> list[RawRows]:
    """Return data sets of which those with `keeps_near_duplicates` have new groups and splits.

    Args:
        parts: The data sets before `merge`.
        pairs: Near duplicates, as indices of merged rows.
        seed: Seed of the random split.
    """
    found = []
    for part, first in zip(parts, _first_rows(parts), strict=True):
        end = first + len(part.names)
        inside = [(a - first, b - first) for a, b in pairs if first <= a < end > b >= first]
        keeps = part.keeps_near_duplicates
        found.append(_with_near_duplicates(part, inside, seed) if keeps else part)
    return found


def _with_near_duplicates(rows: RawRows, pairs: Sequence[tuple[int, int]], seed: int) -> RawRows:
    """Put near duplicates into one split: they become one group, with the person of one of them.

    Where a split would then lack a class, the groups and splits stay as they are, and
    `RawRows.near_duplicates` has the reason.
    """
    near = sorted({row for pair in pairs for row in pair})
    components = _components(len(rows.names), pairs)
    figures = NearDuplicates(len(near), len({components[row] for row in near}))
    if not pairs:
        return replace(rows, near_duplicates=figures)
    joined = replace(rows, groups=_joined(rows.groups or [""] * len(components), pairs, near))
    problem = split_problem(joined)
    if not problem:
        joined = replace(joined, usages=draw_usages(joined, seed), near_duplicates=figures)
        lost = _classes_by_usage(rows) - _classes_by_usage(joined)
        if not lost:
            return joined
        usage, label = min(lost)
        problem = f"the class {label!r:.80} would be missing from {USAGES[usage][0]}"
    return replace(rows, near_duplicates=figures._replace(problem=problem))


def _classes_by_usage(rows: RawRows) -> set[tuple[str, str]]:
    return {
        (usage, label) for usage, label in zip(rows.usages, labels_of(rows), strict=True) if label
    }


def _joined(
    groups: Sequence[str], pairs: Sequence[tuple[int, int]], near: Sequence[int]
) -> list[str]:
    """Return the group of each image after near duplicates were joined with the named groups.

    The name is that of the person, the first one by name if there are several, else a number.
    """
    first_of: dict[str, int] = {}
    same = [(first_of.setdefault(name, row), row) for row, name in enumerate(groups) if name]
    components = _components(len(groups), [*pairs, *same])
    names: dict[int, str] = {}
    for row, name in enumerate(groups):
        if name:
            names[components[row]] = min(name, names.get(components[row], name))
    taken, number = set(groups), 0
    for row in near:
        if components[row] not in names:
            number += 1
            while f"{BURST}{number}" in taken:
                number += 1
            names[components[row]] = f"{BURST}{number}"
    return [names.get(component, "") for component in components]


def _components(count: int, pairs: Sequence[tuple[int, int]]) -> list[int]:
    """Return for each of `count` indices the first one that pairs connect it with."""
    parents = list(range(count))

    def root(index: int) -> int:
        while parents[index] != index:
            parents[index] = parents[parents[index]]
            index = parents[index]
        return index

    for pair in pairs:
        low, high = sorted(map(root, pair))
        parents[high] = low
    return [root(index) for index in range(count)]
