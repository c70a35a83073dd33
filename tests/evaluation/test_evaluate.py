import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.metadata_example import METADATA
from helpers.onnx_models import write_tiny_model
from helpers.tiny_data import make_prepared

from emorec.datasets.manifest import MANIFEST, read_prepared
from emorec.errors import ConfigError, DataError, ModelError
from emorec.evaluation.comparison import pair_tests, titles
from emorec.evaluation.evaluate import evaluate
from emorec.inference.classifier import EmotionClassifier
from emorec.labels import EMOTIONS_8

PRIOR = (0.4, 0.2, 0.1, 0.1, 0.1, 0.06, 0.04)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_tiny_model(tmp_path / "tiny.onnx", METADATA.replaced(prior=PRIOR))


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_both_files_of_a_run_give_the_same_figures(
    tiny_run: Path, tiny_data: Path, split: str
) -> None:
    keras, onnx = evaluate(
        [tiny_run / "model.keras", tiny_run / "model.onnx"], read_prepared(tiny_data), split
    )
    np.testing.assert_allclose(keras.probabilities, onnx.probabilities, atol=1e-4)
    np.testing.assert_array_equal(keras.scores.confusion_matrix, onnx.scores.confusion_matrix)
    assert keras.scores.loss == pytest.approx(onnx.scores.loss, abs=1e-4)
    assert onnx.scores.images == {"train": 84, "validation": 42, "test": 28}[split]


def test_a_run_folder_and_a_tree_without_votes(tiny_run: Path, tmp_path: Path) -> None:
    tree = read_prepared(make_prepared(tmp_path, votes=False))
    (whole,) = evaluate([tiny_run], tree, "test")
    assert whole.scores.images == 70  # test/ of a plain tree holds both usages
    assert whole.votes is None
    (few,) = evaluate([tiny_run], tree, "test", limit=10)
    assert few.scores.images == 10
    with pytest.raises(ConfigError, match="has no votes"):
        evaluate([tiny_run], tree, "test", policy="majority")


@pytest.mark.parametrize("prior", ["natural", 0.3, "balanced"])
def test_the_probabilities_are_those_of_the_classifier(
    model: Path, tiny_data: Path, prior: str | float
) -> None:
    (found,) = evaluate([model], read_prepared(tiny_data), "validation", prior=prior)
    from emorec.datasets.loading import load_images

    images = load_images(found.examples.paths, 24, "gray", "area").astype(np.float32)
    expected = EmotionClassifier(model, prior=prior).probabilities(images)
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-5)
    assert [entry.strength for entry in found.adjustments] == sorted(
        {0, 0.25, 0.5, 0.75, 1, found.adjustment_strength}
    )
    (same,) = (e for e in found.adjustments if e.strength == found.adjustment_strength)
    assert same.accuracy == found.scores.accuracy
    assert same.balanced_accuracy == found.scores.balanced_accuracy
    flipped = (
        EmotionClassifier(model).logits(images)
        + EmotionClassifier(model).logits(images[:, :, ::-1])
    ) / 2
    (twice,) = evaluate([model], read_prepared(tiny_data), "validation", prior=0, flip=True)
    np.testing.assert_array_equal(twice.probabilities.argmax(axis=1), flipped.argmax(axis=1))
    assert (twice.probabilities != found.probabilities).any()


def test_an_eight_class_model_on_seven_omits_contempt(tmp_path: Path, tiny_data: Path) -> None:
    metadata = METADATA.replaced(labels=EMOTIONS_8[::-1])
    model = write_tiny_model(tmp_path / "eight.onnx", metadata)
    (found,) = evaluate([model], read_prepared(tiny_data), "test", classes=7)
    images = np.stack([_read(path) for path in found.examples.paths])
    plain = EmotionClassifier(model).probabilities(images)[:, :0:-1]
    np.testing.assert_allclose(
        found.probabilities, plain / plain.sum(axis=1, keepdims=True), atol=1e-5
    )


def _read(path: Path) -> np.ndarray:
    from emorec.images import read_gray
    from emorec.preprocessing import to_input

    return to_input(read_gray(path), 24, "gray", "area").astype(np.float32)


@pytest.mark.parametrize("labels", [EMOTIONS_8, EMOTIONS_8[::-1]])
def test_the_order_of_the_labels_does_not_matter(
    tmp_path: Path, tiny_data: Path, labels: tuple[str, ...]
) -> None:
    """A model of another project has them in its own order."""
    model = write_tiny_model(tmp_path / "eight.onnx", METADATA.replaced(labels=labels))
    (found,) = evaluate([model], read_prepared(tiny_data), "validation")
    assert found.examples.class_names == EMOTIONS_8
    from emorec.datasets.loading import load_images

    images = load_images(found.examples.paths, 24, "gray", "area").astype(np.float32)
    columns = [labels.index(name) for name in EMOTIONS_8]
    expected = EmotionClassifier(model).probabilities(images)[:, columns]
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-5)


