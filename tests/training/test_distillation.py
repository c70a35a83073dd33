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
    seen = []
    for zoom in (1, 1.08, 0.93):
        matrix = cv2.getRotationMatrix2D((11.5, 11.5), 0, zoom)
        zoomed = [
            cv2.warpAffine(i, matrix, (24, 24), borderMode=cv2.BORDER_REPLICATE) for i in images
        ]
        for view in (np.array(zoomed), np.array(zoomed)[:, :, ::-1]):
            seen.append(classifier.probabilities(view[..., None]))
    told: list[tuple[str, int, int]] = []
    found = distilled_targets(
        examples, [str(tiny_run / "model.onnx")], 0.3, lambda *step: told.append(step)
    )
    expected = 0.7 * examples.targets + 0.3 * np.mean(seen, axis=0)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    assert found.dtype == np.float32
    assert told == [("teacher 1/1", 84, 84)]


@pytest.mark.parametrize("default_prior", [0.0, 0.7])
def test_a_keras_file_and_a_run_folder_teach_the_same(
    tiny_run: Path, tiny_data: Path, tmp_path: Path, default_prior: float
) -> None:
    examples = read_prepared(tiny_data).examples("train").limited(10)
    model, metadata = load_model(tiny_run / "model.keras")
    prior = tuple((np.arange(1, 8) / 28).tolist())
    # Warm, for the answers to be no certainties.
    metadata = replace(metadata, temperature=20.0, prior=prior, default_prior=default_prior)
    save_model(model, metadata, tmp_path / "model.keras")
    faces = load_images(examples.paths, 24, "gray", "area")
    export_onnx(model, metadata, faces, tmp_path / "model.onnx")
    kinds = [str(tmp_path / "model.onnx"), str(tmp_path / "model.keras"), str(tmp_path)]
    first, *others = [distilled_targets(examples, [kind], 1.0) for kind in [*kinds]]
    both = distilled_targets(examples, kinds, 1.0)
    for other in (*others, both):
        np.testing.assert_allclose(other, first, atol=1e-4)


def test_wrong_teachers_are_named(tiny_run: Path, tiny_data: Path, tmp_path: Path) -> None:
    data = read_prepared(tiny_data)
    with pytest.raises(ModelError, match=r"model\.onnx: no such model file"):
        distilled_targets(data.examples("train"), [str(tmp_path)], 0.5)
    eight = data.examples("train", None, 8)
    with pytest.raises(
        ModelError, match=r"labels of this run, .*contempt; it has .*sad, surprise;"
    ):
        distilled_targets(eight, [str(tiny_run)], 0.5)


def test_a_teacher_that_averages_over_mirror_images_is_not_asked_for_them(
    tiny_run: Path, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = read_prepared(tiny_data).examples("train").limited(10)
    model, metadata = load_model(tiny_run / "model.keras")
    path = tmp_path / "model.onnx"
    faces = load_images(examples.paths, 24, "gray", "area")
    export_onnx(flip_averaged(model), metadata, faces, path)
    asked = []
    answer = EmotionClassifier.probabilities

    def counted(self: EmotionClassifier, images: np.ndarray) -> np.ndarray:
        asked.append(images)
        return answer(self, images)

    monkeypatch.setattr(EmotionClassifier, "probabilities", counted)
    found = distilled_targets(examples, [str(path)], 1.0)
    assert [len(images) for images in asked] == [4, 4, 10, 10, 10]
    classifier = EmotionClassifier(path)
    mirrored = np.mean([answer(classifier, images[:, :, ::-1]) for images in asked[2:]], axis=0)
    np.testing.assert_allclose(found, mirrored, atol=1e-5)
