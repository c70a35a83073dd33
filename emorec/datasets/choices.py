"""The values of the options of preparing a data set, for the library and the command line.

The module imports nothing, not even `dataclasses`, so that `--help` stays fast.
"""

COPY, HARD, SYMLINK = "copy", "hard", "symlink"

LINKS = (COPY, HARD, SYMLINK)
"""Ways to place an image file in the prepared data set."""

IGNORE, LIST, DROP = "ignore", "list", "drop"

LEAKS = (IGNORE, LIST, DROP)
"""Treatments of images that are also in a later split."""

AUTO, BOXES, NONE = "auto", "boxes", "none"
"""Ways to take faces out of images, besides the names of the detectors that search for them."""

LARGEST, ALL = "largest", "all"

SEVERAL = (LARGEST, ALL, NONE)
"""Which faces to take of an image that shows several."""

FER2013NEW, LABEL_CSV = "fer2013new", "label-csv"

VOTE_FILES = (FER2013NEW, LABEL_CSV)
"""Files that hold the votes of a FERPlus checkout: fer2013new.csv, or each folder's label.csv."""
