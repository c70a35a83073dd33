"""The command `emorec prepare-data`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from emorec.labels import POLICIES, emotions

if TYPE_CHECKING:
    from emorec.datasets.prepare import Prepared


@click.command(epilog="Example: emorec prepare-data FERPlus --out FER-2013")
@click.argument("source", type=click.Path(path_type=Path))
@click.option(
    "--out",
    "dest",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder to make. It appears whole or not at all; where it is up to date, it stays.",
)
@click.option(
    "--policy",
    type=click.Choice(POLICIES),
    default="dominant",
    show_default=True,
    help="How votes become a label.",
)
@click.option(
    "--classes",
    type=click.Choice(["7", "8"]),
    default="7",
    show_default=True,
    help="Seven emotions, or eight with contempt.",
)
@click.option(
    "--strict",
    is_flag=True,
    help="Missing folders, missing or unreadable images and names that stand twice are errors.",
)
@click.option("--overwrite", is_flag=True, help="Replace the folder --out whatever it holds.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON, not as a table.")
def prepare_data(
    source: Path,
    dest: Path,
    policy: str,
    classes: str,
    strict: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Make a training data set out of the raw one in SOURCE.

    SOURCE is a FERPlus checkout: a folder with fer2013new.csv and, in output/, in data/ or
    beside it, the folders of images FER2013Train, FER2013Valid and FER2013Test.

    Images are copied to train/EMOTION and test/EMOTION under --out, those without a label under
    the policy to unlabelled/. manifest.csv lists every image with its votes, summary.json
    accounts for every row of the source.
    """
    from rich.console import Console
    from rich.progress import Progress

    from emorec.datasets.prepare import prepare_data as prepare
    from emorec.datasets.summary import notices

    errors = Console(stderr=True)
    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task("Copying images", total=None)
        prepared = prepare(
            source,
            dest,
            policy,
            int(classes),
            strict,
            overwrite,
            lambda done, total: progress.update(task, completed=done, total=total),
        )
    for notice in notices(prepared.summary):
        click.echo(f"Note: {notice}", err=True)
    if as_json:
        click.echo(json.dumps(prepared.summary, indent=2, ensure_ascii=False))
    else:
        _print_table(dest, prepared)


def _print_table(dest: Path, prepared: "Prepared") -> None:
    from rich.console import Console
    from rich.table import Table

    summary = prepared.summary
    splits = list(summary["kept"])
    table = Table("", *splits, "all", title=f"Images by split, policy {summary['policy']}")
    for column in table.columns[1:]:
        column.justify = "right"

    def add_row(name: str, counts: list[int]) -> None:
        table.add_row(name, *(f"{count:,}" for count in (*counts, sum(counts))))

    def add_reasons(part: str, prefix: str) -> None:
        for reason in dict.fromkeys(reason for split in splits for reason in summary[part][split]):
            counts = [summary[part][split].get(reason, 0) for split in splits]
            if any(counts):
                add_row(f"{prefix}: {reason}", counts)

    def add_sum(name: str, parts: list[str]) -> None:
        table.add_section()
        add_row(
            name, [sum(sum(summary[part][split].values()) for part in parts) for split in splits]
        )
        table.add_section()

    for name in emotions(summary["classes"]):
        add_row(name, [summary["kept"][split][name] for split in splits])
    add_sum("kept", ["kept"])
    add_reasons("unlabelled", "no label")
    add_reasons("dropped", "dropped")
    add_sum("rows of the source", ["kept", "unlabelled", "dropped"])
    Console().print(table)
    state = "prepared" if prepared.changed else "up to date, nothing was changed"
    click.echo(f"{dest}: {state}")
