"""Options of how the tables of a session are derived: bins, baseline and names of persons."""

from collections.abc import Callable
from typing import Any

import click

from emorec.cli.durations import parse_seconds

NO_BASELINE = "none"


def _read_bin(ctx: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    if value is None:
        return None
    try:
        return parse_seconds(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not a duration such as 1s or 0.5") from error


def _read_baseline(
    ctx: click.Context, parameter: click.Parameter, value: str | None
) -> tuple[float, float] | str | None:
    if value is None or value == NO_BASELINE:
        return value
    try:
        begin, end = value.split("-")
        found = parse_seconds(begin), parse_seconds(end)
    except ValueError as error:
        raise click.BadParameter(
            f"{value!r} is not an interval such as 0-10s or 1:00-1:30"
        ) from error
    if found[0] >= found[1]:
        raise click.BadParameter(f"{value!r}: the end must be later than the begin")
    return found


_OPTIONS = (
    click.option(
        "--bin",
        "bin_s",
        callback=_read_bin,
        metavar="DURATION",
        help="Sessions: length of the bins of bins.csv, such as 0.5s; at first 1s.",
    ),
    click.option(
        "--baseline",
        "baseline",
        callback=_read_baseline,
        metavar="FROM-TO",
        help="Sessions: report differences from each person's own mean in this part of the video, "
        f"such as 0-10s; {NO_BASELINE} for no baseline.",
    ),
    click.option(
        "--person",
        "persons",
        multiple=True,
        metavar="VIDEO:ID=NAME",
        help="Sessions: name a tracked face, such as a.mp4:1=Anna, or 1=Anna if there is one "
        "video; may be repeated. Faces of the same name are one person, in several videos too.",
    ),
)


def derivation_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command; it receives `bin_s`, `baseline` and `persons`.

    `baseline` is a pair of seconds, `NO_BASELINE`, or None if it is not given.
    """
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
