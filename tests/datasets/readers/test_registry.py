"""The contract of every reader in the table of layouts, and the detection of layouts."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers import published_trees as trees
from helpers.checkouts import make_checkout, make_images, noise_png
from helpers.pixel_files import pixel_csv

from emorec.datasets.prepare import prepare_data
from emorec.datasets.readers.registry import LAYOUTS, find_layout, read_source
from emorec.datasets.readers.rows import USAGES, ReadOptions
from emorec.datasets.readers.tree import read_tree
from emorec.errors import ConfigError, DataError

GUIDE = Path(__file__).parents[3] / "docs" / "datasets.md"


def write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def make_pixel_csv(root: Path) -> None:
    write_text(root / "fer2013.csv", pixel_csv())


def make_csv_list(root: Path) -> None:
    make_images(root, {"x": 10})
    lines = [f"x/{i:03}.png,{'happy' if i % 2 else 'sad'}" for i in range(10)]
    write_text(root / "list.csv", "\n".join(["path,label", *lines]))


def make_split_folders(root: Path) -> None:
    make_images(root, {"train/angry": 10, "train/happy": 10, "test/angry": 2, "test/happy": 3})


def make_ckplus(root: Path) -> None:
    for emotion, first in (("anger", 0), ("happy", 20)):
        (root / emotion).mkdir(parents=True)
        for person in range(first, first + 10):
            name = f"S{person:03}_001_{person:08}.png"
            (root / emotion / name).write_bytes(noise_png(person))


def make_prepared(root: Path) -> None:
    prepare_data(make_checkout(root.with_name("raw")), root)


def write_pickle(root: Path) -> None:
    make_images(root, {"train_set/images": 1})
    (root / "train_set/annotations").mkdir()
    file = root / "train_set/annotations/000_exp.npy"
    np.save(file, np.array([{}], object), allow_pickle=True)


EXAMPLES: dict[str, tuple[Callable[[Path], object], int]] = {
    "prepared": (make_prepared, 7),
    "ferplus": (make_checkout, 8),
    "fer2013-csv": (make_pixel_csv, 4),
    "affectnet": (trees.make_affectnet, 33),
    "affectnet-csv": (trees.make_affectnet_csv, 33),
    "expw": (trees.make_expw, 33),
    "afew": (trees.make_afew, 44),
    "ckplus-sequences": (trees.make_ckplus_sequences, 36),
    "jaffe": (trees.make_jaffe, 24),
    "kdef": (trees.make_kdef, 54),
    "rafdb": (trees.make_rafdb, 36),
    "csv": (make_csv_list, 10),
    "fer2013-folders": (make_split_folders, 25),
    "ckplus": (make_ckplus, 20),
    "folders": (lambda root: make_images(root, {"happy": 10, "sad": 10}), 20),
}
"""Function that writes a small source of each layout, and its number of rows."""

BROKEN: dict[str, Callable[[Path], object]] = {
    "prepared": lambda root: write_text(
        root / "manifest.csv", "path,split,usage,label,source\n../x.png,train,train,happy,mine\n"
    ),
    "ferplus": lambda root: write_text(root / "fer2013new.csv", "Usage,Image name\n"),
    "fer2013-csv": lambda root: write_text(root / "fer2013.csv", "emotion,pixels\n3\n"),
    "affectnet": write_pickle,
    "affectnet-csv": lambda root: trees.write_lines(
        root / "training.csv", [trees.AFFECTNET_HEADER, trees.affectnet_row("../x.jpg", 1)]
    ),
    "expw": lambda root: write_text(root / "label.lst", "a.jpg 0 1 1 9 9 5.0 7\n"),
    "afew": lambda root: make_images(root, {"Val_AFEW/Happy/1": 1, "Val_AFEW/Glee/2": 1}),
    "ckplus-sequences": lambda root: (
        trees.make_ckplus_sequences(root, people=1)
        and write_text(root / "Emotion/S000/001/S000_001_00000006_emotion.txt", "8.0")
    ),
    "jaffe": lambda root: trees.write_images(root, ["KA.AN1.39.tiff", "KA.HA1.29.tiff"]),
    "kdef": lambda root: trees.make_kdef(root, people=1),
    "rafdb": lambda root: write_text(root / "EmoLabel/list_patition_label.txt", "test_1.jpg 8\n"),
    "csv": lambda root: write_text(root / "list.csv", "path,label\n../x.png,happy\n"),
    "fer2013-folders": lambda root: make_images(root, {"train/glee": 1, "test/glee": 1}),
    "ckplus": lambda root: make_ckplus(root) or (root / "happy").rename(root / "glee"),
    "folders": lambda root: make_images(root, {"happy": 1, "glee": 1}),
}
"""Function that writes a broken source of each layout."""


def test_every_layout_has_examples() -> None:
    assert list(EXAMPLES) == list(LAYOUTS), "add the layout to EXAMPLES, in the order of LAYOUTS"
    assert list(BROKEN) == list(LAYOUTS), "add the layout to BROKEN, in the order of LAYOUTS"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_is_detected_by_its_own_reader_first(tmp_path: Path, layout: str) -> None:
    EXAMPLES[layout][0](tmp_path / "data")
    tree = read_tree(tmp_path / "data")
    matching = [name for name, entry in LAYOUTS.items() if entry.reader().matches(tree)]
    assert matching[0] == layout


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_tree_without_data_matches_no_reader(tmp_path: Path, layout: str) -> None:
    reader = find_layout(layout).reader()
    assert not reader.matches(read_tree(tmp_path))
    write_text(tmp_path / "notes" / "readme.txt", "no data")
    write_text(tmp_path / "table.csv", "a,b\n1,2\n")
    assert not reader.matches(read_tree(tmp_path))
    with pytest.raises(DataError):
        reader.read(read_tree(tmp_path), ReadOptions())


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_row_of_a_source_is_counted(tmp_path: Path, dest: Path, layout: str) -> None:
    make, count = EXAMPLES[layout]
    make(tmp_path / "data")
    rows = read_source(tmp_path / "data")
    assert len(rows.names) + rows.nameless.total() == count
    columns = (rows.sources, rows.lines, rows.images, rows.usages)
    assert {len(column) for column in columns} == {len(rows.names)}
    assert set(rows.usages) <= set(USAGES)
    assert (rows.votes is None) != (rows.labels is None)
    summary = prepare_data(tmp_path / "data", dest).summary
    assert count == sum(
        sum(counts.values())
        for part in ("kept", "unlabelled", "dropped")
        for counts in summary[part].values()
    )


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("forced", [False, True])
def test_a_broken_source_is_a_data_error(tmp_path: Path, layout: str, forced: bool) -> None:
    BROKEN[layout](tmp_path / "data")
    options = ReadOptions(layout=layout if forced else None)
    with pytest.raises(DataError, match=re.escape(str(tmp_path / "data"))):
        read_source(tmp_path / "data", options)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_forced_layout_reports_what_is_missing(tmp_path: Path, layout: str) -> None:
    write_text(tmp_path / "a" / "notes.txt", "no data")
    with pytest.raises(DataError, match=re.escape(str(tmp_path))):
        read_source(tmp_path, ReadOptions(layout=layout))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_guide_has_a_row_for_every_layout(layout: str) -> None:
    rows = re.findall(r"^\| `([^`]+)` \|", GUIDE.read_text("utf-8"), re.MULTILINE)
    assert layout in rows, f"docs/datasets.md, Layouts: add a row that begins with | `{layout}` |"


def test_an_unknown_layout_is_refused(tmp_path: Path) -> None:
    make_images(tmp_path, {".": 1, "glee": 1})
    with pytest.raises(DataError, match=r"no known layout; expected one of: manifest\.csv of"):
        read_source(tmp_path)
    for unknown in ("mine", "FERPLUS", "rows"):
        with pytest.raises(ConfigError, match=f"unknown layout '{unknown}'; .*one of prepared"):
            find_layout(unknown)
        with pytest.raises(ConfigError, match=f"unknown layout '{unknown}'"):
            read_source(tmp_path, ReadOptions(layout=unknown))


def test_the_table_imports_no_reader() -> None:
    code = (
        "import sys, emorec.datasets.readers.registry\n"
        "import emorec.cli.prepare_data\n"
        "print([name for name in ('cv2', 'rich', 'emorec.images') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
