"""Adds the soft labels of teacher models to the training targets (knowledge distillation)."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from emorec.datasets.image_cache import cached_images
from emorec.datasets.manifest import Examples
from emorec.errors import ModelError
from emorec.evaluation.open_model import OpenModel, open_model
from emorec.images import Image
from emorec.inference.mirroring import averages_mirror_images, mirrored
from emorec.labels import Targets
from emorec.training.teacher_probabilities import read_teacher_probabilities
from emorec.training.training_progress import StepProgressCallback

ZOOMS = (1.0, 1.08, 0.93)
"""Scales at which a teacher classifies each image, unmirrored and mirrored."""

_BATCH_SIZE = 256


def distilled_targets(
    examples: Examples,
    teachers: Sequence[Path],
    weight: float,
    *,
    probabilities: Path | None = None,
    progress: StepProgressCallback | None = None,
) -> Targets:
    """Mix targets with the soft labels of teachers (Hinton et al. 2015, "Distilling").

    Args:
        examples: The training examples.
        teachers: Paths of .onnx or .keras files.
        weight: Weight of the soft labels in the targets, 0 to 1.
        probabilities: A CSV file of soft labels; see `read_teacher_probabilities`. It counts as
            one teacher.
        progress: Called after every batch of a teacher.

    Returns:
        (1 - weight) * targets + weight * the mean over teachers and views of the probabilities (at
        the teacher's temperature and default prior), shape (n, classes), float32; rows sum to 1.
        An image without any soft label keeps its target.

    Raises:
        ModelError: A teacher cannot be loaded, or has other labels.
        DataError: An image or the CSV file cannot be read.
    """
    soft_labels = np.zeros_like(examples.targets)
    teachers_of_image = np.full((len(examples.paths), 1), len(teachers))
    if probabilities is not None:
        from_file, known = read_teacher_probabilities(
            probabilities, examples.paths, examples.class_names
        )
        soft_labels += from_file
        teachers_of_image += known[:, None]
    # All are loaded first, so that a wrong path is an error before any work.
    loaded = [_load_teacher(path, examples.class_names) for path in teachers]
    for number, teacher in enumerate(loaded, 1):
        metadata = teacher.metadata
        images = cached_images(
            examples.paths, metadata.input_size, metadata.color, metadata.interpolation
        )
        mirror = not averages_mirror_images(teacher.logits, metadata)
        for start in range(0, len(images), _BATCH_SIZE):
            part = np.s_[start : start + _BATCH_SIZE]
            views = [view for zoom in ZOOMS for view in _views(images[part], zoom, mirror)]
            soft_labels[part] += np.mean([teacher.probabilities(view) for view in views], axis=0)
            if progress:
                done = min(start + _BATCH_SIZE, len(images))
                progress(f"teacher {number}/{len(teachers)}", done, len(images))
    soft_labels /= np.maximum(teachers_of_image, 1)
    mixed = (1 - weight) * examples.targets + weight * soft_labels
    return np.where(teachers_of_image > 0, mixed, examples.targets).astype(np.float32)


def _load_teacher(path: Path, labels: tuple[str, ...]) -> OpenModel:
    teacher = open_model(path, threads=0)
    if teacher.metadata.labels != labels:
        raise ModelError(
            f"{path}: a teacher must have the labels of this run, {', '.join(labels)}; it has "
            f"{', '.join(teacher.metadata.labels)}; --classes 7 or 8 chooses those of the run"
        )
    return teacher


def _views(images: Image, zoom: float, mirror: bool) -> Iterator[Image]:
    size = images.shape[1]
    center = ((size - 1) / 2, (size - 1) / 2)
    matrix = cv2.getRotationMatrix2D(center, 0, zoom)
    zoomed = np.empty_like(images)
    for index, image in enumerate(images):
        warped = cv2.warpAffine(image, matrix, (size, size), borderMode=cv2.BORDER_REPLICATE)
        zoomed[index] = warped.reshape(image.shape)
    yield zoomed
    if mirror:
        yield mirrored(zoomed)
