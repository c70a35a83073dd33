"""FERPlus checkouts: votes, image folders, label.csv files and broken files."""

import re
from pathlib import Path

import numpy as np
import pytest
from helpers.checkouts import (
    FOLDERS,
    HAPPY,
    HEADER,
    ROWS,
    counts,
    csv_text,
    ferplus_source,
    make_checkout,
    make_images,
)

from emorec.datasets.prepare import prepare_data
from emorec.datasets.readers.registry import read_source
from emorec.datasets.readers.rows import ReadOptions
from emorec.datasets.selection import resolve_repeated_names
from emorec.errors import ConfigError, DataError
from emorec.labels import POLICIES, labels_from_votes

BROKEN = {
    "empty file": ("", "the file is empty"),
    "no rows": (HEADER + "\n", "has a header and no rows"),
    "missing column": (csv_text(ROWS).replace("contempt", "scorn"), "missing column 'contempt'"),
    "vote is no number": (
        csv_text(ROWS).replace("fer0000001.png,0", "fer0000001.png,many"),
        "row 3, column 'neutral'",
    ),
    "unknown usage": (csv_text([("Holdout", "a.png", HAPPY)]), "row 2: unknown usage 'Holdout'"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_votes_are_refused(tmp_path: Path, case: str) -> None:
    root = make_checkout(tmp_path / "FERPlus")
    content, message = BROKEN[case]
    (root / "fer2013new.csv").write_text(content)
    with pytest.raises(DataError) as caught:
        ferplus_source(root)
    assert message in str(caught.value)


UNSAFE_NAMES = [
    ".",
    "..",
    "../../x.png",
    "/etc/passwd",
    "a/b.png",
    "a\\b.png",
    "C:x.png",
    ".hidden.png",
    "a\0.png",
    "a\x1b[31m.png",
    "a\u202egnp.exe",
    "a\nb.png",
    "a" * 252 + ".png",
    "*.png",
]


@pytest.mark.parametrize("name", UNSAFE_NAMES)
def test_a_name_that_is_not_a_plain_file_name_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "fer2013new.csv").write_text(csv_text([("Training", f'"{name}"', HAPPY)]))
    with pytest.raises(DataError, match=r"row \d+: .* is not a plain file name") as caught:
        ferplus_source(tmp_path)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("parent", ["output", "data", "."])
def test_images_are_found_where_ferplus_users_put_them(tmp_path: Path, parent: str) -> None:
    root = make_checkout(tmp_path, parent=parent)
    source = ferplus_source(root)
    assert all(image.read() for image in source.images)
    assert source.gaps == []
    assert source.names == [name for _, name, _ in ROWS if name]
    assert source.usages == [usage for usage, name, _ in ROWS if name]
    assert source.lines == [2, 3, 5, 6, 7, 8, 9]
    assert source.votes[0].tolist() == list(HAPPY)
    assert source.nameless == {"Training": 1}


def test_a_folder_with_labels_only_is_not_used_for_the_images(tmp_path: Path) -> None:
    root = make_checkout(tmp_path, parent=".")
    for folder in FOLDERS.values():
        (root / "data" / folder).mkdir(parents=True)
        (root / "data" / folder / "label.csv").write_text("fer0000000.png\n")
    assert all(image.read() for image in ferplus_source(root).images)


def test_a_folder_without_images_is_missing(tmp_path: Path) -> None:
    root = make_checkout(tmp_path)
    for image in (root / "output" / "FER2013Test").iterdir():
        image.unlink()
    assert [gap.note for gap in ferplus_source(root).gaps] == [
        "the folder FER2013Test is missing or holds no image: 2 PrivateTest images are skipped"
    ]


@pytest.mark.real
def test_the_guide_has_the_counts_of_the_real_votes(shared_data: Path) -> None:
    guide = (Path(__file__).parents[3] / "docs" / "datasets.md").read_text("utf-8")
    source = ferplus_source(shared_data / "ferplus")
    rows, _ = resolve_repeated_names(source)
    usages, votes = np.array(source.usages)[rows], source.votes[rows]
    counts = []
    for policy in POLICIES:
        for classes in (7, 8):
            labelled = labels_from_votes(votes, policy, classes) >= 0
            kept = [f"{labelled[usages == usage].sum():,}" for usage in FOLDERS]
            counts.append(f"| {policy} | {classes} | {' | '.join(kept)} |")
    assert re.findall(r"^\| \S+ \| [78] \|.*$", guide, re.MULTILINE) == counts
    assert sum(source.nameless.values()) == 173


def label_csv(rows: list[tuple[str, tuple[int, ...]]]) -> str:
    return "".join(f'{name},"(0, 0, 48, 48)",{",".join(map(str, votes))}\n' for name, votes in rows)


def test_votes_of_label_csv_are_read_on_request(tmp_path: Path, dest: Path) -> None:
    root = make_checkout(tmp_path / "FERPlus", parent="data")
    for usage, folder in FOLDERS.items():
        # Other votes than fer2013new.csv: everybody is happy here.
        names = [name for row_usage, name, _ in ROWS if row_usage == usage and name]
        (root / "data" / folder / "label.csv").write_text(label_csv([(n, HAPPY) for n in names]))
    summary = prepare_data(root, dest, read_options=ReadOptions(votes="label-csv")).summary
    assert summary["source"] == "ferplus-label-csv"
    assert counts(dest) == {"train": {"happy": 3}, "validation": {"happy": 2}, "test": {"happy": 2}}
    prepare_data(root, tmp_path / "new")
    assert counts(tmp_path / "new")["train"] == {"happy": 1, "sad": 1, "": 1}
    (root / "data" / FOLDERS["Training"] / "label.csv").unlink()
    summary = prepare_data(root, dest, read_options=ReadOptions(votes="label-csv")).summary
    assert summary["notes"] == [
        "FER2013Train/label.csv is missing: no Training image is read",
        "left out: 3 .png (such as data/FER2013Train/fer0000000.png), 1 .csv",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        ("a.png,box,1,2\n", "row 1 has 4 values; the header names 12"),
        (label_csv([("../a.png", HAPPY)]), "row 1: '../a.png' is not a plain file name"),
        (label_csv([("a.png", ("x",) * 10)]), "a vote must be a whole number"),
    ],
)
def test_broken_label_csv_files_are_refused(
    tmp_path: Path, dest: Path, content: str, message: str
) -> None:
    root = make_checkout(tmp_path / "FERPlus")
    (root / "output" / "FER2013Train" / "label.csv").write_text(content)
    with pytest.raises(DataError, match=message):
        prepare_data(root, dest, read_options=ReadOptions(votes="label-csv"))


