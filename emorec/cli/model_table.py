"""The table of `emorec models list`: emotion models with their figures, detectors and cascades."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from emorec.cli.terminal_text import one_line

if TYPE_CHECKING:
    from emorec.models.registry import ModelFile

_NOTE = (
    "accuracy, balanced: share of the PublicTest images of FER+ classified as their annotators "
    "did, and its mean over the classes; - where it was not measured. .keras files: to fine-tune"
)
_SPEED_NOTE = "ms/face: median for one face on one thread of this machine, now"

Entry = dict[str, Any]


def model_entries(measure: bool = False) -> list[Entry]:
    """Describe all model files.

    Args:
        measure: Whether to measure the time for one face of each ONNX emotion model.

    Returns:
        One entry per file, all with the same keys; None for what is unknown or does not apply.

    Raises:
        EmorecError: The installation is incomplete.
    """
    from emorec.errors import ModelError
    from emorec.models.files import listed_models

    entries = []
    for file in listed_models():
        entry = file_entry(file)
        if entry["state"] == "ok" and is_emotion_model(file):
            try:
                entry |= _figures(file, measure)
            except ModelError as error:  # of a pulled file; the others are listed all the same
                entry["state"] = str(error)
        entries.append(entry)
    return entries


def file_entry(file: "ModelFile") -> Entry:
    """Describe a file without opening the model."""
    problem = file.problem()
    return {
        "name": file.name,
        "kind": file.kind,
        "version": None,
        "size": file.path.stat().st_size if file.path.is_file() else None,
        "multiply_adds": None,
        "accuracy": None,
        "balanced_accuracy": None,
        "milliseconds_per_face": None,
        "license": file.license or None,
        "state": problem or "ok",
        "fix": file.fix if problem else None,
        "path": str(file.path),
        "sha256": file.sha256,
    }


def is_emotion_model(file: "ModelFile") -> bool:
    """Return whether a file is an emotion model, which has metadata."""
    from emorec.models.registry import EMOTIONS, TRAINABLE

    return file.kind in (EMOTIONS, TRAINABLE)


def _figures(file: "ModelFile", measure: bool) -> Entry:
    """Return what is known or measured of an emotion model.

    Raises:
        ModelError: It cannot be read or run.
    """
    from emorec.models.accuracy import measured_accuracy
    from emorec.models.files import read_cost, read_metadata

    metadata, cost = read_metadata(file.path), read_cost(file.path)
    measured = measured_accuracy().get(file.sha256)
    milliseconds = None
    if measure and file.path.suffix == ".onnx":
        from emorec.inference.model_speed import milliseconds_per_face

        (milliseconds,) = milliseconds_per_face(file.path)
    return {
        "version": metadata.version,
        "multiply_adds": cost and cost.multiply_adds,
        "accuracy": measured and measured.accuracy,
        "balanced_accuracy": measured and measured.balanced_accuracy,
        "milliseconds_per_face": milliseconds,
        "license": metadata.license,
    }


_COLUMNS: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
    ("name", "name", str),
    ("kind", "kind", str),
    ("version", "version", str),
    ("size", "size", lambda value: f"{value / 1e6:.2f} MB"),
    ("multiply-adds", "multiply_adds", lambda value: f"{value / 1e6:.0f} M"),
    ("accuracy", "accuracy", lambda value: f"{value:.1%}"),
    ("balanced", "balanced_accuracy", lambda value: f"{value:.1%}"),
    ("ms/face", "milliseconds_per_face", lambda value: f"{value:.2f}"),
    ("state", "state", str),
    ("license", "license", str),
)


def table_lines(entries: Sequence[Entry], measured: bool = False) -> list[str]:
    """Format entries as two tables, with what to do about files that are not ok.

    Args:
        entries: As `model_entries` returns them.
        measured: Whether the times were measured.
    """
    from emorec.models.registry import EMOTIONS, TRAINABLE

    models = [entry for entry in entries if entry["kind"] in (EMOTIONS, TRAINABLE)]
    others = [entry for entry in entries if entry not in models]
    without_figures = ("name", "kind", "size", "state", "license")
    with_figures = [title for title, _, _ in _COLUMNS if title != "kind"]
    if not measured:
        with_figures.remove("ms/face")
    lines = _table(models, with_figures)
    lines += ["", *_table(others, without_figures), "", _NOTE]
    if measured:
        lines.append(_SPEED_NOTE)
    for entry in entries:
        if entry["fix"]:
            lines.append(f"{one_line(entry['name'])}: {entry['state']}; {entry['fix']}")
    return lines


def _table(entries: Iterable[Entry], titles: Sequence[str]) -> list[str]:
    columns = [column for column in _COLUMNS if column[0] in titles]
    rows = [[title for title, _, _ in columns]]
    for entry in entries:
        values = [(entry[key], text) for _, key, text in columns]
        rows.append(["-" if value is None else one_line(text(value)) for value, text in values])
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    padded = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
    return [line.rstrip() for line in padded]
