"""Evaluation of model files on a split of a prepared data set."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict, Unpack

import numpy as np
import numpy.typing as npt

from emorec.datasets.image_cache import cached_images
from emorec.datasets.manifest import Examples, PreparedDataset
from emorec.datasets.prepared_files import GROUP, MAX_PATH, is_burst
from emorec.datasets.readers.table import read_column
from emorec.errors import ConfigError, DataError
from emorec.evaluation.assessment import Evaluation, assess
from emorec.evaluation.group_scores import MAX_GROUPS
from emorec.evaluation.label_matching import LabelMatching, check_label_map, match_examples
from emorec.evaluation.open_model import OpenModel, open_model
from emorec.images import Image
from emorec.inference.base import Floats
from emorec.inference.mirroring import averages_mirror_images, mirrored
from emorec.labels import EMOTIONS_7, EMOTIONS_8
from emorec.metadata import ModelMetadata
from emorec.models.files import find_model
from emorec.probabilities import adjustment_strength
from emorec.threads import ProgressCallback

BATCH = 256


class EvaluationOptions(TypedDict, total=False):
    """Options of an evaluation, all of which may be left out.

    Attributes:
        policy: Vote policy of the labels. The default is majority if the data set has votes (the
            FER+ protocol), otherwise the labels of the tree. It is for the data sets with votes.
        classes: 7 or 8; the default is what all models support. An eight-class model evaluated on
            seven classes loses contempt, and the rest is renormalised.
        limit: Evaluate at most this number of images, spread over the split.
        prior: Strength of the logit adjustment, see `emorec.probabilities.parse_prior`; None
            selects each model's default.
        flip: Whether to average the logits of each image and its mirror image. It is left out, and
            false in the evaluation, for a model that contains this average.
        device: Device of the models in ONNX files, as for `EmotionClassifier`.
        group: Columns of the manifest for metrics by group; the default are the groups of the data
            set, if they are people and at most `emorec.evaluation.group_scores.MAX_GROUPS`.
        label_map: Label of a model by label of a data set, for data of other classes; labels that
            it lacks are matched by their names, so it may be empty. Images of classes that a model
            lacks are left out, and classes that the data lacks are removed from the answer of the
            models; see `Evaluation.matching`. None requires the same classes.
        progress: Called at intervals with the number of images done and their total.
    """

    policy: str | None
    classes: int | None
    limit: int | None
    prior: str | float | None
    flip: bool
    device: str | None
    group: str | Sequence[str] | None
    label_map: Mapping[str, str] | None
    progress: ProgressCallback | None


def evaluate(
    models: Sequence[Path],
    data: PreparedDataset,
    split: str,
    **options: Unpack[EvaluationOptions],
) -> list[Evaluation]:
    """Evaluate models on the same images of a split, as `evaluate_data_sets` does.

    Returns:
        One evaluation for each model, in their order.
    """
    (found,) = evaluate_data_sets(models, [data], split, **options)
    return found


def evaluate_data_sets(
    models: Sequence[Path],
    datasets: Sequence[PreparedDataset],
    split: str,
    *,
    policy: str | None = None,
    classes: int | None = None,
    limit: int | None = None,
    prior: str | float | None = None,
    flip: bool = False,
    device: str | None = None,
    group: str | Sequence[str] | None = None,
    label_map: Mapping[str, str] | None = None,
    progress: ProgressCallback | None = None,
) -> list[list[Evaluation]]:
    """Evaluate models on the same images of a split of each data set.

    Args:
        models: Models; see `emorec.models.files.find_model`.
        datasets: Prepared data sets.
        split: "train", "validation" or "test".

    Other arguments are described by `EvaluationOptions`.

    Returns:
        For each data set, one evaluation for each model, in their order.

    Raises:
        ConfigError: The classes of a model and of the data differ, or an option is invalid.
        MissingDependencyError: The device is missing, as for `EmotionClassifier`.
        DataError: An image or the group column is missing or damaged.
        ModelError: A model is missing or damaged, or has no prior where one is needed.
    """
    opened = [open_model(find_model(model), device=device) for model in models]
    strengths = [adjustment_strength(prior, model.metadata, str(model.path)) for model in opened]
    if label_map is not None:
        check_label_map(
            label_map,
            [data.class_names for data in datasets],
            [model.metadata.labels for model in opened],
        )
    columns = [group] if isinstance(group, str) else group
    with_votes = any(data.votes is not None for data in datasets)
    plans = []
    for data in datasets:
        # A policy is for the data sets with votes; without any, the request is an error.
        own = policy if data.votes is not None or not with_votes else None
        found = [
            (examples.limited(limit), matching)
            for examples, matching in _labelled(data, split, opened, own, classes, label_map)
        ]
        plans.append((found, _groups(data.root, found[0][0], columns)))

    flips = [flip and not averages_mirror_images(m.logits, m.metadata) for m in opened]
    images = sum(len(found[0][0].paths) for found, _ in plans)
    steps = _ProgressOfSteps(progress, images * (2 * len(opened) + sum(flips)))
    results = []
    for found, groups in plans:
        inputs = _Inputs(found[0][0].paths, steps)
        results.append(
            [
                _evaluated(model, inputs, examples, matching, strength, flipped, groups)
                for model, (examples, matching), strength, flipped in zip(
                    opened, found, strengths, flips, strict=True
                )
            ]
        )
    return results


class _Inputs:
    """The images of a data set as the input of one model after the other."""

    def __init__(self, paths: Sequence[Path], steps: "_ProgressOfSteps") -> None:
        self._paths, self.steps = paths, steps
        self._images: Image | None = None
        self._kind: tuple[int, str, str] | None = None

    def of(self, metadata: ModelMetadata) -> Image:
        """Return the images, which are read again only for another kind of input."""
        kind = (metadata.input_size, metadata.color, metadata.interpolation)
        if self._images is None or kind != self._kind:
            self._images, self._kind = None, kind
            self._images = cached_images(self._paths, *kind, self.steps.update)
        self.steps.finish(len(self._paths))
        return self._images


def _evaluated(
    model: OpenModel,
    inputs: _Inputs,
    examples: Examples,
    matching: LabelMatching | None,
    strength: float,
    flipped: bool,
    groups: Mapping[str, npt.NDArray[np.str_]],
) -> Evaluation:
    images = inputs.of(model.metadata)
    logits = _in_batches(model.logits, images, inputs.steps)
    if flipped:
        logits = (logits + _in_batches(model.logits, mirrored(images), inputs.steps)) / 2
    return assess(
        model.path,
        model.metadata,
        examples,
        images=images,
        logits=logits,
        adjustment_strength=strength,
        flip=flipped,
        groups=groups,
        device=model.device,
        matching=matching,
    )


def _labelled(
    data: PreparedDataset,
    split: str,
    opened: Sequence[OpenModel],
    policy: str | None,
    classes: int | None,
    label_map: Mapping[str, str] | None,
) -> list[tuple[Examples, LabelMatching | None]]:
    """Select the images of a split for each model; the same ones for all."""
    labels = [model.metadata.labels for model in opened]
    if data.votes is not None:
        policy = policy or "majority"
    if label_map is not None:
        examples = data.examples(split, policy)
        return list(match_examples(examples, labels, label_map, classes, str(data.root)))
    counts = {frozenset(EMOTIONS_7): 7, frozenset(EMOTIONS_8): 8}
    known = [counts.get(frozenset(names)) for names in labels]
    if data.votes is not None:
        classes = classes or min((count for count in known if count), default=None)
        examples = data.examples(split, policy, classes)
    else:
        examples = data.examples(split, policy)
    for model in opened:
        _check_classes(examples, model)
    return [(examples, None) for _ in opened]


def _check_classes(examples: Examples, model: OpenModel) -> None:
    labels = model.metadata.labels
    unknown = [name for name in examples.class_names if name not in labels]
    extra = [name for name in labels if name not in examples.class_names]
    if unknown or extra not in ([], ["contempt"]):
        raise ConfigError(
            f"{model.path} has the classes {', '.join(labels)}, but the data has "
            f"{', '.join(examples.class_names)}; --map evaluates the classes that both have"
        )


def _groups(
    root: Path, examples: Examples, columns: Sequence[str] | None
) -> dict[str, npt.NDArray[np.str_]]:
    """Return the group of each image by column."""
    if not columns:
        groups = examples.groups
        comparable = groups is not None and _are_comparable(set(groups.tolist()))
        return {GROUP: groups} if groups is not None and comparable else {}
    found = {}
    for name in columns:
        values = read_column(root, name)
        if values is None:
            raise DataError(f"{root}: its manifest has no column {name!r}, which --group names")
        groups_of_images = [values[path] for path in examples.paths]
        if len(longest := max(groups_of_images, key=len)) > MAX_PATH:
            raise DataError(f"{root}: column {name!r:.60}: {longest!r:.80} is too long for a group")
        found[name] = np.array(groups_of_images, np.str_)
    return found


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
