"""Renders codebook.md: every file of a session, and every column with unit and meaning."""

from collections.abc import Sequence

from emorec.outputs.session import parquet_table
from emorec.outputs.session.session_columns import (
    BINS,
    EVENTS,
    FRAMES,
    OPENFACE,
    PEOPLE,
    TABLES,
    columns,
)
from emorec.outputs.session.session_file import Session
from emorec.outputs.session.session_page import LIMITS

NAME = "codebook.md"

_TABLE_TEXTS = {
    FRAMES: "One row for each face of each analysed frame; a frame without a face has one row "
    "whose columns of the face are empty. All other tables are computed from this one.",
    BINS: "One row for each person and bin, from the bin of the first sight to that of the last. A "
    "bin in which the person was not seen has no means.",
    PEOPLE: "One row for each person and video; a person of several videos has another row for all "
    "of them, with (all) as the video.",
    EVENTS: "State events with the columns of BORIS's tabular export, separated by tabs: one START "
    "and one STOP for each stretch of a top emotion.",
    OPENFACE: "The faces with the first five columns as OpenFace names them. With several videos "
    "there is one such file for each, VIDEO.openface.csv.",
}

_OTHER_FILES = (
    (
        "session.eaf",
        "Annotations for ELAN: one tier for each person, one annotation for each stretch of a top "
        "emotion. An .eaf file has one time axis: with several videos there is one for each, "
        "VIDEO.eaf.",
    ),
    ("session.html", "The video beside a time line for each person; open it in a browser."),
    ("session.json", "Versions, model with its SHA-256, all settings, the command and the videos."),
    (parquet_table.NAME, "frames.csv with types, where the extra tables is installed."),
)


def render_codebook(session: Session) -> str:
    """Render the codebook, as Markdown.

    Args:
        session: The session with the derivation that the tables have.
    """
    derivation = session.derivation
    settings = [f"Bins have {derivation.bin_s:g} s."]
    if derivation.baseline_s is not None:
        begin, end = derivation.baseline_s
        settings.append(f"The baseline is {begin:g} s to {end:g} s of each video.")
    parts = [
        "# Codebook",
        LIMITS,
        "All means and shares are weighted by time: a frame counts for as long as it is shown. "
        "Persons are tracked faces; nobody is recognised. A face that was lost for longer than "
        f"{session.max_gap_s:g} s, or that comes back elsewhere, gets a new number until somebody "
        "assigns the same name to both. " + " ".join(settings),
        "Empty cells are missing values. A text that begins with =, +, -, @ or a tab has an "
        "apostrophe before it, so that no spreadsheet program computes it. Times are seconds from "
        "the first frame of the video.",
    ]
    for table in TABLES:
        parts += [f"## {table}", _TABLE_TEXTS[table], _column_table(table, session)]
    parts.append("## Other files")
    parts.append(_markdown(("file", "content"), _OTHER_FILES))
    parts.append("## Videos")
    rows = [(video.name, video.source) for video in session.videos]
    parts.append(_markdown(("video", "source"), rows))
    return "\n\n".join(parts) + "\n"


def _column_table(table: str, session: Session) -> str:
    found = columns(table, session.labels, session.derivation.baseline_s is not None)
    rows = [(f"`{each.name}`", each.unit, each.type, each.meaning) for each in found]
    return _markdown(("column", "unit", "type", "meaning"), rows)


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, cells))} |" for cells in lines)


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
