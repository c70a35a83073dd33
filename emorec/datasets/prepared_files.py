"""Names of the files and columns of a prepared data set."""

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

FACE_COLUMNS = (
    *("source_image", "source_label", FACE, "x", "y", "width", "height"),
    *("detector", "detector_score", *LANDMARK_COLUMNS),
)
"""Further columns of the manifest where faces were cut out of images; see `face_rows`."""
