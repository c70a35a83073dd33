"""Matches the labels of a new head to those of a trained one, and copies the rows of the matches.

The row of a label is its column of the kernel and its bias in the layer `logits`. The matching
needs no Keras, so that errors are reported before it is loaded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emorec.errors import ConfigError
from emorec.labels import label_key
from emorec.suggestions import did_you_mean

if TYPE_CHECKING:
    import keras

HEAD = "logits"
"""Name of the layer that computes the logits."""

_MOST_LISTED = 20


@dataclass(frozen=True)
class HeadRows:
    """Which rows of a trained head a new head takes over.

    Attributes:
        labels: Labels of the new head, in order.
        trained: Labels of the trained head, in order.
        kept: The trained label of each new label that takes over a row, by new label.
    """

    labels: tuple[str, ...]
    trained: tuple[str, ...]
    kept: Mapping[str, str]

    @property
    def new(self) -> tuple[str, ...]:
        """The labels whose rows are initialised at random."""
        return tuple(label for label in self.labels if label not in self.kept)

    def to_text(self) -> str:
        """Describe in one line which rows are taken over and which are new."""
        if not self.kept:
            return (
                f"all {len(self.labels)} rows of the head are new: none of its labels "
                f"({_listed(self.labels)}) is one of the trained model's "
                f"({_listed(self.trained)}); --label-map can match them"
            )
        kept = [
            label if label == trained else f"{label} (from {trained})"
            for label, trained in self.kept.items()
        ]
        text = f"the head keeps {len(kept)} of its {len(self.labels)} rows: {_listed(kept)}"
        return f"{text}; new: {_listed(self.new)}" if self.new else text


def match_labels(
    labels: Sequence[str],
    trained: Sequence[str] | None,
    label_map: Mapping[str, str],
    source: str = "the initial weights",
) -> HeadRows | None:
    """Find the trained label of each new label: that of the map, else that of the same name.

    Names are compared by `emorec.labels.label_key`; an equal spelling precedes another one.

    Args:
        labels: Labels of the new head, in order.
        trained: Labels of the trained head, in order; None if the initial weights have none.
        label_map: Trained label by new label. Several new labels may have the same trained one.
        source: What has the trained labels, for messages.

    Returns:
        None if the initial weights have no labels.

    Raises:
        ConfigError: The map names an unknown label, or a new label twice; or there is a map, and
            the initial weights have no labels.
    """
    if trained is None:
        if label_map:
            raise ConfigError(
                "label_map needs initial weights with labels: set weights to emorec, or to a model "
                "of emorec with a .keras file"
            )
        return None
    new_by_key, trained_by_key = _by_key(labels), _by_key(trained)
    mapped: dict[str, str] = {}
    for new, old in label_map.items():
        label = _found(new, labels, new_by_key, "label of the data set")
        if label in mapped:
            raise ConfigError(f"label_map: the label {label!r:.60} occurs twice")
        mapped[label] = _found(old, trained, trained_by_key, f"label of {source}")
    kept: dict[str, str] = {}
    for label in labels:
        match = mapped.get(label)
        if match is None:
            match = label if label in trained else trained_by_key.get(label_key(label))
        if match is not None:
            kept[label] = match
    return HeadRows(tuple(labels), tuple(trained), kept)


def copy_rows(head: "keras.layers.Layer", trained: "keras.layers.Layer", rows: HeadRows) -> None:
    """Copy the rows of the matches; the other kernel columns and biases keep their values.

    Args:
        head: Dense layer of the new model; kernel of shape (features, labels), bias (labels,).
        trained: Dense layer of the trained model, with as many features.
        rows: The matches.
    """
    kernel, bias = head.get_weights()
    trained_kernel, trained_bias = trained.get_weights()
    for index, label in enumerate(rows.labels):
        if label in rows.kept:
            source = rows.trained.index(rows.kept[label])
            kernel[:, index], bias[index] = trained_kernel[:, source], trained_bias[source]
    head.set_weights([kernel, bias])


def _by_key(labels: Sequence[str]) -> dict[str, str]:
    """Return the first label of each key."""
    return {label_key(label): label for label in reversed(labels)}


def _found(named: str, labels: Sequence[str], by_key: Mapping[str, str], kind: str) -> str:
    """Return the label that a name of the map means.

    Raises:
        ConfigError: There is none.
    """
    label = named if named in labels else by_key.get(label_key(named))
    if label is None:
        question = did_you_mean(named, labels)
        raise ConfigError(
            f"label_map: unknown {kind} {named!r:.60}; {question}{question and ' '}"
            f"choose one of {_listed(labels)}"
        )
    return label


def _listed(labels: Sequence[str]) -> str:
    more = len(labels) - _MOST_LISTED
    text = ", ".join(f"{label:.60}" for label in labels[:_MOST_LISTED])
    return f"{text} and {more} more" if more > 0 else text
