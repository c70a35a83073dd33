"""Keeps groups, such as the images of a person, in one split where emorec draws the splits."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

from emorec.datasets.grouping import parse_rule
from emorec.datasets.readers.rows import SPLITS, TRAIN, USAGES, RawRows, ReadOptions
from emorec.datasets.readers.shared import leading_emotions
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
    if not any(rows.groups or ()) or not any(rows.drawn.values()) or not _rows_drawn(rows):
        return rows
    if problem := split_problem(rows):
        raise DataError(f"{rows.place}: {problem}")
    return replace(rows, usages=draw_usages(rows, options.seed))


def _rows_drawn(rows: RawRows) -> list[int]:
    """Return the rows among which the splits are drawn."""
    usages = {usage for usage, place in USAGES.items() if place[0] == TRAIN} | rows.drawn.keys()
    return [row for row, usage in enumerate(rows.usages) if usage in usages]


def labels_of(rows: RawRows) -> list[str]:
    """Return the label of each row, of the most votes where there are votes; "" for none."""
    return leading_emotions(rows.votes) if rows.votes is not None else rows.labels or []


def draw_usages(rows: RawRows, seed: int) -> list[str]:
    """Return the usage of each row, drawn in whole groups and close to stratified.

    Usages of the source itself stay.
    """
    drawn = _rows_drawn(rows)
    train = "Training" if "Training" in rows.usages else TRAIN
    labels, groups = labels_of(rows), rows.groups or ()
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


def split_problem(rows: RawRows) -> str | None:
    """Describe what keeps the groups from being split; None if nothing does."""
    groups = rows.groups or []
    drawn = _rows_drawn(rows)
    members = number_groups([groups[row] for row in drawn], len(drawn)).tolist()
    parts = [TRAIN, *(USAGES[usage][0] for usage, share in rows.drawn.items() if share > 0)]
    if len(set(members)) < len(parts):
        count = len(set(members))
        return (
            f"{count} {'group is' if count == 1 else 'groups are'} too few for "
            f"{', '.join(parts[:-1])} and {parts[-1]}, which need one each; add images of others, "
            "or draw fewer splits: emorec prepare-data --validation 0 or --test 0"
        )
    labels = labels_of(rows)
    groups_of: dict[str, set[int]] = {}
    for row, member in zip(drawn, members, strict=True):
        groups_of.setdefault(labels[row], set()).add(member)
    for label, found in sorted(groups_of.items()):
        if label and len(found) == 1 and len(parts) > 1:
            name = groups[drawn[members.index(min(found))]]
            return (
                f"the class {label!r:.80} is in one group only ({name!r:.80}), which cannot be in "
                f"{' and in '.join(parts[:2])}; add images of others, or remove the class"
            )
    return None


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
            shared.append({"splits": [*pair], "groups": len(names), "names": names[:MOST_NAMES]})
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
        without, low, high = (described[key] for key in ("images_without", "smallest", "largest"))
        sizes = f"{low:,} to {high:,} images" if low < high else f"{low:,} images each"
        lines.append(
            f"{described['groups']:,} groups by {described['rule']!r:.80}, of {sizes}"
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
