import json
import sys
from dataclasses import replace
from pathlib import Path

import compare_finetuning as script
import numpy as np
import pytest
from _small_sets import SMALL_SETS, SmallSet, changed, write_small_set

from emorec.datasets.manifest import read_prepared
from emorec.errors import DataError
from emorec.labels import EMOTIONS_7


def test_the_sets_have_labels_of_their_own() -> None:
    assert len(SMALL_SETS) >= 3
    assert set(SMALL_SETS["valence"].labels.values()) == {"positive", "neutral", "negative"}
    assert set(SMALL_SETS["smiles"].labels.values()) == {"smile", "no smile"}
    assert all(small.images < 5000 for small in SMALL_SETS.values())


@pytest.mark.parametrize("seed", [0, 1])
def test_training_images_and_unseen_images_are_of_two_halves(
    tiny_data: Path, tmp_path: Path, seed: int
) -> None:
    labels = {"happy": "smile", "sad": "no smile", "neutral": "no smile"}
    data = read_prepared(tiny_data)
    counts = write_small_set(SmallSet(labels, 6), data, tmp_path, seed)
    files = {
        split: {path.name for path in (tmp_path / split).rglob("*.png")}
        for split in ("train", "test")
    }
    assert counts == (6, 9) == tuple(map(len, files.values()))
    assert not files["train"] & files["test"]
    tree = read_prepared(tmp_path)
    assert tree.class_names == ("no smile", "smile")
    # The halves are the same for each seed.
    other = write_small_set(SmallSet(labels, 6), data, tmp_path / "other", seed + 1, unseen=4)
    assert other == (6, 4)
    unseen = {path.name for path in (tmp_path / "other" / "test").rglob("*.png")}
    assert unseen <= files["test"]


def test_a_data_set_of_too_few_images(tiny_data: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="500 images are needed, 21 are there"):
        write_small_set(SMALL_SETS["smiles"], read_prepared(tiny_data), tmp_path, 0, images=500)
    assert not list(tmp_path.iterdir())


def test_changes_keep_the_shape_and_depend_on_the_generator() -> None:
    image = np.random.default_rng(0).integers(0, 256, (48, 40)).astype(np.uint8)
    found = [changed(image, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert found[0].shape == image.shape
    assert found[0].dtype == np.uint8
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])


@pytest.mark.parametrize("method", script.METHODS)
def test_the_settings_of_a_method(method: str) -> None:
    config = script.settings_of(method, "nano", 3, quick=True)
    assert (config.arch, config.seed, config.epochs) == ("nano", 3, 1)
    assert config.weights == ("none" if method == "nothing" else "emorec")
    assert config.freeze_norm_statistics is (method == "finetune")
    assert (config.trainable_layers == 0) is (method == "frozen")


def test_runs_that_are_measured_are_not_repeated(
    tiny_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    measured: list[tuple[object, ...]] = []

    def measure(data: object, *key: object) -> dict[str, object]:
        if len(measured) == 3:
            raise KeyboardInterrupt
        measured.append(key)
        figures = dict.fromkeys(script.COLUMNS, 0.1 * len(measured))
        return {**figures, "train_images": 200, "test_images": 9}

    monkeypatch.setattr(script, "measure", measure)
    results = tmp_path / "r.jsonl"
    words = ["--sets", "valence", "--methods", "default", "finetune"]
    monkeypatch.setattr(sys, "argv", ["compare", str(tiny_data), str(results), *words])
    with pytest.raises(KeyboardInterrupt):
        script.main()
    assert len(results.read_text().splitlines()) == 3
    measured.clear()
    script.main()
    assert measured == [("valence", "finetune", "compact", 1, False, None)]
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    assert [(line["method"], line["seed"]) for line in lines] == [
        *(("default", 0), ("finetune", 0)),
        *(("default", 1), ("finetune", 1)),
    ]
    table = capsys.readouterr().out.splitlines()[-5:]
    assert table[1].split()[:5] == ["valence", "200", "default", "2", "0.2000"]
    assert table[-1].split()[:4] == ["mean", "finetune", "1", "0.1500"]


@pytest.mark.long
def test_a_run_is_trained_and_measured_on_the_unseen_half(
    tiny_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "QUICK_IMAGES", 20)
    everything = SmallSet({name: "smile" if name == "happy" else "no" for name in EMOTIONS_7}, 20)
    monkeypatch.setitem(SMALL_SETS, "valence", everything)
    data = read_prepared(tiny_data)
    data = replace(data, splits=np.where(data.labels == "happy", "validation", data.splits))
    found = script.measure(data, "valence", "finetune", "nano", 0, True)
    assert found["train_images"] == 20
    assert 0 < found["test_images"] <= 60
    assert 0 <= found["accuracy"] <= 1
    assert found["temperature"] == 1
    assert found["seconds"] > 0
