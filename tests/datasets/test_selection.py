"""Selecting images: repeated names, labels, unique paths, fingerprint and leaks."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emorec.datasets.prepare_options import PrepareOptions
from emorec.datasets.readers.image_files import PixelImage
from emorec.datasets.readers.rows import Gap, RawRows
from emorec.datasets.selection import RepeatedName, resolve_repeated_names, select, with_leaks
from emorec.errors import DataError

PIXELS = np.zeros((2, 2), np.uint8)


def raw_rows(*rows: tuple[str, str, str]) -> RawRows:
    """Raw data with labels, from the name, the usage and the label of each row."""
    names = [name for name, _, _ in rows]
    return RawRows(
        place=Path("data"),
        label_files=[],
        sources=["mine"] * len(rows),
        lines=[0] * len(rows),
        names=names,
        images=[PixelImage(name, PIXELS, "") for name in names],
        usages=[usage for _, usage, _ in rows],
        labels=[label for _, _, label in rows],
    )


def test_nothing_cannot_be_selected() -> None:
    assert resolve_repeated_names(raw_rows()) == ([], [])
    with pytest.raises(DataError, match="none of the images that it names was found"):
        select(raw_rows(), PrepareOptions())


def test_repeated_names_are_kept_once_if_equal_and_dropped_if_not() -> None:
    raw = raw_rows(
        ("a.png", "train", "happy"),
        ("b.png", "train", "happy"),
        ("a.png", "train", "happy"),
        ("c.png", "train", "happy"),
        ("c.png", "test", "happy"),
        ("d.png", "train", "sad"),
        ("d.png", "train", "happy"),
    )
    rows, repeated = resolve_repeated_names(raw)
    assert rows == [0, 1]
    assert repeated == [
        RepeatedName("a.png", [0, 2], True),
        RepeatedName("c.png", [3, 4], False),
        RepeatedName("d.png", [5, 6], False),
    ]


def test_equal_names_of_two_data_sets_are_not_repeated() -> None:
    raw = replace(
        raw_rows(("a.png", "train", "sad"), ("a.png", "train", "sad")), sources=["x", "y"]
    )
    selection = select(raw, PrepareOptions())
    assert selection.repeated_names == []
    assert selection.targets == ["train/sad/a.png", "train/sad/a-2.png"]


def test_paths_are_unique_on_file_systems_that_ignore_case() -> None:
    raw = raw_rows(
        ("x/A.png", "train", "sad"),
        ("y/a.png", "train", "sad"),
        ("z/a.png", "held-out", "sad"),
        ("a:b.png", "test", "sad"),
        ("Con.png", "test", "sad"),
        ("n.png", "test", ""),
    )
    assert select(raw, PrepareOptions()).targets == [
        "train/sad/A.png",
        "train/sad/a-2.png",
        "train/sad/a-3.png",
        "test/sad/a_b.png",
        "test/sad/_Con.png",
        "unlabelled/n.png",
    ]


def test_missing_images_are_not_selected() -> None:
    raw = raw_rows(*[(f"{i}.png", "train", "happy") for i in range(4)])
    images = [raw.images[0], None, None, raw.images[3]]
    selection = select(replace(raw, images=images, gaps=[Gap("gap", "a", [2])]), PrepareOptions())
    assert (selection.rows, selection.missing) == ([0, 3], [1])


def test_own_labels_are_kept_on_request() -> None:
    raw = raw_rows(("a.png", "train", "zen"), ("b.png", "train", "happy"))
    kept = select(raw, PrepareOptions(), keep_labels=True)
    assert (kept.names, kept.labels, kept.classes) == (("happy", "zen"), ["zen", "happy"], None)
    assert select(raw, PrepareOptions()).labels == ["", "happy"]


OTHERS = {
    "classes": PrepareOptions(classes=8),
    "link": PrepareOptions(link="hard"),
    "leaks": PrepareOptions(leaks="drop"),
}


@pytest.mark.parametrize("option", OTHERS)
def test_the_fingerprint_depends_on_the_options(option: str) -> None:
    raw = raw_rows(("a.png", "train", "happy"))
    plain = select(raw, PrepareOptions()).fingerprint
    assert select(raw, OTHERS[option]).fingerprint != plain
    assert select(raw, PrepareOptions(strict=True, overwrite=True)).fingerprint == plain
    # A policy decides nothing without votes.
    assert select(raw, PrepareOptions(policy="majority")).fingerprint == plain


def test_the_fingerprint_is_that_of_earlier_versions() -> None:
    """Prepared data sets on disk stay up to date."""
    raw = raw_rows(("a.png", "train", "happy"), ("b.png", "test", "sad"))
    options = PrepareOptions(leaks="ignore")
    assert select(raw, options).fingerprint == (
        "cdad11a085546237008be796cbfbbaddb24546044d060a09a4421a311f5ecd3a"
    )


@pytest.mark.parametrize("drop", [False, True])
def test_leaks_are_recorded_by_row_and_dropped_on_request(drop: bool) -> None:
    raw = raw_rows(*[(f"{i}.png", "train", "happy") for i in range(4)])
    raw = replace(raw, images=[None, *raw.images[1:]])
    selection = with_leaks(select(raw, PrepareOptions()), {0: 2}, drop)
    assert selection.leaks == {1: 3}
    assert selection.leaks_dropped == drop
    assert selection.rows == ([2, 3] if drop else [1, 2, 3])
    assert Counter(map(len, (selection.images, selection.labels, selection.targets))) == {
        len(selection.rows): 3
    }
