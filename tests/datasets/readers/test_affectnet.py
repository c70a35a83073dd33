"""AffectNet as folders: the numbers of the expressions, and hostile annotations."""

import io
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from helpers.checkouts import counts, make_images
from helpers.published_trees import make_affectnet
from hypothesis import given, settings
from hypothesis import strategies as st

from emorec.datasets.prepare import prepare_data
from emorec.datasets.prepare_options import PrepareOptions
from emorec.datasets.readers.affectnet import _number
from emorec.datasets.readers.registry import read_source
from emorec.datasets.readers.rows import ReadOptions
from emorec.errors import DataError


def npy(value: object, **options: object) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.array(value, **options), allow_pickle=True)
    return stream.getvalue()


def test_numbers_are_expressions_and_splits_are_kept(tmp_path: Path, dest: Path) -> None:
    make_affectnet(tmp_path / "AffectNet")
    options = ReadOptions(test=0)
    prepared = prepare_data(
        tmp_path / "AffectNet", dest, PrepareOptions(classes=8), read_options=options
    )
    one = dict.fromkeys(
        ("angry", "contempt", "disgust", "fear", "happy", "neutral", "sad", "surprise"), 1
    )
    assert counts(dest) == {
        "train": {**dict.fromkeys(one, 2), "": 6},
        "validation": {**one, "": 3},
    }
    assert prepared.summary["unlabelled"]["train"] == {"no face": 2, "none": 2, "uncertain": 2}
    assert prepared.notices == []
    rows = read_source(tmp_path / "AffectNet", options)
    label_of = dict(zip(rows.names, rows.labels or (), strict=True))
    names = [f"train_set/images/{number}.jpg" for number in range(11)]
    assert [label_of[name] for name in names] == [
        *("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt"),
        *("none", "uncertain", "no face"),
    ]


def test_test_is_drawn_from_train(tmp_path: Path) -> None:
    make_affectnet(tmp_path, ("train", "val"))
    usages = Counter(read_source(tmp_path, ReadOptions(test=0.5)).usages)
    assert usages == {"train": 11, "test": 11, "validation": 11}


def test_images_without_an_annotation_and_annotations_without_an_image(tmp_path: Path) -> None:
    make_affectnet(tmp_path)
    (tmp_path / "train_set/annotations/1_exp.npy").unlink()
    (tmp_path / "train_set/images/2.jpg").unlink()
    rows = read_source(tmp_path)
    assert len(rows.names) == 33
    by_name = dict(zip(rows.names, zip(rows.labels or (), rows.images, strict=True), strict=True))
    assert by_name["train_set/images/1.jpg"][0] == ""
    assert by_name["train_set/images/2.jpg"] == ("sad", None)


@pytest.mark.slow
def test_unlabelled_images_are_combined_with_votes(
    tmp_path: Path, checkout: Path, dest: Path
) -> None:
    make_affectnet(tmp_path / "AffectNet")
    summary = prepare_data([checkout, tmp_path / "AffectNet"], dest).summary
    assert sum(sum(counts.values()) for counts in summary["kept"].values()) == 25


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"3", "other content"),
        (npy(11), "received 11.0"),
        (npy(-1), "received -1.0"),
        (npy(1.5), "received 1.5"),
        (npy("happy"), "other content"),
        (npy([1, 2]), "other content"),
        (npy([]), "other content"),
        (npy({}, dtype=object), "other content"),
        (npy(1)[:-1], "other content"),
        (npy(1) + b"\0", "other content"),
        (npy(0).replace(b"()", b"(9999999999,)"), "other content"),
        (npy(np.zeros(1000)), "8,128 bytes; an annotation has at most 4,096"),
    ],
)
def test_a_broken_annotation_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    make_images(tmp_path, {"val_set/images": 1})
    file = tmp_path / "val_set/annotations/000_exp.npy"
    file.parent.mkdir()
    file.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        read_source(tmp_path)
    assert str(file) in str(caught.value)


@settings(max_examples=25)
@given(st.binary(max_size=200) | st.binary(max_size=100).map(lambda end: npy(3)[:90] + end))
def test_any_bytes_are_a_number_or_none(data: bytes) -> None:
    found = _number(data)
    assert found is None or isinstance(found, float)


@settings(max_examples=25)
@given(st.integers(0, 10), st.sampled_from(["str", "i8", ">u2", "f4", "S2"]), st.booleans())
def test_numbers_of_all_types_are_read(number: int, kind: str, listed: bool) -> None:
    value = np.array([number] if listed else number).astype(kind)
    assert _number(npy(value)) == number
