"""Option values that click has no type for."""

import click

from emorec.types import Box


def region(ctx: click.Context, parameter: click.Parameter, value: str | None) -> Box | None:
    """Turn "x,y,width,height" in pixels into a box: a callback for an option."""
    if value is None:
        return None
    try:
        x, y, width, height = (int(part) for part in value.split(","))
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not four whole numbers x,y,w,h") from error
    if x < 0 or y < 0 or width < 1 or height < 1:
        raise click.BadParameter(f"{value!r}: x and y are 0 or more, w and h 1 or more")
    return Box(x, y, width, height)
