"""Matches the classes of a data set to those of models that were trained on other data."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from typing import Any

import numpy as np

from emorec.datasets.manifest import Examples
from emorec.errors import ConfigError, DataError
from emorec.evaluation.metrics import Probabilities, score
from emorec.evaluation.significance import Interval
from emorec.labels import EMOTIONS_7, EMOTIONS_8, emotions, label_key
from emorec.modeling.head_rows import match_labels


@dataclass(frozen=True)
class AllClassesScores:
    """Metrics of a model that may also answer with classes that the data does not have.

    Attributes:
        accuracy: Share of images whose most probable class of the model is the label.
        accuracy_interval: 95 % interval of the accuracy.
        balanced_accuracy: Mean recall of the classes that have images.
        balanced_accuracy_interval: 95 % interval of the balanced accuracy.
        answers_outside: Share of images whose most probable class is one that the data lacks.
    """

    accuracy: float
    accuracy_interval: Interval
    balanced_accuracy: float
    balanced_accuracy_interval: Interval
    answers_outside: float


@dataclass(frozen=True)
class LabelMatching:
    """How the classes of a data set and of a model fit together.

    Attributes:
        classes: Class of the model by label of the data set, for the labels that are evaluated.
        left_out: Number of labelled images of the split that are left out, by label.
        unknown: Labels of the data set that the model lacks.
        removed: Classes of the model that no evaluated image has; they are removed from its
            answer, and the rest is renormalised.
        all_classes: Metrics where they are not removed; None if there are none.
    """

    classes: dict[str, str]
    left_out: dict[str, int]
    unknown: tuple[str, ...]
    removed: tuple[str, ...]
    all_classes: AllClassesScores | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the matching as native types, for JSON."""
        return asdict(self)

    def to_lines(self) -> list[str]:
        """Describe in words what does not fit, one sentence a line; empty if all fits."""
        lines = []
        if renamed := [f"{own} as {name}" for own, name in self.classes.items() if own != name]:
            lines.append(f"Labels of the data set count as classes of the model: {_list(renamed)}.")
        if self.left_out:
            counts = [f"{name} ({count:,})" for name, count in self.left_out.items()]
            total = sum(self.left_out.values())
            lines.append(
                f"{total:,} images of the split are left out, because their labels are not "
                f"evaluated: {_list(counts)}."
            )
        if self.unknown:
            lines.append(f"The model lacks: {_list(self.unknown)}.")
        if self.removed:
            lines.append(
                f"Removed from the answer of the model, and the rest renormalised: "
                f"{_list(self.removed)}."
            )
        if found := self.all_classes:
            low, high = found.accuracy_interval
            lines.append(
                f"With these classes kept, the accuracy is {found.accuracy:.4f} (95 %: {low:.4f} "
                f"to {high:.4f}), the balanced accuracy {found.balanced_accuracy:.4f}, and "
                f"{found.answers_outside:.1%} of the answers are one of them."
            )
        return lines


def _list(names: Sequence[str]) -> str:
    return ", ".join(f"{name:.60}" for name in names) or "none"


def check_label_map(
    label_map: Mapping[str, str],
    labels: Sequence[Sequence[str]],
    models: Sequence[Sequence[str]],
) -> None:
    """Check that each entry of a label map suits at least one data set and one model.

    Args:
        label_map: Label of a model by label of a data set.
        labels: Labels of each data set.
        models: Labels of each model.

    Raises:
        ConfigError: An entry suits none, or a label of a data set occurs twice.
    """
    own, others = (list(dict.fromkeys(chain.from_iterable(part))) for part in (labels, models))
    match_labels(own, others, label_map, source="the models")


