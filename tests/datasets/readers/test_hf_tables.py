"""Tables of Hugging Face datasets: which files are read, and what keeps them from being read."""

import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

import pytest

from emorec.datasets.dataset_address import DatasetAddress
from emorec.datasets.readers.hf_tables import load, split_of_table
from emorec.datasets.readers.registry import read_source
from emorec.datasets.readers.tree import read_tree
from emorec.errors import DataError, MissingDependencyError


def fake_datasets(monkeypatch: pytest.MonkeyPatch, version: str | None) -> ModuleType:
    """Replace the package datasets, which takes seconds to import."""
    module = ModuleType("datasets")
    if version:
        module.__version__ = version  # type: ignore[attr-defined]
    module.is_progress_bar_enabled = lambda: False  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "datasets", module)
    return module


def touch(root: Path, names: Iterable[str]) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


@pytest.mark.parametrize(
    ("path", "split"),
    [
        ("x.parquet", "train"),
        ("data/train-00000-of-00002.parquet", "train"),
        ("data/validation-00000-of-00001.parquet", "validation"),
        ("default/fer2013-test.parquet", "test"),
        ("test/0000.parquet", "test"),
        ("Dev/data-00000-of-00001.arrow", "validation"),
        ("latest/contest.parquet", "train"),
    ],
)
def test_the_split_is_recognised_by_the_name(path: str, split: str) -> None:
    assert split_of_table(path) == split


def test_files_are_loaded_by_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    module = fake_datasets(monkeypatch, "4.0.0")
    module.load_dataset = lambda *words, **options: calls.append((words, options)) or {}  # type: ignore[attr-defined]
    touch(tmp_path, ["test/a.arrow", "train/b.arrow", "train/a.arrow", "train/cache-1.arrow"])
    assert load(tmp_path, DatasetAddress(tmp_path), read_tree(tmp_path)) == {}
    files = {
        "test": [str(tmp_path / "test/a.arrow")],
        "train": [str(tmp_path / "train/a.arrow"), str(tmp_path / "train/b.arrow")],
    }
    assert calls == [(("arrow",), {"data_files": files})]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "needs .parquet or .arrow files of a data set, of one format; found none"),
        (["a.parquet", "b.arrow"], "found files of arrow and parquet"),
        (["a[1].arrow"], r"unsafe name of a table: 'a\[1\]\.arrow'"),
        (["a::b.arrow"], "unsafe name of a table"),
    ],
)
def test_other_files_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: list[str], message: str
) -> None:
    fake_datasets(monkeypatch, "5.2.0")
    touch(tmp_path, names)
    with pytest.raises(DataError, match=message):
        load(tmp_path, DatasetAddress(tmp_path), read_tree(tmp_path))


def test_what_datasets_raises_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*words: object, **options: object) -> None:
        raise ValueError("Config name is missing.\nPlease pick one\n")

    fake_datasets(monkeypatch, "4.0.0").load_dataset = fail  # type: ignore[attr-defined]
    touch(tmp_path, ["a.arrow"])
    with pytest.raises(
        DataError, match=r"cannot read it: Config name is missing\. Please pick one$"
    ):
        load(tmp_path, DatasetAddress(tmp_path), read_tree(tmp_path))


@pytest.mark.parametrize(
    ("version", "message"),
    [
        (None, "needs the package 'datasets'; install it with: .*hf"),
        ("3.6.0", "datasets 3.6.0 may run code of data sets; update it with: .*hf"),
    ],
)
def test_a_missing_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str | None, message: str
) -> None:
    fake_datasets(monkeypatch, version)
    with pytest.raises(MissingDependencyError, match=message):
        read_source(Path(f"hf:{tmp_path}"))


def test_a_package_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingDependencyError, match="needs the package 'datasets'"):
        read_source(Path(f"hf:{tmp_path}"))
