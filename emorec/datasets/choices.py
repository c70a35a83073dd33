"""The values of the options about data sets, for the library and the command line.

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

LAST, LAST_THREE, FIRST_AND_LAST_THREE = "last", "last3", "first+last3"

FRAMES = (LAST, LAST_THREE, FIRST_AND_LAST_THREE)
"""Frames to take of a sequence from the neutral face to the peak of an expression."""

LEAVE_ONE_GROUP_OUT = "leave-one-group-out"
"""Folds of a cross-validation, instead of their number: one for each group."""

GROUP_BY_HELP = (
    "Keep the images of a person in one split: folder:N (level of the folder in the path: 1 is the "
    "outermost one, -1 the one that holds the image), column:NAME (of the CSV list), or a regular "
    "expression that is searched in the path; its group named person is the person, else the match."
)
"""Help of the rule that groups images."""
