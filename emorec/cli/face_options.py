"""Command-line options of cutting faces out of the images of a data set."""

from collections.abc import Callable
from typing import Any

import click

from emorec.cli.parameters import Choice
from emorec.datasets.choices import AUTO, LARGEST, SEVERAL
from emorec.datasets.prepare_options import face_modes
from emorec.types import ALIGNMENTS, MAX_CROP_MARGIN, MIN_CROP_MARGIN

_OPTIONS = (
    click.option(
        "--faces",
        type=Choice(face_modes()),
        default=AUTO,
        show_default=True,
        help="How faces are cut out. auto: out of whole photos, where the boxes of the source or "
        "the default detector show them, while face crops stay as they are; boxes: by the columns "
        "x, y, width and height of a CSV list; a detector: out of every image; none: every image "
        "is a face crop.",
    ),
    click.option(
        "--several",
        type=Choice(SEVERAL),
        default=LARGEST,
        show_default=True,
        help="Faces to take of an image with several; none keeps it in no-face/.",
    ),
    click.option(
        "--crop-margin",
        type=click.FloatRange(MIN_CROP_MARGIN, MAX_CROP_MARGIN),
        metavar="SHARE",
        help="Share of a face's box added on each side of its crop.  [default: that of the shipped "
        "model]",
    ),
    click.option(
        "--align",
        type=Choice(ALIGNMENTS),
        default=AUTO,
        show_default=True,
        help="Rotate the crops of tilted faces so that the eyes are level, if the detector finds "
        "landmarks; auto is the default of the shipped model.",
    ),
)


def face_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command, which receives `faces`, `several`, `crop_margin`, `align`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
