"""Names of the files and columns of a prepared data set, and limits of their values."""

from pathlib import PurePosixPath

from emorec.labels import VOTE_CLASSES
from emorec.types import LANDMARK_COLUMNS

MANIFEST = "manifest.csv"
SUMMARY = "summary.json"
UNLABELLED = "unlabelled"
NO_FACE = "no-face"
REPORT_HTML, REPORT_JSON = "report.html", "report.json"

OWN_FILES = (MANIFEST, SUMMARY, REPORT_HTML, REPORT_JSON)
"""Files that emorec writes at the top of a prepared data set."""

VOTE_COLUMNS = tuple(f"votes_{name}" for name in VOTE_CLASSES)

COLUMNS = ("path", "split", "usage", "label", *VOTE_COLUMNS, "source")
"""Columns of the manifest; without votes the columns of votes are missing."""

GROUP = "group"
"""Further column of the manifest, with the person (or other group) of each image, if known."""

FACE = "face"
"""Column of the manifest with the state of a `FaceRow`."""

SOURCE_LABEL = "source_label"
"""Column of the manifest with the label of the source, where the image has none or another one."""

FACE_COLUMNS = (
    *("source_image", SOURCE_LABEL, FACE, "x", "y", "width", "height"),
    *("detector", "detector_score", *LANDMARK_COLUMNS),
)
"""Further columns of the manifest where faces were cut out of images; see `face_rows`."""

BURST = "burst-"
"""Beginning of the name of a group of near duplicates whose person is not known."""

MAX_PATH, MAX_LABEL = 1000, 100
"""Largest number of characters of a path or group, and of a label; a text array pads all rows."""


def is_safe_path(path: str) -> bool:
    """Return whether a relative path with forward slashes stays inside its folder."""
    parts = PurePosixPath(path).parts
    return bool(parts) and not (
        len(path) > MAX_PATH
        or path.startswith("/")
        or ".." in parts
        or any(character in path for character in "\\:\0")
    )


def is_burst(group: str) -> bool:
    """Return whether a group is one of near duplicates whose person is not known."""
    return group.rpartition("/")[2].startswith(BURST)  # merged data sets are numbered: 2/burst-1
