"""The labels to choose from: the emotions of the model, or the user's own."""

from collections.abc import Sequence

from emorec.datasets.prepared_files import MAX_LABEL
from emorec.datasets.readers.tree import is_file_name
from emorec.errors import ConfigError
from emorec.labels import canonical_emotion, is_emotion_name
from emorec.short_repr import short_repr
from emorec.table_cells import safe_cell

MAX_LABELS = 30
"""Labels to choose from; each has a key of its own."""

_MOST_EMOTIONS = 3
"""Labels of one face: ten votes are shared out to them, and FER+ takes single votes for noise."""


def are_emotions(labels: Sequence[str]) -> bool:
    """Return whether all labels are emotions, which a face can have several of, as votes."""
    return all(map(is_emotion_name, labels))


def most_labels(labels: Sequence[str]) -> int:
    """Return how many of these labels a face can have."""
    return _MOST_EMOTIONS if are_emotions(labels) else 1


def checked_labels(labels: Sequence[str]) -> tuple[str, ...]:
    """Check labels to choose from; those that are all emotions get their canonical names.

    Raises:
        ConfigError: There are too few or too many, two are equal, or one is no name of a class.
    """
    names = [label.strip() for label in labels]
    if are_emotions(names):
        names = [canonical_emotion(name) for name in names]
    if not 2 <= len(names) <= MAX_LABELS:
        raise ConfigError(f"choose 2 to {MAX_LABELS} labels; received {len(names)}")
    for name in names:
        plain = is_file_name(name) and len(name) <= MAX_LABEL and safe_cell(name) == name
        if not plain or "," in name:
            raise ConfigError(
                f"{short_repr(name)} cannot be a label: it becomes the name of a folder; use "
                "letters, digits and blanks"
            )
    if len({name.casefold() for name in names}) < len(names):
        raise ConfigError("two labels are equal; each needs a name of its own")
    return tuple(names)
