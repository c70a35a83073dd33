"""The command `emorec data-report`."""

from pathlib import Path
from typing import Any

import click

from emorec.cli.json_output import JsonOutput, json_options
from emorec.cli.terminal_text import one_line
from emorec.cli.verbosity import warn
from emorec.errors import DataError


@click.command(epilog="Example: emorec data-report FER-2013")
@click.argument("data", type=click.Path(readable=False, path_type=Path))
@click.option(
    "--out",
    "folder",
    metavar="FOLDER",
    type=click.Path(readable=False, path_type=Path),
    help="Folder for report.html and report.json; DATA by default.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the random samples.")
@json_options
def data_report(data: Path, folder: Path | None, seed: int, json_output: JsonOutput) -> None:
    """Inspect the data set DATA and write a report as HTML and JSON.

    DATA is a prepared data set or a FER-2013 folder tree. report.html is one file with embedded
    images: counts by split and class, class balance, agreement of the voters, samples of each
    class, suspicious images and near duplicates.
    """
    json_output.check(folders=[data, folder or data])
    page, facts = write_report(data, folder, seed)
    if not json_output.write(facts):
        click.echo(f"{one_line(str(page))}: written")


def write_report(
    data: Path, folder: Path | None = None, seed: int = 0
) -> tuple[Path, dict[str, Any]]:
    """Inspect a data set and write its report.

    Args:
        data: Folder of the data set.
        folder: Folder to write to; None writes into `data`.
        seed: Seed of the random samples.

    Returns:
        Path of the HTML file, and the content of the JSON file.

    Raises:
        DataError: The folder is not a data set, or the report cannot be written.
    """
    from emorec.cli.progress import image_progress
    from emorec.datasets import data_report as report
    from emorec.datasets.dataset_summary import notices, read_summary
    from emorec.datasets.inspection import inspect
    from emorec.datasets.prepared_files import SUMMARY

    with image_progress("Reading images") as progress:
        inspection = inspect(data, progress, seed=seed)
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    summary = read_summary(data)
    try:
        known = notices(summary) if "fingerprint" in summary else []
    except (KeyError, TypeError) as error:
        raise DataError(
            f"{data / SUMMARY}: is not a summary written by emorec; prepare the data set again"
        ) from error
    for note in inspection.notes:
        warn(note)
    notes = [*known, *inspection.notes]
    page = report.write_report(data, inspection, notes, folder or data)
    return page, {**inspection.facts, "notes": notes}