def test_models_of_seven_and_eight_are_compared_on_seven(
    model: Path, tmp_path: Path, tiny_data: Path
) -> None:
    eight = METADATA.replaced(labels=EMOTIONS_8, input_size=32)
    other = write_tiny_model(tmp_path / "eight.onnx", eight, seed=1)
    done: list[tuple[int, int]] = []
    data = read_prepared(tiny_data)
    found = evaluate(
        [model, other, model], data, "validation", progress=lambda *step: done.append(step)
    )
    assert [entry.examples.class_names for entry in found] == [METADATA.labels] * 3
    assert titles(found) == [f"{n}: {p}" for n, p in enumerate((model, other, model), 1)]
    assert titles(found[:2]) == ["tiny.onnx", "eight.onnx"]
    tests = pair_tests(found)
    assert [(test.first, test.second) for test in tests] == [(0, 1), (0, 2), (1, 2)]
    assert tests[1].result.p_value == 1
    wins = (found[0].correct & ~found[1].correct).sum()
    assert tests[0].result.only_first == wins == tests[2].result.only_second > 0
    assert done[-1] == (6 * 42, 6 * 42)
    assert done == sorted(done)


def test_groups_are_read_from_the_manifest(model: Path, tmp_path: Path) -> None:
    root = make_prepared(tmp_path / "data")
    with (root / MANIFEST).open(newline="") as file:
        header, *rows = csv.reader(file)
    with (root / MANIFEST).open("w", newline="") as file:
        groups = [["group"], *[["old" if number % 3 else "young"] for number in range(len(rows))]]
        written = zip([header, *rows], groups, strict=True)
        csv.writer(file).writerows([*line, *group] for line, group in written)
    data = read_prepared(root)
    (found,) = evaluate([model], data, "validation", limit=30)
    assert {entry.group for entry in found.groups} == {"old", "young"}
    assert sum(entry.images for entry in found.groups) == 30
    right = sum(entry.images * entry.accuracy for entry in found.groups)
    assert right == pytest.approx(30 * found.scores.accuracy)
    (by_usage,) = evaluate([model], data, "validation", group="usage")
    assert [entry.group for entry in by_usage.groups] == ["PublicTest"]
    with pytest.raises(DataError, match="no column 'age'"):
        evaluate([model], data, "validation", group="age")
    # Near duplicates are no people, and of too many people nobody reads the metrics.
    for names in (["burst-1", "2/burst-2", ""], [str(number) for number in range(60)]):
        groups = np.resize(names, len(data.paths))
        (whole,) = evaluate([model], replace(data, groups=groups), "train")
        assert whole.groups == ()


def test_the_figures_are_json(model: Path, tiny_data: Path) -> None:
    (found,) = evaluate([model], read_prepared(tiny_data), "test")
    figures = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert figures["model"] == str(model)
    assert len(figures["reliability"]) == 15
    assert figures["two_fold_calibration"]["calibration_error"] <= 1
    assert figures["votes"]["images"] == 28


def test_classes_that_do_not_fit(model: Path, tiny_data: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"has the classes angry, .* data has .* contempt"):
        evaluate([model], read_prepared(tiny_data), "test", classes=8)
    two = tmp_path / "two"
    for name in ("cat", "dog"):
        (two / "test" / name).mkdir(parents=True)
        (two / "test" / name / "x.png").write_bytes(b"")
    with pytest.raises(ConfigError, match="but the data has cat, dog"):
        evaluate([model], read_prepared(two), "test")


def test_a_split_without_images(model: Path, tmp_path: Path) -> None:
    (tmp_path / "test" / "happy").mkdir(parents=True)
    (tmp_path / "test" / "happy" / "x.png").write_bytes(b"")
    with pytest.raises(DataError, match="'train' has no labelled image"):
        evaluate([model], read_prepared(tmp_path), "train")


def test_a_model_without_a_prior(tiny_data: Path, tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "no.onnx", METADATA)
    (found,) = evaluate([model], read_prepared(tiny_data), "test")
    assert found.adjustments == ()
    with pytest.raises(ModelError, match=r"no\.onnx: the model does not say how frequent"):
        evaluate([model], read_prepared(tiny_data), "test", prior="balanced")


def test_names_of_models(model: Path, tiny_run: Path, tiny_data: Path, tmp_path: Path) -> None:
    data = read_prepared(tiny_data)
    (found,) = evaluate([tiny_run.with_name(tiny_run.name[:-1])], data, "test")
    assert found.model == tiny_run / "model.onnx"
    with pytest.raises(ModelError, match="no such model file"):
        evaluate([tmp_path / "no.onnx"], data, "test")
    with pytest.raises(ModelError, match=r"neither model\.onnx nor model\.keras"):
        evaluate([tiny_data], data, "test")
    (tmp_path / "x.h5").write_bytes(b"")
    with pytest.raises(ModelError, match=r"received '\.h5'"):
        evaluate([model, tmp_path / "x.h5"], data, "test")
