"""Stored labels are found again by the names and sizes of the chosen files."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emorec.app.label_store import FaceLabels, LabelStore, StoredLabels
from emorec.atomic_files import temporary_file
from emorec.errors import DataError
from emorec.types import Box

FILES = (("a.jpg", 10), ("b/c.jpg", 20), ("d.jpg", 30))
FACE = FaceLabels("a.jpg", Box(-1, 2, 30, 40), ("happy", "sad"))
SKIPPED = FaceLabels("b/c.jpg", Box(5, 6, 7, 8), ())
STORED = StoredLabels(FILES, ("happy", "sad"), (FACE, SKIPPED))


@pytest.fixture
def store(tmp_path: Path) -> LabelStore:
    return LabelStore(tmp_path / "cache" / "labels")


def test_nothing_is_stored(store: LabelStore, tmp_path: Path):
    assert store.open([]) is None
    assert store.open(FILES) is None
    assert list(tmp_path.iterdir()) == []
    store.delete(FILES)


def test_the_same_files_find_their_labels(store: LabelStore, tmp_path: Path):
    store.save(STORED)
    assert store.open(FILES[::-1]) == STORED
    (file,) = (tmp_path / "cache" / "labels").iterdir()
    assert file.parent.stat().st_mode & 0o077 == 0, "for this user alone"
    store.delete(FILES)
    assert store.open(FILES) is None


def test_a_folder_with_a_further_photo_keeps_its_labels(store: LabelStore, tmp_path: Path):
    store.save(STORED)
    more = (*FILES, ("new.jpg", 40))
    assert store.open(more) == StoredLabels(more, STORED.labels, STORED.faces)
    assert len(list((tmp_path / "cache" / "labels").iterdir())) == 1, "moved, not copied"


def test_a_photo_of_another_size_loses_its_labels(store: LabelStore):
    store.save(STORED)
    changed = (("a.jpg", 11), *FILES[1:])
    assert store.open(changed) == StoredLabels(changed, STORED.labels, (SKIPPED,))


def test_a_file_that_is_being_written_is_passed_over(
    store: LabelStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    store.save(STORED)
    with temporary_file(tmp_path / "cache" / "labels" / "0.json") as partial:
        assert store.open((*FILES, ("new.jpg", 40))) is not None
        assert partial.exists()
    assert caplog.text == ""


@pytest.mark.parametrize("files", [(), FILES[:1], (("x.jpg", 1), *FILES[:1]), (("a.jpg", 11),)])
def test_other_files_have_no_labels(store: LabelStore, files):
    store.save(STORED)
    assert store.open(files) is None
    assert store.open(FILES) == STORED


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.text(max_size=5), st.integers(0, 2**40)), max_size=4),
    st.lists(st.tuples(st.text(max_size=5), st.lists(st.text(max_size=3), max_size=2))),
)
def test_what_is_stored_is_read(tmp_path_factory, files, faces):
    store = LabelStore(tmp_path_factory.mktemp("labels"))
    marked = tuple(FaceLabels(path, Box(1, 2, 3, 4), tuple(labels)) for path, labels in faces)
    stored = StoredLabels(tuple(files), ("a",), marked)
    store.save(stored)
    assert store.open(files) == stored


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{",
        "{}",
        "[" * 100_000,
        '{"schema_version": 2}',
        '{"schema_version": 1, "files": [1], "labels": [], "faces": []}',
        '{"schema_version": 1, "files": [], "labels": [], "faces": [{"path": "a"}]}',
    ],
)
def test_a_damaged_file(store: LabelStore, tmp_path: Path, content: str):
    store.save(STORED)
    (file,) = (tmp_path / "cache" / "labels").iterdir()
    file.write_text(content)
    with pytest.raises(DataError, match="not labels that this version of emorec wrote"):
        store.open(FILES)
    assert store.open(FILES[:2]) is None, "the labels of other photos do not matter"


def test_the_file_holds_no_more_than_it_needs(store: LabelStore, tmp_path: Path):
    store.save(STORED)
    (file,) = (tmp_path / "cache" / "labels").iterdir()
    assert json.loads(file.read_text()) == {
        "schema_version": 1,
        "files": [["a.jpg", 10], ["b/c.jpg", 20], ["d.jpg", 30]],
        "labels": ["happy", "sad"],
        "faces": [
            {
                "path": "a.jpg",
                "box": {"x": -1, "y": 2, "width": 30, "height": 40},
                "labels": ["happy", "sad"],
            },
            {
                "path": "b/c.jpg",
                "box": {"x": 5, "y": 6, "width": 7, "height": 8},
                "labels": [],
            },
        ],
    }
