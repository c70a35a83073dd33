"""Names of the files and columns of a prepared data set."""

from emorec.labels import VOTE_CLASSES

MANIFEST = "manifest.csv"
SUMMARY = "summary.json"
UNLABELLED = "unlabelled"
REPORT_HTML, REPORT_JSON = "report.html", "report.json"

OWN_FILES = (MANIFEST, SUMMARY, REPORT_HTML, REPORT_JSON)
"""Files that emorec writes at the top of a prepared data set."""

VOTE_COLUMNS = tuple(f"votes_{name}" for name in VOTE_CLASSES)

COLUMNS = ("path", "split", "usage", "label", *VOTE_COLUMNS, "source")
"""Columns of the manifest; without votes the columns of votes are missing."""

GROUP = "group"
"""Further column of the manifest, with the person (or other group) of each image, if known."""

BURST = "burst-"
"""Beginning of the name of a group of near duplicates whose person is not known."""
