"""Formats what `emorec detect` prints: a table of faces, and a summary of each video."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from emorec.cli.terminal_text import one_line

if TYPE_CHECKING:
    from emorec.outputs.records import Record

_TRACKS = 20
"""Faces of a video that are listed, at most: those that were visible for longest."""


def video_lines(summary: "Record") -> Iterator[str]:
    """Yield the lines that summarize a video on the terminal."""
    tracks = summary["tracks"]
    faces = "1 face" if len(tracks) == 1 else f"{len(tracks) or 'no'} faces"
    name = one_line(summary["source"])
    yield f"{name}: {summary['frames']} frames, {summary['duration_s']:.1f} s, {faces}"
    longest = sorted(tracks, key=lambda track: (-track["seconds"], track["id"]))
    width = max((len(label) for track in tracks for label in track["shares"]), default=0)
    row = f"{{:>6}}  {{:>17}}  {{:>8}}  {{:{width + 5}}}  {{:>7}}"
    if tracks:
        yield row.format("face", "from-to", "visible", "mostly", "changes")
    for track in longest[:_TRACKS]:
        span = f"{clock(track['first_s'])}-{clock(track['last_s'])}"
        share = f"{one_line(track['emotion']):{width}} {track['shares'][track['emotion']]:4.0%}"
        yield row.format(track["id"], span, f"{track['seconds']:.1f} s", share, track["changes"])
    if len(tracks) > _TRACKS:
        yield f"  and {len(tracks) - _TRACKS} more, visible for a shorter time"


def clock(seconds: float) -> str:
    """Format a time as h:mm:ss.s, without leading zeros."""
    minutes, rest = divmod(round(seconds, 1), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02}:{rest:04.1f}" if hours else f"{minutes}:{rest:04.1f}"


class FaceTable:
    """A table that grows with each image, with fixed column widths.

    Not made by rich, as importing rich takes a fifth of the time of a run on one photo.

    Args:
        names: All sources.
        labels: The emotions reported.
    """

    def __init__(self, names: Sequence[str], labels: Sequence[str]) -> None:
        files = max((len(one_line(name)) for name in names), default=4)
        self._row = f"{{:{files}}}  {{:>4}}  {{:22}}  {{:{max(map(len, labels))}}}  {{:>10}}  {{}}"
        self._has_header = False

    def show(self, record: "Record") -> None:
        """Print the faces of one image."""
        if not self._has_header:
            self._print("file", "face", "box", "emotion", "confidence", "")
            self._has_header = True
        name = one_line(record["source"])
        faces: Sequence[dict[str, Any]] = record["faces"]
        if not faces:
            self._print(name, "-", "no face", "", "", "")
        for number, face in enumerate(faces, 1):
            x, y, width, height = face["box"]
            box = f"{x},{y} {width}x{height}"
            confidence = f"{face['confidence']:.1%}"
            note = "uncertain" if face["uncertain"] else ""
            self._print(name, number, box, one_line(face["emotion"]), confidence, note)

    def _print(self, *cells: object) -> None:
        click.echo(self._row.format(*cells).rstrip())
