"""Reads the sequences of CK+ with their emotion files, with the person as the group.

The layout is that of the readme of CK+ (Lucey et al. 2010, "The Extended Cohn-Kanade Dataset"):
cohn-kanade-images/S005/001/S005_001_00000011.png and, with the number of the emotion,
Emotion/S005/001/S005_001_00000011_emotion.txt. A sequence begins with the neutral face and ends
with the peak of the expression. 327 of the 593 sequences have an emotion.
"""

import re
from collections import defaultdict

from emorec.datasets.choices import FIRST_AND_LAST_THREE, LAST
from emorec.datasets.readers.image_files import RawImage
from emorec.datasets.readers.rows import RawRows, ReadOptions
from emorec.datasets.readers.shared import rows_of_people
from emorec.datasets.readers.tree import Tree
from emorec.errors import DataError

SOURCE = "ckplus-sequences"

_LABELS = ("neutral", "angry", "contempt", "disgust", "fear", "happy", "sad", "surprise")
"""Labels of the numbers 0 to 7."""

_IMAGE = re.compile(r"(?:.*/)?(S\d{3})/(\d{3})/\1_\2_\d{8}\.\w+", re.IGNORECASE)
"""Person, session and frame."""

_EMOTION = re.compile(r"(?:.*/)?(S\d{3})/(\d{3})/\1_\2_\d{8}_emotion\.txt", re.IGNORECASE)

_MAX_BYTES = 256
"""Largest size of an emotion file; it holds one number."""


def matches(tree: Tree) -> bool:
    """Return whether a tree has images of sequences and emotion files."""
    return any(map(_EMOTION.fullmatch, tree.files)) and any(map(_IMAGE.fullmatch, tree.images()))


def read(tree: Tree, options: ReadOptions) -> RawRows:
    """Read frames of each sequence; `options.frames` says which. Nobody is in two splits.

    Sequences without an emotion file are kept without a label.

    Raises:
        DataError: There are no such images or emotion files, or an emotion file is broken.
    """
    frames: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted(tree.images()):
        if match := _IMAGE.fullmatch(path):
            frames[_sequence(match)].append(path)
    found = [match for path in sorted(tree.files) if (match := _EMOTION.fullmatch(path))]
    if not frames or not found:
        raise DataError(
            f"{tree.place}: needs the images of CK+ (cohn-kanade-images/S005/001/*.png) and its "
            f"emotion files (Emotion/S005/001/*_emotion.txt); found {len(frames):,} sequences and "
            f"{len(found):,} emotion files"
        )
    emotions: dict[str, str] = {}
    for match in found:
        if _sequence(match) in emotions:
            raise DataError(f"{tree.locate(match[0])}: a second emotion file of this sequence")
        emotions[_sequence(match)] = _emotion(tree.files[match[0]])
    names, labels, unused = [], [], []
    for sequence, paths in frames.items():
        peak = paths[-1:] if options.frames == LAST else paths[-3:]
        taken = {path: emotions.get(sequence, "") for path in peak}
        if options.frames == FIRST_AND_LAST_THREE:
            taken[paths[0]] = "neutral"
        names += sorted(taken)
        labels += [taken[path] for path in sorted(taken)]
        unused += [tree.files[path] for path in paths if path not in taken]
    bare = sorted(emotions.keys() - frames.keys())
    notes = (
        [f"emotion files of sequences without images: {len(bare):,} ({bare[0]})"] if bare else []
    )
    if unused:
        notes.append(f"frames that are not used (see --frames): {len(unused):,}")
    people = [name.split("/")[-3].upper() for name in names]
    files = [tree.files[match[0]] for match in found]
    return rows_of_people(
        tree, SOURCE, names, labels, people, options, notes=notes, label_files=files, unused=unused
    )


def _sequence(match: re.Match[str]) -> str:
    return f"{match[1].upper()}/{match[2]}"


def _emotion(file: RawImage) -> str:
    """Return the label of an emotion file, which holds a number such as 3.0000000e+00.

    Raises:
        DataError: It holds no number from 0 to 7.
    """
    text = file.read().decode("ascii", "replace").strip() if file.size <= _MAX_BYTES else "..."
    try:
        number = float(text)
    except ValueError:
        number = -1
    if number not in range(len(_LABELS)):
        raise DataError(
            f"{file.location}: an emotion file holds a number from 0 to {len(_LABELS) - 1}; "
            f"received {text!r:.60}"
        )
    return _LABELS[int(number)]
