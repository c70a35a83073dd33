"""Scores saved models on a split of a prepared data set."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from emorec.datasets.image_cache import cached_images
from emorec.datasets.manifest import Examples, PreparedDataset, read_column
from emorec.errors import ConfigError, DataError, ModelError
from emorec.evaluation.assessment import Evaluation, assess
from emorec.images import Image
from emorec.inference.classifier import EmotionClassifier
from emorec.labels import EMOTIONS_7, EMOTIONS_8
from emorec.metadata import ModelMetadata
from emorec.probabilities import prior_strength
from emorec.threads import ProgressCallback

BATCH = 256

GROUP = "group"
"""Column of the manifest by which results are told apart unless another is named."""

Predict = Callable[[Image], npt.NDArray[Any]]


def evaluate(
    models: Sequence[Path],
    data: PreparedDataset,
    split: str,
    policy: str | None = None,
    classes: int | None = None,
    limit: int | None = None,
    prior: str | float | None = None,
    flip: bool = False,
    group: str | None = None,
    report: ProgressCallback | None = None,
) -> list[Evaluation]:
    """Score models on the same images of a split.

    Args:
        models: .onnx or .keras files, or run folders.
        data: A prepared data set.
        split: "train", "validation" or "test".
        policy: Vote policy of the labels; None takes majority where the data has votes (the FER+
            protocol), else the labels of the tree.
        classes: 7 or 8; None takes the classes that all models know. An eight-class model scored
            on seven has contempt taken out and the rest renormalised.
        limit: Score that many images, spread over the split.
        prior: "natural", "balanced" or tau, as for `EmotionClassifier`; None takes each model's
            default.
        flip: Use the mean logits of each image and its mirror image.
        group: Column of the manifest whose values are told apart; None takes `GROUP` if it is
            there.
        report: Called with the images done and the images in all, now and then.

    Returns:
        One evaluation for each model, in their order.

    Raises:
        ConfigError, DataError, ModelError: The parts do not fit or cannot be read.
    """
    files = [model_file(model) for model in models]
    opened = [_open(path) for path in files]
    taus = [
        prior_strength(prior, metadata, str(path))
        for path, (metadata, _) in zip(files, opened, strict=True)
    ]
    known = [{EMOTIONS_7: 7, EMOTIONS_8: 8}.get(metadata.labels) for metadata, _ in opened]
    if data.votes is not None:
        policy = policy or "majority"
        classes = classes or min((count for count in known if count), default=None)
        examples = data.examples(split, policy, classes)
    else:
        examples = data.examples(split, policy)
    for path, (metadata, _) in zip(files, opened, strict=True):
        _check_classes(examples, metadata, path)
    examples = examples.limited(limit)
    groups = _groups(data.root, examples, group)

    count = len(examples.paths)
    progress = _Progress(report, count * len(files) * (3 if flip else 2))
    images: Image | None = None
    before: tuple[int, str, str] | None = None
    found = []
    for path, (metadata, predict), tau in zip(files, opened, taus, strict=True):
        wanted = (metadata.input_size, metadata.color, metadata.interpolation)
        if images is None or wanted != before:
            images = cached_images(examples.paths, *wanted, progress.of_part)
        before = wanted
        progress.finish(count)
        logits = _in_batches(predict, images, progress)
        if flip:
            logits = (logits + _in_batches(predict, images[:, :, ::-1], progress)) / 2
        found.append(assess(path, metadata, examples, images, logits, tau, flip, groups))
    return found


def model_file(model: Path) -> Path:
    """Find the model of a run folder; a file is itself.

    Raises:
        ModelError: There is none, or the file is of another type.
    """
    if model.is_dir():
        for name in ("model.onnx", "model.keras"):
            if (model / name).is_file():
                return model / name
        raise ModelError(f"{model}: the folder holds neither model.onnx nor model.keras")
    if not model.is_file():
        raise ModelError(f"{model}: no such model file or run folder")
    if model.suffix not in (".onnx", ".keras"):
        raise ModelError(f"{model}: a model is a .onnx or .keras file; received {model.suffix!r}")
    return model


def _check_classes(examples: Examples, metadata: ModelMetadata, path: Path) -> None:
    unknown = [name for name in examples.class_names if name not in metadata.labels]
    extra = [name for name in metadata.labels if name not in examples.class_names]
    if unknown or extra not in ([], ["contempt"]):
        raise ConfigError(
            f"{path} knows {', '.join(metadata.labels)}, but the data has "
            f"{', '.join(examples.class_names)}"
        )


def _groups(root: Path, examples: Examples, name: str | None) -> npt.NDArray[np.str_] | None:
    values = read_column(root, name or GROUP)
    if values is not None:
        return np.array([values[path] for path in examples.paths], np.str_)
    if name is None:
        return None
    raise DataError(f"{root}: its manifest has no column {name!r} to tell groups apart")


def _open(path: Path) -> tuple[ModelMetadata, Predict]:
    """Metadata, and a function from uint8 images to logits."""
    if path.suffix == ".onnx":
        # The prior is taken out here, for several strengths at once.
        classifier = EmotionClassifier(path, prior="natural")
        return classifier.metadata, classifier.logits
    # Keras takes seconds to load and is not needed for ONNX files.
    from emorec.modeling.saved import load_model

    model, metadata = load_model(path)

    def by_keras(images: Image) -> npt.NDArray[Any]:
        return np.asarray(model.predict_on_batch(images))

    return metadata, by_keras


class _Progress:
    """Adds up the parts of the work."""

    def __init__(self, report: ProgressCallback | None, total: int) -> None:
        self._report, self._total, self._before = report, total, 0

    def of_part(self, done: int, _: int) -> None:
        """Tell how much of the present part is done."""
        if self._report:
            self._report(self._before + done, self._total)

    def finish(self, count: int) -> None:
        """End a part."""
        self._before += count
        self.of_part(0, 0)


def _in_batches(predict: Predict, images: Image, progress: _Progress) -> npt.NDArray[Any]:
    parts = []
    for start in range(0, len(images), BATCH):
        parts.append(predict(images[start : start + BATCH].astype(np.float32)))
        progress.of_part(start, 0)
    progress.finish(len(images))
    return np.concatenate(parts)
