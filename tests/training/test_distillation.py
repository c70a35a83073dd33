from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from emorec.datasets.loading import load_images
from emorec.datasets.manifest import read_prepared
from emorec.errors import ModelError
from emorec.export.onnx import export_onnx
from emorec.inference.classifier import EmotionClassifier
from emorec.modeling.flip_ensemble import flip_averaged
from emorec.modeling.keras_files import load_model, save_model
from emorec.training.distillation import distilled_targets


def test_targets_are_mixed_with_the_mean_over_the_views(tiny_run: Path, tiny_data: Path) -> None:
    examples = read_prepared(tiny_data).examples("train", soft=True)
    classifier = EmotionClassifier(tiny_run / "model.onnx")
    images = load_images(examples.paths, 24, "gray", "area")
    answers = []
    for zoom in (1, 1.08, 0.93):
        matrix = cv2.getRotationMatrix2D((11.5, 11.5), 0, zoom)
        zoomed = [
            cv2.warpAffine(i, matrix, (24, 24), borderMode=cv2.BORDER_REPLICATE) for i in images
        ]
        for view in (np.array(zoomed), np.array(zoomed)[:, :, ::-1]):
            answers.append(classifier.probabilities(view[..., None]))
    steps: list[tuple[str, int, int]] = []
    found = distilled_targets(
        examples, [tiny_run / "model.onnx"], 0.3, progress=lambda *step: steps.append(step)
    )
    expected = 0.7 * examples.targets + 0.3 * np.mean(answers, axis=0)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    assert found.dtype == np.float32
    assert steps == [("teacher 1/1", 84, 84)]


@pytest.mark.parametrize("default_prior", [0.0, 0.7])
def test_both_files_of_a_model_teach_the_same(
    tiny_run: Path, tiny_data: Path, tmp_path: Path, default_prior: float
) -> None:
    examples = read_prepared(tiny_data).examples("train").limited(10)
    model, metadata = load_model(tiny_run / "model.keras")
    prior = tuple((np.arange(1, 8) / 28).tolist())
    # A high temperature, so that the probabilities are not near 0 and 1.
    metadata = replace(metadata, temperature=20.0, prior=prior, default_prior=default_prior)
    save_model(model, metadata, tmp_path / "model.keras")
    faces = load_images(examples.paths, 24, "gray", "area")
    export_onnx(model, metadata, faces, tmp_path / "model.onnx")
    files = [tmp_path / "model.onnx", tmp_path / "model.keras"]
    first, second = (distilled_targets(examples, [file], 1.0) for file in files)
    both = distilled_targets(examples, files, 1.0)
    for other in (second, both):
        np.testing.assert_allclose(other, first, atol=1e-4)


def test_wrong_teachers_are_named(tiny_run: Path, tiny_data: Path, tmp_path: Path) -> None:
    data = read_prepared(tiny_data)
    with pytest.raises(ModelError, match=r"model\.onnx: no such model file"):
        distilled_targets(data.examples("train"), [tmp_path / "model.onnx"], 0.5)
    eight = data.examples("train", None, 8)
    with pytest.raises(
        ModelError, match=r"labels of this run, .*contempt; it has .*sad, surprise;"
    ):
        distilled_targets(eight, [tiny_run / "model.onnx"], 0.5)


def test_a_flip_averaging_teacher_does_not_classify_mirror_images(
    tiny_run: Path, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = read_prepared(tiny_data).examples("train").limited(10)
    model, metadata = load_model(tiny_run / "model.keras")
    path = tmp_path / "model.onnx"
    faces = load_images(examples.paths, 24, "gray", "area")
    export_onnx(flip_averaged(model), metadata, faces, path)
    inputs = []
    probabilities = EmotionClassifier.probabilities

    def counted(self: EmotionClassifier, images: np.ndarray) -> np.ndarray:
        inputs.append(images)
        return probabilities(self, images)

    monkeypatch.setattr(EmotionClassifier, "probabilities", counted)
    found = distilled_targets(examples, [path], 1.0)
    assert [len(images) for images in inputs] == [10, 10, 10]
    classifier = EmotionClassifier(path)
    mirrored = np.mean([probabilities(classifier, images[:, :, ::-1]) for images in inputs], axis=0)
    np.testing.assert_allclose(found, mirrored, atol=1e-5)
