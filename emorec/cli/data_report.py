"""The command `emorec data-report`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emorec.cli.json_output import JsonOutput, json_options
from emorec.cli.overwriting import refuse_overwriting, require_file_path, require_suffix
from emorec.cli.parameters import Choice, OutputFolder, complete_models
from emorec.cli.terminal_text import one_line
from emorec.cli.verbosity import warn
from emorec.errors import DataError

if TYPE_CHECKING:
    from emorec.datasets.inspection import Inspection
    from emorec.evaluation.label_errors import LabelErrors


@click.command(
    epilog="""\b
Examples:
  emorec data-report FER-2013
  emorec data-report FER-2013 --model runs/20260101-120000-compact-folds --review review.csv
"""
)
@click.argument("data", type=click.Path(readable=False, path_type=Path))
@click.option(
    "--out",
    "folder",
    metavar="FOLDER",
    type=OutputFolder(),
    help="Folder for report.html and report.json; DATA by default.",
)
@click.option(
    "--model",
    type=click.Path(readable=False, path_type=Path),
    metavar="FILE|RUN|NAME",
    shell_complete=complete_models,
    help="Find labels that are probably wrong by the answers of this model, which must not have "
    "been trained on the images: best the folder of train --folds, whose predictions are of "
    "models that were not.",
)
@click.option(
    "--split",
    type=Choice(["all", "train", "validation", "test"]),
    default="all",
    show_default=True,
    help="Split whose labels --model checks.",
)
@click.option(
    "--review",
    metavar="FILE",
    type=click.Path(readable=False, path_type=Path),
    help="Write doubtful labels and near duplicates to this CSV file; enter labels in its column "
    "new_label, and apply them with prepare-data --relabel.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the random samples.")
@json_options
def data_report(
    data: Path,
    folder: Path | None,
    model: Path | None,
    split: str,
    review: Path | None,
    seed: int,
    json_output: JsonOutput,
) -> None:
    """Inspect the data set DATA and write a report as HTML and JSON.

    DATA is a prepared data set or a FER-2013 folder tree. report.html is one file with embedded
    images: counts by split and class, class balance, agreement of the voters, samples of each
    class, suspicious images and near duplicates; with --model, the labels that it doubts most,
    with an estimate of how many are wrong (confident learning).
    """
    source = click.get_current_context().get_parameter_source("split")
    if model is None and source is click.core.ParameterSource.COMMANDLINE:
        raise click.UsageError("--split chooses the labels that --model checks; add --model")
    if review:
        _require_place(review, data)
    found = None
    if model:
        from emorec.models.files import find_model

        found = find_model(model, ("onnx",))
    json_output.check(
        files=[review] if review else [],
        models=[found] if found else [],
        folders=[data, folder or data],
    )
    page, facts = write_report(data, folder, seed, found, split, review)
    if json_output.write(facts):
        return
    if errors := facts.get("label_errors"):
        images, wrong = errors["images"], errors["estimated_errors"]
        click.echo(
            f"{one_line(errors['model'])} on {images:,} labels: agrees with "
            f"{errors['agreement']:.1%}; about {wrong:,.0f} ({wrong / images:.1%}) wrong or "
            f"ambiguous, {len(errors['suspects']):,} suspects"
        )
    if review:
        click.echo(f"{one_line(str(review))}: {facts['reviewed']:,} images to review")
    click.echo(f"{one_line(str(page))}: written")


def _require_place(review: Path, data: Path) -> None:
    """Check that the review can be written, and is no file of the data set."""
    require_file_path("--review", review)
    require_suffix("--review", review, (".csv",))
    refuse_overwriting([review], [data], "name another file")
    if review.resolve().is_relative_to(data.resolve()):
        raise click.UsageError(
            f"--review: {review} is in {data}, the data set; name a file outside of it"
        )


def write_report(
    data: Path,
    folder: Path | None = None,
    seed: int = 0,
    model: Path | None = None,
    split: str = "all",
    review: Path | None = None,
) -> tuple[Path, dict[str, Any]]:
    """Inspect a data set and write its report.

    Args:
        data: Folder of the data set.
        folder: Folder to write to; None writes into `data`.
        seed: Seed of the random samples.
        model: ONNX file of a model that checks the labels; None checks none.
        split: Split whose labels it checks, or "all".
        review: CSV file for the doubtful labels; None writes none.

    Returns:
        Path of the HTML file, and the content of the JSON file.

    Raises:
        ConfigError: The classes of the model and of the data differ.
        DataError: The folder is not a data set, or a file cannot be written.
        ModelError: The model is missing or damaged.
    """
    from emorec.cli.progress import image_progress
    from emorec.datasets import data_report as report
    from emorec.datasets.dataset_summary import notices
    from emorec.datasets.inspection import inspect
    from emorec.datasets.prepared_files import SUMMARY
    from emorec.datasets.summary_file import read_summary

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
    notes, sections = list(inspection.notes), []
    errors = None
    if model:
        errors, problem = _check_labels(model, inspection, split)
        notes += [problem] if problem else []
        from emorec.evaluation.label_error_page import label_error_section

        sections.append(label_error_section(errors))
        inspection.facts["label_errors"] = errors.to_dict()
    if review:
        inspection.facts["reviewed"] = _write_review(review, inspection, errors)
    for note in notes:
        warn(note)
    notes = [*known, *notes]
    page = report.write_report(inspection, notes, folder or data, sections)
    return page, {**inspection.facts, "notes": notes}


def _check_labels(
    model: Path, inspection: "Inspection", split: str
) -> "tuple[LabelErrors, str | None]":
    from emorec.cli.progress import image_progress
    from emorec.evaluation.label_check import check_labels

    unreadable: Sequence[str] = list(inspection.facts["suspicious"]["unreadable"])
    with image_progress("Classifying images") as progress:
        return check_labels(model, inspection.data, split, unreadable, progress)


def _write_review(review: Path, inspection: "Inspection", errors: "LabelErrors | None") -> int:
    from emorec.datasets.label_review import doubts_of_inspection, write_review

    doubts = [*(errors.doubts if errors else ()), *doubts_of_inspection(inspection.facts)]
    return write_review(review, inspection.data, doubts)
