"""Asks trained models for their probabilities on the training images, to be learned from."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from emorec.datasets.image_cache import cached_images
from emorec.datasets.manifest import Examples
from emorec.errors import ModelError
from emorec.images import Image
from emorec.inference.classifier import EmotionClassifier, Floats
from emorec.labels import Targets
from emorec.metadata import ModelMetadata
from emorec.modeling.keras_files import load_model
from emorec.probabilities import prior_offsets, probabilities_from_logits
from emorec.training import run_folder

ZOOMS = (1.0, 1.08, 0.93)
"""Each image is seen at these scales, as it is and mirrored."""

_SAMPLE = 4
_SAME = 1e-5

_BATCH_SIZE = 256

StepProgressCallback = Callable[[str, int, int], None]
"""Told of work before the training: what it is, how much is done and how much there is."""


def distilled_targets(
    examples: Examples,
    teachers: Sequence[str],
    weight: float,
    report: StepProgressCallback | None = None,
) -> Targets:
    """Mix the targets of examples with what teachers see (Hinton et al. 2015, "Distilling").

    Args:
        examples: The training examples.
        teachers: Paths of .onnx files, .keras files or run folders.
        weight: Part of the teachers' probabilities, 0 to 1.
        report: Told the progress.

    Returns:
        (1 - weight) * targets + weight * the mean over teachers and views of the probabilities (at
        the teacher's temperature and default prior), shape (n, classes), float32; rows sum to 1.

    Raises:
        ModelError: A teacher cannot be had, or has other labels.
        DataError: An image cannot be read.
    """
    seen = np.zeros_like(examples.targets)
    # All are opened first, so that a wrong path shows at once.
    opened = [_open(Path(path), examples.class_names) for path in teachers]
    for number, (metadata, probabilities) in enumerate(opened, 1):
        images = cached_images(
            examples.paths, metadata.input_size, metadata.color, metadata.interpolation
        )
        # A model that averages over mirror images itself need not be asked twice.
        some = images[:_SAMPLE]
        apart = np.abs(probabilities(some) - probabilities(_mirrored(some))).max()
        for start in range(0, len(images), _BATCH_SIZE):
            part = np.s_[start : start + _BATCH_SIZE]
            views = [view for zoom in ZOOMS for view in _views(images[part], zoom, apart > _SAME)]
            seen[part] += np.mean([probabilities(view) for view in views], axis=0)
            if report:
                done = min(start + _BATCH_SIZE, len(images))
                report(f"teacher {number}/{len(teachers)}", done, len(images))
    seen /= len(opened)
    return ((1 - weight) * examples.targets + weight * seen).astype(np.float32)


def _open(path: Path, labels: tuple[str, ...]) -> tuple[ModelMetadata, Callable[[Image], Floats]]:
    """Open a teacher: what it says about itself, and what gives its probabilities."""
    if path.is_dir():
        path = path / run_folder.MODEL_ONNX
    probabilities: Callable[[Image], Floats]
    if path.suffix == ".keras":
        model, metadata = load_model(path)
        # As the ONNX file of the same model answers.
        offsets = prior_offsets(metadata, metadata.default_prior)

        def probabilities(images: Image) -> Floats:
            logits: Any = model.predict_on_batch(images.astype(np.float32))
            found = probabilities_from_logits(logits, metadata.temperature, offsets)
            return found.astype(np.float32)
    else:
        classifier = EmotionClassifier(path, threads=0)
        metadata, probabilities = classifier.metadata, classifier.probabilities
    if metadata.labels != labels:
        raise ModelError(
            f"{path}: a teacher must have the labels of this run, {', '.join(labels)}; it has "
            f"{', '.join(metadata.labels)}; --classes 7 or 8 chooses those of the run"
        )
    return metadata, probabilities


def _views(images: Image, zoom: float, both: bool) -> Iterator[Image]:
    size = images.shape[1]
    center = ((size - 1) / 2, (size - 1) / 2)
    matrix = cv2.getRotationMatrix2D(center, 0, zoom)
    zoomed = np.empty_like(images)
    for index, image in enumerate(images):
        warped = cv2.warpAffine(image, matrix, (size, size), borderMode=cv2.BORDER_REPLICATE)
        zoomed[index] = warped.reshape(image.shape)
    yield zoomed
    if both:
        yield _mirrored(zoomed)


def _mirrored(images: Image) -> Image:
    return images[:, :, ::-1]
