"""Keeps groups (people, near duplicates) in one split, where emorec draws the splits."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from emorec.datasets.grouping import parse_rule
from emorec.datasets.prepared_files import BURST
from emorec.datasets.readers.rows import (
    SPLITS,
    TRAIN,
    USAGES,
    NearDuplicates,
    RawRows,
    ReadOptions,
)
from emorec.datasets.splitting import assign_groups, number_groups
from emorec.errors import DataError

MOST_NAMES = 20
"""Most names of groups in two splits that the summary lists."""


def keep_groups(rows: RawRows, options: ReadOptions) -> RawRows:
    """Apply the rule of the options, and draw the splits again so that groups stay together.

    Splits of the source itself do not change.

    Raises:
        ConfigError, DataError: The rule does not fit the data, or the groups are too few or too
            large for the splits.
    """
    if options.group_by is not None:
        groups = parse_rule(options.group_by).groups(rows.place, rows.names, rows.columns)
        rows = replace(rows, groups=groups, group_rule=options.group_by)
    if not any(rows.groups or ()) or not any(rows.drawn.values()):
        return rows
    if problem := _problem(rows):
        raise DataError(f"{rows.place}: {problem}")
    return replace(rows, usages=_draw(rows, options.seed))


def _in_draw(rows: RawRows) -> list[int]:
    """Return the rows among which the splits are drawn."""
    usages = {usage for usage, place in USAGES.items() if place[0] == TRAIN} | rows.drawn.keys()
    return [row for row, usage in enumerate(rows.usages) if usage in usages]


def _draw(rows: RawRows, seed: int) -> list[str]:
    """Return the usage of each row, drawn in whole groups and close to stratified."""
    drawn = _in_draw(rows)
    train = "Training" if "Training" in rows.usages else TRAIN
    labels, groups = rows.labels or [""] * len(rows.names), rows.groups or ()
    parts = assign_groups(
        [labels[row] for row in drawn],
        [groups[row] for row in drawn],
        [1 - sum(rows.drawn.values()), *rows.drawn.values()],
        seed,
    )
    usages, kinds = list(rows.usages), [train, *rows.drawn]
    for row, part in zip(drawn, parts.tolist(), strict=True):
        usages[row] = kinds[part]
    return usages


def _problem(rows: RawRows) -> str | None:
    """Describe what keeps the groups from being split; None if nothing does."""
    groups = rows.groups or []
    drawn = _in_draw(rows)
    members = number_groups([groups[row] for row in drawn], len(drawn)).tolist()
    parts = [TRAIN, *(USAGES[usage][0] for usage, share in rows.drawn.items() if share > 0)]
    if len(set(members)) < len(parts):
        count = len(set(members))
        return (
            f"{count} {'group is' if count == 1 else 'groups are'} too few for "
            f"{' and '.join(parts)}, which need one each; add images of others, or draw fewer "
            "splits: emorec prepare-data --validation 0 or --test 0"
        )
    groups_of: dict[str, set[int]] = {}
    for row, member in zip(drawn, members, strict=True):
        groups_of.setdefault(rows.labels[row] if rows.labels else "", set()).add(member)
    for label, found in sorted(groups_of.items()):
        if label and len(found) == 1 and len(parts) > 1:
            name = groups[drawn[members.index(min(found))]]
            return (
                f"the class {label!r:.80} is in one group only ({name!r:.80}), which cannot be in "
                f"{' and in '.join(parts[:2])}; add images of others, or remove the class"
            )
    return None


def rows_compared(parts: Sequence[RawRows], everything: bool) -> set[int]:
    """Return the rows of merged data sets whose images are searched for near duplicates.

    Args:
        parts: The data sets before `merge`.
        everything: Search all of them, not only those with `RawRows.keeps_near_duplicates`.
    """
    found: set[int] = set()
    first = 0
    for part in parts:
        if everything or part.keeps_near_duplicates:
            found.update(range(first, first + len(part.names)))
        first += len(part.names)
    return found


def keep_near_duplicates(
    parts: Sequence[RawRows], pairs: Sequence[tuple[int, int]], options: ReadOptions
) -> list[RawRows]:
    """Put near duplicates, such as a burst or the frames of a video, into one split.

    They become one group, together with the person of one of them. Where the splits would then
    lack a class, they stay as they are, and `RawRows.near_duplicates` has the reason.

    Args:
        parts: The data sets before `merge`.
        pairs: Near duplicates, as indices of merged rows.
        options: The options with which the data sets were read.

    Returns:
        The data sets; those without `RawRows.keeps_near_duplicates` are unchanged.
    """
    found = []
    first = 0
    for part in parts:
        end = first + len(part.names)
        if part.keeps_near_duplicates:
            inside = [(a - first, b - first) for a, b in pairs if first <= a < end > b >= first]
            found.append(_with_near_duplicates(part, inside, options.seed))
        else:
            found.append(part)
        first = end
    return found


def _with_near_duplicates(rows: RawRows, pairs: Sequence[tuple[int, int]], seed: int) -> RawRows:
    near = sorted({row for pair in pairs for row in pair})
    components = _components(len(rows.names), pairs)
    figures = NearDuplicates(len(near), len({components[row] for row in near}))
    if not pairs:
        return replace(rows, near_duplicates=figures)
    joined = replace(rows, groups=_joined(rows.groups or [""] * len(components), pairs, near))
    problem = _problem(joined)
    if not problem:
        joined = replace(joined, usages=_draw(joined, seed), near_duplicates=figures)
        lost = _classes_by_usage(rows) - _classes_by_usage(joined)
        if not lost:
            return joined
        usage, label = min(lost)
        problem = f"the class {label!r:.80} would be missing from {USAGES[usage][0]}"
    return replace(rows, near_duplicates=figures._replace(problem=problem))


def _classes_by_usage(rows: RawRows) -> set[tuple[str, str]]:
    return set(zip(rows.usages, rows.labels or rows.usages, strict=True))


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


def describe_groups(raw: RawRows, rows: Sequence[int]) -> dict[str, Any] | None:
    """Describe the groups of the selected rows for summary.json.

    Returns:
        The rule, the numbers of groups and of images with and without one, the smallest and the
        largest group, the near duplicates, and the groups in two splits; None where there are
        neither groups nor a search for near duplicates.
    """
    if raw.groups is None and raw.near_duplicates is None:
        return None
    groups = raw.groups or [""] * len(raw.names)
    sizes = Counter(groups[row] for row in rows)
    without = sizes.pop("", 0)
    splits: dict[str, set[str]] = {name: set() for name in sizes}
    for row in rows:
        if groups[row]:
            splits[groups[row]].add(USAGES[raw.usages[row]][0])
    shared = []
    for pair in combinations(SPLITS, 2):
        if names := sorted(name for name, found in splits.items() if found >= set(pair)):
            shared.append({"splits": pair, "groups": len(names), "names": names[:MOST_NAMES]})
    near = raw.near_duplicates
    return {
        "rule": raw.group_rule,
        "groups": len(sizes),
        "images": sum(sizes.values()),
        "images_without": without,
        "smallest": min(sizes.values(), default=0),
        "largest": max(sizes.values(), default=0),
        "near_duplicates": near
        and {"images": near.images, "groups": near.groups, "problem": near.problem},
        "in_two_splits": shared,
    }


def group_notes(described: dict[str, Any] | None) -> list[str]:
    """Return what was decided about groups, one line each."""
    if not described:
        return []
    lines = []
    if described["rule"] is not None:
        without = described["images_without"]
        lines.append(
            f"{described['groups']:,} groups by {described['rule']!r:.80}, of "
            f"{described['smallest']:,} to {described['largest']:,} images"
            f"{f'; {without:,} images have none' if without else ''}"
        )
    near = described["near_duplicates"]
    if near and near["groups"] and not near["problem"]:
        lines.append(f"{_counted(near)} are kept together")
    return lines


def group_warnings(described: dict[str, Any] | None) -> list[str]:
    """Return what makes metrics look better than they are, one line each."""
    if not described:
        return []
    lines = []
    near = described["near_duplicates"]
    if near and near["problem"]:
        lines.append(f"{_counted(near)} are not kept together: {near['problem']}")
    for shared in described["in_two_splits"]:
        first, second = shared["splits"]
        count, names = shared["groups"], ", ".join(shared["names"][:5])
        lines.append(
            f"{count:,} {'person is' if count == 1 else 'people are'} in {first} and in {second} "
            f"({names}{', ...' if count > 5 else ''}): metrics on {second} look better than they "
            "are for new people"
        )
    return lines


def _counted(near: dict[str, Any]) -> str:
    groups = near["groups"]
    return (
        f"{near['images']:,} images in {groups:,} {'group' if groups == 1 else 'groups'} of near "
        "duplicates"
    )
