"""The command `emorec prepare-data`."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from emorec.cli.face_options import face_options
from emorec.cli.json_output import JsonOutput, json_options
from emorec.cli.parameters import Choice, OutputFolder
from emorec.cli.terminal_text import one_line
from emorec.cli.verbosity import note, warn
from emorec.datasets.choices import (
    COPY,
    DROP,
    FER2013NEW,
    FRAMES,
    GROUP_BY_HELP,
    LAST_THREE,
    LINKS,
    LIST,
    VOTE_FILES,
)
from emorec.datasets.readers.registry import LAYOUTS
from emorec.labels import POLICIES

if TYPE_CHECKING:
    from emorec.datasets.prepare import PrepareResult


@click.command(epilog="Example: emorec prepare-data FERPlus --out FER-2013")
@click.argument(
    "sources",
    metavar="SOURCE...",
    nargs=-1,
    required=True,
    type=click.Path(readable=False, path_type=Path),
)
@click.option(
    "--out",
    "dest",
    metavar="FOLDER",
    required=True,
    type=OutputFolder(),
    help="Folder to write. Written atomically; left untouched if already up to date.",
)
@click.option(
    "--policy",
    type=Choice(POLICIES),
    default="dominant",
    show_default=True,
    help="Vote policy: how the votes on an image become its label.",
)
@click.option(
    "--classes",
    type=Choice(["7", "8"]),
    default="7",
    show_default=True,
    help="Seven emotions, or eight with contempt.",
)
@click.option(
    "--layout",
    type=Choice(list(LAYOUTS)),
    help="Force this layout instead of detecting it. "
    + "; ".join(f"{name}: {layout.looks_like}" for name, layout in LAYOUTS.items())
    + ".",
)
@click.option(
    "--ferplus-csv",
    type=click.Path(readable=False, path_type=Path),
    help="Replace the labels of fer2013.csv, row by row, by the votes of this fer2013new.csv.",
)
@click.option(
    "--votes",
    type=Choice(VOTE_FILES),
    default=FER2013NEW,
    show_default=True,
    help="Vote files of a FERPlus checkout: fer2013new.csv, or label.csv in each image folder.",
)
@click.option(
    "--keep-labels",
    is_flag=True,
    help="Keep the labels as they are spelt; they need not be emotions.",
)
@click.option(
    "--validation",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.1,
    show_default=True,
    help="Share of the images for validation if SOURCE has no validation split.",
)
@click.option(
    "--test",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.1,
    show_default=True,
    help="Share of the images for test if SOURCE has no test split.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the random split.")
@click.option(
    "--frames",
    type=Choice(FRAMES),
    default=LAST_THREE,
    show_default=True,
    help="Frames to take of each sequence of CK+ (layout ckplus-sequences): the last one, the last "
    "three, or these and the first one as neutral.",
)
@click.option("--group-by", metavar="RULE", help=GROUP_BY_HELP)
@click.option(
    "--link",
    type=Choice(LINKS),
    default=COPY,
    show_default=True,
    help="Copy image files, or link to them, which is faster and needs no disk space.",
)
@face_options
@click.option(
    "--check-leaks",
    is_flag=True,
    help="List images that are also in a later split; the default for several SOURCEs.",
)
@click.option(
    "--drop-leaks",
    is_flag=True,
    help="Remove leaks: from train what is in validation or test, from validation what is in test.",
)
@click.option(
    "--relabel",
    metavar="FILE",
    type=click.Path(readable=False, path_type=Path),
    help="Apply the new labels of this CSV file, which data-report --review wrote and a person "
    "filled in: its column new_label holds a label, drop, or nothing.",
)
@click.option(
    "--strict",
    is_flag=True,
    help="Treat missing folders, missing or unreadable images, repeated names and every other note "
    "as errors.",
)
@click.option("--overwrite", is_flag=True, help="Replace the folder --out whatever it contains.")
@click.option(
    "--no-report",
    is_flag=True,
    help="Do not write report.html and report.json at the end, as data-report does.",
)
@json_options
def prepare_data(
    sources: tuple[Path, ...],
    dest: Path,
    policy: str,
    classes: str,
    layout: str | None,
    ferplus_csv: Path | None,
    votes: str,
    keep_labels: bool,
    validation: float,
    test: float,
    seed: int,
    frames: str,
    group_by: str | None,
    link: str,
    faces: str,
    several: str,
    crop_margin: float | None,
    align: str,
    check_leaks: bool,
    drop_leaks: bool,
    relabel: Path | None,
    strict: bool,
    overwrite: bool,
    no_report: bool,
    json_output: JsonOutput,
) -> None:
    """Convert raw data sets to one data set for training and evaluation.

    SOURCE is a folder, a zip archive or a CSV file, or hf:FOLDER or hf:OWNER/NAME, which Hugging
    Face datasets reads; several are combined into one data set. The layout is detected (--layout
    describes each). Published splits are kept; CK+, JAFFE and KDEF are split by person; a CSV list
    may have the columns split and group. Near duplicates, such as bursts, are kept in one split if
    the source is a folder for each emotion, or a CSV list without splits.

    Images are copied to train/EMOTION and test/EMOTION under --out, and images without a label
    under the policy to unlabelled/. manifest.csv lists every image with its votes; summary.json
    records every row of the sources as kept, unlabelled or dropped, with the reason.

    Faces are cut out of whole photos, as detect does it; face crops stay as they are, and photos
    without a face are kept in no-face/.

    A prepared data set is a SOURCE, too: --relabel then corrects labels in a copy of it.
    """
    from emorec.cli.data_report import write_report
    from emorec.cli.progress import staged_image_progress
    from emorec.datasets.dataset_address import local_path
    from emorec.datasets.prepare import prepare_data as prepare
    from emorec.datasets.prepare_options import PrepareOptions
    from emorec.datasets.prepared_files import REPORT_HTML
    from emorec.datasets.readers.rows import ReadOptions

    files = [file for file in (ferplus_csv, relabel) if file]
    json_output.check(files=files, folders=sources, written=[dest])
    json_output.check(files=files, folders=map(local_path, sources), written=[dest])
    options = PrepareOptions(
        policy=policy,
        classes=int(classes),
        link=link,
        leaks=DROP if drop_leaks else LIST if check_leaks else None,
        strict=strict,
        overwrite=overwrite,
        faces=faces,
        several=several,
        crop_margin=crop_margin,
        align=align,
        relabel=relabel,
    )
    read_options = ReadOptions(
        layout=layout,
        ferplus_csv=ferplus_csv,
        votes=votes,
        keep_labels=keep_labels,
        validation=validation,
        test=test,
        seed=seed,
        group_by=group_by,
        frames=frames,
    )
    with staged_image_progress() as stage:
        prepared = prepare(
            sources,
            dest,
            options,
            read_options=read_options,
            progress=stage("Writing images"),
            search_progress=stage("Finding faces"),
        )
    for notice in prepared.notices:
        warn(notice)
    for text in prepared.notes:
        note(text)
    printed = json_output.write(prepared.summary)
    if not printed:
        _print_table(dest, prepared)
    # A data set that was up to date keeps its report.
    if not no_report and (prepared.changed or not (dest / REPORT_HTML).exists()):
        page, _ = write_report(dest)
        if not printed:
            click.echo(f"{one_line(str(page))}: written")


def _print_table(dest: Path, prepared: "PrepareResult") -> None:
    from rich.console import Console
    from rich.table import Table

    from emorec.datasets.face_summary import faces_line

    summary = prepared.summary
    splits = list(summary["kept"])
    title = "Images by split" + (f", policy {summary['policy']}" if summary["policy"] else "")
    table = Table("", *splits, "all", title=title)
    for column in table.columns[1:]:
        column.justify = "right"

    def add_row(name: str, counts: list[int]) -> None:
        table.add_row(name, *(f"{count:,}" for count in (*counts, sum(counts))))

    def add_reasons(part: str, prefix: str) -> None:
        for reason in dict.fromkeys(reason for split in splits for reason in summary[part][split]):
            counts = [summary[part][split].get(reason, 0) for split in splits]
            if any(counts):
                add_row(f"{prefix}: {reason}", counts)

    def add_sum(name: str, parts: list[str], less: Mapping[str, int] | None = None) -> None:
        sums = [sum(sum(summary[part][split].values()) for part in parts) for split in splits]
        if less:
            sums = [count - less[split] for count, split in zip(sums, splits, strict=True)]
        table.add_section()
        add_row(name, sums)
        table.add_section()

    for name in summary["kept"][splits[0]]:
        add_row(name, [summary["kept"][split][name] for split in splits])
    add_sum("kept", ["kept"])
    add_reasons("unlabelled", "no label")
    add_reasons("dropped", "dropped")
    faces = summary.get("faces")  # version 0.1.0 wrote none
    further = (faces or {}).get("further_faces")
    if further and any(further.values()):
        add_row("further faces of an image", [-further[split] for split in splits])
    add_sum("rows of the source", ["kept", "unlabelled", "dropped"], less=further)
    Console().print(table)
    if line := faces_line(faces):
        click.echo(one_line(line))
    state = "prepared" if prepared.changed else "up to date, left unchanged"
    click.echo(f"{dest}: {state}")
