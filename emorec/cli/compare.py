"""The command `emorec compare`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from emorec.cli.json_output import JsonOutput, json_options
from emorec.cli.overwriting import require_file_path, require_suffix
from emorec.cli.terminal_text import one_line
from emorec.cli.verbosity import warn

if TYPE_CHECKING:
    from emorec.training.run_comparison import RunComparison


@click.command(
    epilog="""\b
Examples:
  emorec compare runs/*
  emorec compare runs/20260101-120000-compact runs/20260102-090000-nano --report comparison.html
"""
)
@click.argument(
    "runs",
    nargs=-1,
    required=True,
    metavar="RUN...",
    type=click.Path(readable=False, path_type=Path),
)
@click.option(
    "--report",
    "page",
    metavar="FILE",
    type=click.Path(readable=False, path_type=Path),
    help="Write an HTML page with the learning curves, figures and settings of all runs.",
)
@json_options
def compare(runs: tuple[Path, ...], page: Path | None, json_output: JsonOutput) -> None:
    """Compare training runs: their figures, and the settings in which they differ.

    RUN is a run folder that emorec train has written, also of an unfinished run, or the folder of
    a cross-validation; at most 20. Cross-validations of the same images are compared by McNemar's
    exact test; for that of two models, see emorec evaluate.
    """
    from emorec.atomic_files import write_bytes
    from emorec.cli.durations import duration_text
    from emorec.training.run_comparison import MOST_RUNS, compare_runs

    if len(runs) > MOST_RUNS:
        raise click.UsageError(f"{len(runs)} runs; compare at most {MOST_RUNS} of them")
    if page:
        require_file_path("--report", page)
        require_suffix("--report", page, (".html", ".htm"))
        for run in runs:
            if page.resolve().is_relative_to(run.resolve()):
                raise click.UsageError(
                    f"--report: {page} is in {run}, a run; name a file outside of it"
                )
    json_output.check(files=[page] if page else [], folders=runs)
    found = compare_runs(runs)
    for entry in found.entries:
        for problem in entry.problems:
            warn(problem)
    if found.is_on_different_data:
        warn("the runs have different data sets or labels, so their figures are not comparable")
    if page:
        from emorec.training.comparison_page import render_comparison

        write_bytes(page, render_comparison(found, duration_text).encode())
    if not json_output.write(found.to_dict()):
        _print(found)
        if page:
            click.echo(f"{one_line(str(page))}: written")


def _print(found: "RunComparison") -> None:
    from emorec.cli.durations import duration_text
    from emorec.training.run_comparison import HEAD, figure_rows

    names = [one_line(name) for name in found.names]
    rows = [HEAD, *figure_rows(found, duration_text)]
    widths = [max(len(one_line(cell)) for cell in cells) for cells in zip(*rows, strict=True)]
    for row in rows:
        cells = (one_line(cell).ljust(size) for cell, size in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())
    if found.differences:
        click.echo("\nsettings that differ, by the numbers of the runs")
    for name, values in found.differences.items():
        numbers: dict[str, list[str]] = {}
        for number, value in enumerate(values, 1):
            numbers.setdefault(value, []).append(str(number))
        texts = [f"{value} ({', '.join(which)})" for value, which in numbers.items()]
        click.echo(one_line(f"{name}: {'; '.join(texts)}"))
    if found.tests:
        click.echo("\nMcNemar's test: images that only one of two classifies correctly")
    for test in found.tests:
        result = test.result
        click.echo(
            f"{names[test.first]}: {result.only_first}, {names[test.second]}: "
            f"{result.only_second}, p = {result.p_value:.3g}"
        )
