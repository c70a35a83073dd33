"""Writes the doubtful labels of a data set as a CSV file, in which a person enters new labels."""

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emorec.atomic_files import write_bytes
from emorec.datasets.manifest import PreparedDataset
from emorec.datasets.prepared_files import VOTE_COLUMNS
from emorec.datasets.readers.image_files import FileImage, RawImage
from emorec.errors import DataError
from emorec.table_cells import safe_cell

PATH, NEW_LABEL, FILE = "path", "new_label", "file"

DROP_IMAGE = "drop"
"""Value of `NEW_LABEL` that removes the image."""

COLUMNS = (
    *(PATH, "split", "label", "reason", "suggestion", NEW_LABEL),
    *("answer", "probability", "probability_of_label", "disagreement", "duplicate_of", FILE),
)
"""Columns of the file; those of the votes follow where the data set has votes."""

_HASH = "sha256-"
_DIGITS = 16


@dataclass(frozen=True)
class LabelDoubt:
    """A reason to look at the label of an image.

    Attributes:
        path: Path of the image in the data set.
        reason: The reason in words.
        suggestion: A label, or `DROP_IMAGE`; "" for none.
        answer: Most probable class of a model; "" without a model.
        probability: Its probability.
        probability_of_label: Probability of the label.
        disagreement: As `emorec.evaluation.confident_learning.LabelNoise` has it, in nats.
        duplicate_of: Path of a near duplicate; "" for none.
    """

    path: str
    reason: str
    suggestion: str = ""
    answer: str = ""
    probability: float | None = None
    probability_of_label: float | None = None
    disagreement: float | None = None
    duplicate_of: str = ""

    @property
    def cells(self) -> dict[str, str]:
        """The cells of the file that state the doubt, by the name of the column."""
        numbers = {
            "probability": self.probability,
            "probability_of_label": self.probability_of_label,
            "disagreement": self.disagreement,
        }
        return {
            "reason": self.reason,
            "suggestion": self.suggestion,
            "answer": self.answer,
            **{name: "" if value is None else f"{value:.4f}" for name, value in numbers.items()},
            "duplicate_of": self.duplicate_of,
        }


def doubts_of_inspection(facts: Mapping[str, Any]) -> list[LabelDoubt]:
    """List the doubts that need no model.

    Args:
        facts: Those of `emorec.datasets.inspection.Inspection`.

    Returns:
        Near duplicates with different labels, images that are also in a later split, images that
        most voters call no face, blank and unreadable ones.
    """
    near, suspicious = facts["near_duplicates"], facts["suspicious"]
    doubts = [
        LabelDoubt(path, "near duplicate with another label", duplicate_of=other)
        for pair in near["different_labels"]
        for path, other in ((pair["path"], pair["of"]), (pair["of"], pair["path"]))
    ]
    doubts += [
        LabelDoubt(
            leak["path"],
            "near duplicate in a later split",
            DROP_IMAGE,
            duplicate_of=leak["duplicate_of"],
        )
        for leak in near["leaks"]
    ]
    for reason, paths in (
        ("not a face, by most votes", suspicious["not a face by votes"]),
        ("blank", suspicious["blank"]),
        ("unreadable", suspicious["unreadable"]),
    ):
        doubts += [LabelDoubt(path, reason, DROP_IMAGE) for path in paths]
    return doubts


def write_review(path: Path, data: PreparedDataset, doubts: Iterable[LabelDoubt]) -> int:
    """Write the file, one row an image, in the order of the first doubt about each.

    Args:
        path: The file to write.
        data: The data set.
        doubts: Of images of the data set. Several reasons of an image are joined with "; ".

    Returns:
        The number of rows.

    Raises:
        DataError: The file cannot be written.
    """
    row_of = {name: row for row, name in enumerate(data.paths.tolist())}
    cells: dict[str, dict[str, str]] = {}
    for doubt in doubts:
        known = cells.setdefault(doubt.path, {})
        for name, text in doubt.cells.items():
            if name == "reason" and known.get(name) not in (None, text):
                if text not in known[name].split("; "):
                    known[name] += f"; {text}"
            elif not known.get(name):
                known[name] = text
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow([*COLUMNS, *(VOTE_COLUMNS if data.votes is not None else ())])
    for name, found in cells.items():
        row = row_of[name]
        known = {
            **found,
            PATH: name,
            "split": str(data.splits[row]),
            "label": str(data.labels[row]),
            FILE: content_hash(FileImage(str(data.root / name), 0, 0)),
        }
        votes = () if data.votes is None else data.votes[row].tolist()
        writer.writerow([*(safe_cell(known.get(column, "")) for column in COLUMNS), *votes])
    # With the mark, spreadsheet programs read UTF-8.
    write_bytes(path, file.getvalue().encode("utf-8-sig", "surrogateescape"))
    return len(cells)


def content_hash(image: RawImage) -> str:
    """Return the beginning of the SHA-256 of an image file; "" if it cannot be read.

    The prefix keeps the cell a text in spreadsheet programs.
    """
    try:
        return _HASH + hashlib.sha256(image.read()).hexdigest()[:_DIGITS]
    except DataError:
        return ""
