"""Matplotlib figures without a display, encoded as PNG."""

import io
from typing import cast

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from emorec.fonts import find_font


def new_figure(width: float, height: float) -> Figure:
    """Create an empty figure.

    Args:
        width: In inches.
        height: In inches.
    """
    figure = Figure(figsize=(width, height), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def to_png(figure: Figure) -> bytes:
    """Encode a figure as the bytes of a PNG file."""
    _set_fonts(figure)
    data = io.BytesIO()
    figure.savefig(data, format="png")
    return data.getvalue()


def _set_fonts(figure: Figure) -> None:
    """Give each text outside ASCII an installed font that has its characters, if there is one."""
    for axes in figure.axes:
        axes.get_xticklabels(), axes.get_yticklabels()  # make the labels, which drawing would
    for text in cast(list[Text], figure.findobj(Text)):
        font = None if text.get_text().isascii() else find_font(text.get_text())
        if font is not None:
            properties = text.get_fontproperties().copy()
            properties.set_file(font.path)
            text.set_fontproperties(properties)
