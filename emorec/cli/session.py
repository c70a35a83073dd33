"""The command `emorec session`."""

from pathlib import Path
from typing import Any

import click

from emorec.cli.derivation_options import NO_BASELINE, derivation_options
from emorec.cli.json_output import JsonOutput, json_options
from emorec.cli.terminal_text import one_line
from emorec.cli.verbosity import note


@click.command(
    epilog="""\b
Examples:
  emorec session talk --person 1=Anna --person 4=Anna --person 2=Ben
  emorec session study --person a.mp4:1=Anna --person b.mp4:3=Anna --bin 5s
  emorec session talk --baseline 0-10s
"""
)
@click.argument("folder", type=click.Path(readable=False, path_type=Path))
@derivation_options
@json_options
def session(
    folder: Path,
    bin_s: float | None,
    baseline: Any,
    persons: tuple[str, ...],
    json_output: JsonOutput,
) -> None:
    """Derive the tables of the session FOLDER again, with names, bins or a baseline.

    FOLDER is one that emorec detect --session wrote, also one whose run was killed. Nothing is
    detected again. What is not given stays as it was: names are added to the earlier ones, and
    --person VIDEO:ID= removes one. Prints the persons.
    """
    from dataclasses import replace

    from emorec.cli.detect.results import progress_over
    from emorec.outputs.session.derived_files import write_session_files
    from emorec.outputs.session.person_names import parse_persons
    from emorec.outputs.session.session_file import read_session

    known = read_session(folder)
    json_output.check(written=[folder])
    videos = [video.name for video in known.videos]
    sources = [video.source for video in known.videos]
    names = {**known.derivation.persons, **parse_persons(persons, videos, sources)}
    derivation = replace(known.derivation, persons={key: n for key, n in names.items() if n})
    if bin_s is not None:
        derivation = replace(derivation, bin_s=bin_s)
    if baseline is not None:
        derivation = replace(derivation, baseline_s=None if baseline == NO_BASELINE else baseline)
    with progress_over("writing the session", "frames") as progress:
        written = write_session_files(folder, derivation, progress=progress)
    for text in written.notes:
        note(text)
    if json_output.write({"folder": str(folder), "people": list(written.people)}):
        return
    for row in written.people:
        click.echo(
            f"{one_line(str(row['person']))}  {one_line(str(row['video']))}  "
            f"{row['seen_s']:.1f} s  mostly {row['emotion']}"
        )
    click.echo(f"wrote {len(written.paths)} files to {one_line(str(folder))}")
