import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers.checkouts import make_images

from emorec.datasets.manifest import PreparedDataset, read_prepared
from emorec.errors import ConfigError, DataError
from emorec.training.config_groups import DataConfig
from emorec.training.run_data import (
    draws_labels,
    load,
    open_dataset,
    people_note,
    resolve_labels,
    select,
)


@pytest.mark.parametrize(
    ("config", "soft", "drawn"),
    [
        ({}, False, False),
        ({"labels": "soft"}, True, False),
        ({"policy": "probability"}, True, True),
        ({"policy": "probability", "labels": "soft"}, True, False),
    ],
)
def test_training_labels_follow_the_settings_and_validation_labels_are_majorities(
    config: dict, soft: bool, drawn: bool, tiny_data: Path
) -> None:
    dataset = read_prepared(tiny_data)
    train, validation = select(DataConfig(**config), dataset)
    expected = dataset.examples("train", config.get("policy"), None, soft)
    np.testing.assert_array_equal(train.targets, expected.targets)
    assert (validation.targets.max(axis=1) == 1).all()
    assert draws_labels(DataConfig(**config), dataset) is drawn


def test_automatic_labels_are_soft_where_there_are_votes(tiny_data: Path, tmp_path: Path) -> None:
    automatic = DataConfig(labels="auto", policy="crossentropy", classes=8)
    assert resolve_labels(automatic, read_prepared(tiny_data)) == {"labels": "soft"}
    shutil.copytree(tiny_data / "train" / "happy", tmp_path / "train" / "grin")
    shutil.copytree(tiny_data / "train" / "sad", tmp_path / "train" / "sulk")
    tree = read_prepared(tmp_path)
    settings = resolve_labels(automatic, tree)
    assert settings == {"labels": "hard", "policy": None, "classes": None}
    train, _ = select(automatic.model_copy(update=settings), tree)
    assert train.class_names == ("grin", "sulk")
    assert resolve_labels(DataConfig(labels="hard"), tree) == {}


def test_the_limit_counts_for_each_split(tiny_data: Path) -> None:
    train, validation = select(DataConfig(limit=10), read_prepared(tiny_data))
    assert (len(train.paths), len(validation.paths)) == (10, 10)


def test_eight_classes_keep_contempt_in_both_splits(tiny_data: Path) -> None:
    for examples in select(DataConfig(classes=8), read_prepared(tiny_data)):
        assert examples.class_names[-1] == "contempt"


def test_a_folder_tree_has_its_own_labels(tiny_data: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_data / "train" / "happy", tmp_path / "tree" / "train" / "grin")
    shutil.copytree(tiny_data / "train" / "sad", tmp_path / "tree" / "train" / "sulk")
    for examples in select(DataConfig(), read_prepared(tmp_path / "tree")):
        assert examples.class_names == ("grin", "sulk")


def test_whole_groups_are_held_out_of_a_folder_tree(tmp_path: Path) -> None:
    folders = {f"train/{label}/p{who}": 3 for label in ("happy", "sad") for who in range(10)}
    root = make_images(tmp_path / "raw", folders)
    dataset = open_dataset(DataConfig(group_by="folder:-1"), root)
    train, validation = select(DataConfig(), dataset)
    assert train.groups is not None
    assert validation.groups is not None
    assert len(set(train.groups)) == 9
    assert len(set(validation.groups)) == 1
    assert people_note(dataset) == (logging.INFO, "9 groups in train, 1 in validation")
    without = open_dataset(DataConfig(), root)
    assert without.groups is None
    assert people_note(without)[0] == logging.WARNING
    with pytest.raises(DataError, match="the class 'happy' is in one group only"):
        open_dataset(DataConfig(group_by="folder:2"), root)
    with pytest.raises(ConfigError, match="no such column; it has no list of images"):
        open_dataset(DataConfig(group_by="column:person"), root)


@pytest.mark.parametrize(
    ("groups", "level", "text"),
    [
        (None, logging.WARNING, "it is not known who is on which image: the same person may be in"),
        (["burst-1"] * 4, logging.WARNING, "it is not known who is on which image"),
        (["a", "b", "a", "c"], logging.WARNING, "1 person is in train and in validation: metrics"),
        (["a", "b", "c", ""], logging.INFO, "2 groups in train, 1 in validation"),
    ],
)
def test_what_is_known_about_people(
    groups: list[str] | None, level: int, text: str, tmp_path: Path
) -> None:
    dataset = PreparedDataset(
        root=tmp_path,
        paths=np.array([f"train/happy/{number}.png" for number in range(4)]),
        splits=np.array(["train", "train", "validation", "validation"]),
        labels=np.array(["happy"] * 4),
        votes=None,
        class_names=("happy",),
        policy=None,
        groups=None if groups is None else np.array(groups),
    )
    found = people_note(dataset)
    assert found[0] == level
    assert found[1].startswith(text)


def test_published_data_sets_have_no_warning_about_people(tiny_data: Path, tmp_path: Path) -> None:
    assert people_note(read_prepared(tiny_data))[0] == logging.INFO
    tree = make_images(tmp_path / "raw", {"train/happy": 20, "train/sad": 20})
    for path in tree.rglob("*.png"):
        path.rename(path.with_name(f"Training_{path.name}"))
    assert people_note(read_prepared(tree))[0] == logging.INFO


def test_images_are_decoded_at_the_size_of_the_input(tiny_data: Path) -> None:
    train, validation = select(DataConfig(limit=7), read_prepared(tiny_data))
    steps: list[tuple[str, int, int]] = []
    data = load(train, validation, 20, progress=lambda *step: steps.append(step))
    assert data.train_images.shape == data.validation_images.shape == (7, 20, 20, 1)
    assert data.train_images.dtype == np.uint8
    assert {name for name, _, _ in steps} <= {"decoding"}
    assert data.train is train


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        ({"train/happy": 20}, "all images have the label 'happy'"),
        ({"train/happy": 20, "train/sad": 3}, "the class 'sad' has 3 images, too few"),
        (
            {"train/happy": 20, "train/sad": 20, "test/fear": 2},
            "the class 'fear' has 2 images, none of them in train",
        ),
    ],
)
def test_classes_that_cannot_be_trained_are_named(
    folders: dict[str, int], message: str, tmp_path: Path
) -> None:
    dataset = read_prepared(make_images(tmp_path / "raw", folders))
    with pytest.raises(DataError, match=message):
        select(DataConfig(), dataset)


def test_an_own_validation_folder_is_used(tmp_path: Path) -> None:
    folders = {"train/happy": 20, "train/sad/b/c": 20, "Dev/happy": 3, "Dev/sad": 2}
    train, validation = select(DataConfig(), read_prepared(make_images(tmp_path / "raw", folders)))
    assert (len(train.paths), len(validation.paths)) == (40, 5)