def match_examples(
    examples: Examples,
    models: Sequence[tuple[str, ...]],
    label_map: Mapping[str, str],
    classes: int | None,
    place: str,
) -> list[tuple[Examples, LabelMatching]]:
    """Select the images whose classes all models have, and name the classes as each model does.

    A label is matched by the map, else by its name; see `emorec.modeling.head_rows.match_labels`.
    All models are evaluated on the same images, so a class that one model lacks is left out for
    all.

    Args:
        examples: The labelled images of a split; targets are one-hot.
        models: Labels of each model.
        label_map: Label of a model by label of a data set. Entries for labels of other data sets
            or models are ignored.
        classes: 7 or 8 evaluates only these emotions; None evaluates all common classes.
        place: Name of the data set, for messages.

    Returns:
        For each model, the examples and the matching.

    Raises:
        ConfigError: There are fewer than two common classes, or two labels of the data set are one
            class of a model and two of another.
        DataError: No image of the split has a common class.
    """
    names = examples.class_names
    own = {label_key(name) for name in names}
    matches = []
    for labels in models:
        known = {label_key(label) for label in labels}
        entries = {
            new: old
            for new, old in label_map.items()
            if label_key(new) in own and label_key(old) in known
        }
        rows = match_labels(names, labels, entries, source="the model")
        matches.append({} if rows is None else rows.kept)
    allowed = None if classes is None else emotions(classes)
    common = [
        name
        for name in names
        if all(name in match for match in matches)
        and (allowed is None or label_key(matches[0][name]) in allowed)
    ]
    keys = {name: tuple(match[name] for match in matches) for name in common}
    columns = list(dict.fromkeys(keys.values()))
    if any(len(set(column)) < len(columns) for column in zip(*columns, strict=True)):
        raise ConfigError(
            f"{place}: two of the labels {_list(common)} are one class of one model and two of "
            "another; evaluate these models one by one"
        )
    if len(columns) < 2:
        raise ConfigError(
            f"{place}: its labels ({_list(names)}) have fewer than two classes in common with "
            f"all models ({'; '.join(_list(labels) for labels in models)}); --map matches labels "
            "of other names"
        )
    merged = np.stack(
        [
            examples.targets[
                :, [i for i, name in enumerate(names) if keys.get(name) == column]
            ].sum(axis=1)
            for column in columns
        ],
        axis=1,
    )
    kept = np.flatnonzero(merged.sum(axis=1) > 0)
    if not len(kept):
        raise DataError(f"{place}: no image of the split has one of the classes {_list(common)}")
    counts = zip(names, examples.targets.sum(axis=0).round().astype(int).tolist(), strict=True)
    left_out = {name: count for name, count in counts if count and name not in keys}
    chosen = replace(examples, targets=merged).chosen(kept)
    if tuple(common) not in (EMOTIONS_7, EMOTIONS_8) or len(columns) < len(common):
        chosen = replace(chosen, votes=None)  # they are votes for other classes
    found = []
    for index, (labels, match) in enumerate(zip(models, matches, strict=True)):
        own_names = tuple(column[index] for column in columns)
        matching = LabelMatching(
            classes={name: match[name] for name in common},
            left_out=left_out,
            unknown=tuple(name for name in names if name not in match),
            removed=tuple(label for label in labels if label not in own_names),
        )
        found.append((replace(chosen, class_names=own_names), matching))
    return found


def score_all_classes(
    probabilities: Probabilities, labels: tuple[str, ...], examples: Examples
) -> AllClassesScores:
    """Compute the metrics of a model without removing classes from its answer.

    Args:
        probabilities: Of all classes of the model, shape (n, labels).
        labels: Labels of the model.
        examples: The n images; their class names are labels of the model.
    """
    columns = [labels.index(name) for name in examples.class_names]
    targets = np.zeros(probabilities.shape, np.float32)
    targets[:, columns] = examples.targets
    scores = score(probabilities, targets, labels, examples.groups)
    outside = ~np.isin(probabilities.argmax(axis=1), columns)
    return AllClassesScores(
        scores.accuracy,
        scores.accuracy_interval,
        scores.balanced_accuracy,
        scores.balanced_accuracy_interval,
        float(outside.mean()),
    )
