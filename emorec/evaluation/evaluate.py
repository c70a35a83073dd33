"""Evaluation of model files on a split of a prepared data set."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from emorec.datasets.image_cache import cached_images
from emorec.datasets.manifest import Examples, PreparedDataset, read_column
from emorec.datasets.prepared_files import is_burst
from emorec.errors import ConfigError, DataError
from emorec.evaluation.agreement import MAX_GROUPS
from emorec.evaluation.assessment import Evaluation, assess
from emorec.evaluation.open_model import OpenModel, open_model
from emorec.images import Image
from emorec.inference.base import Floats
from emorec.inference.mirroring import averages_mirror_images, mirrored
from emorec.labels import EMOTIONS_7, EMOTIONS_8
from emorec.models.files import find_model
from emorec.probabilities import adjustment_strength
from emorec.threads import ProgressCallback

BATCH = 256


def evaluate(
    models: Sequence[Path],
    data: PreparedDataset,
    split: str,
    *,
    policy: str | None = None,
    classes: int | None = None,
    limit: int | None = None,
    prior: str | float | None = None,
    flip: bool = False,
    device: str | None = None,
    group: str | None = None,
    progress: ProgressCallback | None = None,
) -> list[Evaluation]:
    """Evaluate models on the same images of a split.

    Args:
        models: Models; see `emorec.models.files.find_model`.
        data: A prepared data set.
        split: "train", "validation" or "test".
        policy: Vote policy of the labels. The default is majority if the data set has votes (the
            FER+ protocol), otherwise the labels of the tree.
        classes: 7 or 8; the default is what all models support. An eight-class model evaluated on
            seven classes loses contempt, and the rest is renormalised.
        limit: Evaluate at most this number of images, spread over the split.
        prior: Strength of the logit adjustment, see `emorec.probabilities.parse_prior`; None
            selects each model's default.
        flip: Whether to average the logits of each image and its mirror image. It is left out, and
            false in the evaluation, for a model that contains this average.
        device: Device of the models in ONNX files, as for `EmotionClassifier`.
        group: Column of the manifest for metrics by group; the default are the groups of the data
            set, if they are people and at most `emorec.evaluation.agreement.MAX_GROUPS`.
        progress: Called at intervals with the number of images done and their total.

    Returns:
        One evaluation for each model, in their order.

    Raises:
        ConfigError: The classes of a model and of the data differ, or an option is invalid.
        MissingDependencyError: The device is missing, as for `EmotionClassifier`.
        DataError: An image or the group column is missing or damaged.
        ModelError: A model is missing or damaged, or has no prior where one is needed.
    """
    opened = [open_model(find_model(model), device=device) for model in models]
    strengths = [adjustment_strength(prior, model.metadata, str(model.path)) for model in opened]
    counts = {frozenset(EMOTIONS_7): 7, frozenset(EMOTIONS_8): 8}
    known = [counts.get(frozenset(model.metadata.labels)) for model in opened]
    if data.votes is not None:
        policy = policy or "majority"
        classes = classes or min((count for count in known if count), default=None)
        examples = data.examples(split, policy, classes)
    else:
        examples = data.examples(split, policy)
    for model in opened:
        _check_classes(examples, model)
    examples = examples.limited(limit)
    groups = _groups(data.root, examples, group)

    flips = [flip and not averages_mirror_images(m.logits, m.metadata) for m in opened]
    count = len(examples.paths)
    steps = _ProgressOfSteps(progress, count * (2 * len(opened) + sum(flips)))
    images: Image | None = None
    previous: tuple[int, str, str] | None = None
    found = []
    for model, strength, flipped in zip(opened, strengths, flips, strict=True):
        metadata = model.metadata
        needed = (metadata.input_size, metadata.color, metadata.interpolation)
        if images is None or needed != previous:
            images = cached_images(examples.paths, *needed, steps.update)
        previous = needed
        steps.finish(count)
        logits = _in_batches(model.logits, images, steps)
        if flipped:
            logits = (logits + _in_batches(model.logits, mirrored(images), steps)) / 2
        found.append(
            assess(
                model.path,
                metadata,
                examples,
                images=images,
                logits=logits,
                adjustment_strength=strength,
                flip=flipped,
                groups=groups,
                device=model.device,
            )
        )
    return found


def _check_classes(examples: Examples, model: OpenModel) -> None:
    labels = model.metadata.labels
    unknown = [name for name in examples.class_names if name not in labels]
    extra = [name for name in labels if name not in examples.class_names]
    if unknown or extra not in ([], ["contempt"]):
        raise ConfigError(
            f"{model.path} has the classes {', '.join(labels)}, but the data has "
            f"{', '.join(examples.class_names)}"
        )


def _groups(root: Path, examples: Examples, name: str | None) -> npt.NDArray[np.str_] | None:
    if name is None:
        groups = examples.groups
        return groups if groups is not None and _are_comparable(set(groups.tolist())) else None
    values = read_column(root, name)
    if values is None:
        raise DataError(f"{root}: its manifest has no column {name!r}, which --group names")
    return np.array([values[path] for path in examples.paths], np.str_)


def _are_comparable(names: set[str]) -> bool:
    """Return whether metrics by group say something: these are people, and not too many."""
    people = any(name and not is_burst(name) for name in names)
    return people and len(names) <= MAX_GROUPS


class _ProgressOfSteps:
    """Reports the progress of several steps as one."""

    def __init__(self, progress: ProgressCallback | None, total: int) -> None:
        self._progress, self._total, self._finished = progress, total, 0

    def update(self, done: int, _: int) -> None:
        """Report the images done in the current step."""
        if self._progress:
            self._progress(self._finished + done, self._total)

    def finish(self, count: int) -> None:
        """End the current step, which had `count` images."""
        self._finished += count
        self.update(0, 0)


def _in_batches(
    predict: Callable[[Image], Floats], images: Image, steps: _ProgressOfSteps
) -> npt.NDArray[Any]:
    parts = []
    for start in range(0, len(images), BATCH):
        parts.append(predict(images[start : start + BATCH]))
        steps.update(start, 0)
    steps.finish(len(images))
    return np.concatenate(parts)