def test_no_label_csv_at_all_is_an_error(tmp_path: Path, dest: Path) -> None:
    with pytest.raises(DataError, match=r"no FER2013Train/label\.csv"):
        prepare_data(
            make_checkout(tmp_path / "x"), dest, read_options=ReadOptions(votes="label-csv")
        )


def test_votes_that_no_source_could_use_are_an_error(tmp_path: Path, dest: Path) -> None:
    root = make_images(tmp_path / "mine", {"happy": 2, "sad": 2})
    with pytest.raises(ConfigError, match=r"name fer2013\.csv as SOURCE"):
        prepare_data(root, dest, read_options=ReadOptions(ferplus_csv=tmp_path / "fer2013new.csv"))
    with pytest.raises(ConfigError, match="applies to a FERPlus checkout only"):
        prepare_data(root, dest, read_options=ReadOptions(votes="label-csv"))


def test_a_byte_order_mark_and_crlf_are_accepted(tmp_path: Path) -> None:
    # With a byte order mark and CRLF, as spreadsheets save it.
    root = make_checkout(tmp_path / "FERPlus")
    text = csv_text(ROWS).replace("\n", "\r\n")
    (root / "fer2013new.csv").write_text("\ufeff" + text, encoding="utf-8", newline="")
    source = read_source(root)
    assert source.names == [name for _, name, _ in ROWS if name]
