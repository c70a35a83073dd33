import inspect
import shutil
from dataclasses import fields
from pathlib import Path

import pytest

from emorec.api.data import load_dataset, prepare_data
from emorec.datasets.prepare_options import PrepareOptions
from emorec.datasets.readers.rows import ReadOptions
from emorec.errors import ConfigError, DataError


def test_the_options_and_their_defaults_are_those_of_the_library():
    options = {
        field.name: field.default
        for kind in (PrepareOptions, ReadOptions)
        for field in fields(kind)
    }
    parameters = inspect.signature(prepare_data).parameters
    own = {name: parameters[name].default for name in parameters}
    assert own.keys() - options.keys() == {"sources", "out", "progress"}
    assert {name: own[name] for name in options} == options


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("kind", [str, Path])
def test_a_data_set_is_prepared_and_read(tiny_data: Path, tmp_path: Path, kind, several: bool):
    source, out = kind(tiny_data), kind(tmp_path / "out")
    counts: list[tuple[int, int]] = []
    result = prepare_data(
        [source] if several else source,
        out,
        policy="crossentropy",
        classes=8,
        progress=lambda *done: counts.append(done),
    )
    assert result.changed
    assert result.notices == []
    assert counts[-1] == (154, 154)
    assert not prepare_data(source, out, policy="crossentropy", classes=8).changed
    dataset = load_dataset(out)
    assert (dataset.policy, len(dataset.class_names)) == ("crossentropy", 8)
    assert dataset.votes is not None
    assert dataset.votes.sum(axis=1).tolist() == [10] * 154


def test_people_are_kept_together(tiny_data: Path, tmp_path: Path):
    tree = shutil.copytree(tiny_data / "train", tmp_path / "tree" / "train")
    dataset = load_dataset(tree.parent, r"(?P<person>\d)\.png")
    groups = {*zip(dataset.groups.tolist(), dataset.splits.tolist(), strict=True)}
    assert len(groups) == 10
    assert {split for _, split in groups} == {"train", "validation"}


def test_the_faults_of_the_sources(tiny_data: Path, tmp_path: Path):
    people = tmp_path / "people"
    for label in ("happy", "sad"):
        shutil.copytree(tiny_data / "train" / label, people / label)
    (people / "sad" / "broken.png").write_bytes(b"\x89PNG")
    result = prepare_data(people, tmp_path / "out", validation=0.25)
    (notice,) = [text for text in result.notices if "unreadable" in text]
    assert "broken.png" in notice


@pytest.mark.parametrize(
    ("sources", "options", "error", "message"),
    [
        ([], {}, ConfigError, "prepare_data needs one or more sources; received an empty list"),
        ("nope", {}, DataError, "nope: no such folder"),
        (["nope"], {"policy": "most"}, ConfigError, "unknown vote policy 'most'"),
        ("nope", {"leaks": "keep"}, ConfigError, "unknown value of leaks 'keep'"),
        ("nope", {"test": 1}, ConfigError, "the shares of validation and test must be"),
    ],
)
def test_errors(tmp_path: Path, sources, options, error, message):
    with pytest.raises(error, match=message):
        prepare_data(sources, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_no_data_set(tmp_path: Path):
    with pytest.raises(DataError, match="no such folder"):
        load_dataset(str(tmp_path / "nope"))
