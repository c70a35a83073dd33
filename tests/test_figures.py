import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.made_font import ASCII, write_font

from emorec import figures
from emorec.figures import new_figure, to_png
from emorec.fonts import Font


def test_a_figure_becomes_a_png_of_its_size():
    figure = new_figure(2, 1)
    figure.subplots().plot([0, 1])
    image = cv2.imdecode(np.frombuffer(to_png(figure), np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    assert image.shape == (120, 240, 3)
    assert image.min() < 200


LABELS = ["悲しい", "müde", "злой"]


@pytest.mark.parametrize("labels", [["a", "b"], ["müde", "b"], LABELS])
def test_texts_outside_ascii_get_a_font_that_has_them(tmp_path: Path, monkeypatch, labels):
    """Matplotlib would warn of each glyph that its own font lacks."""
    font = write_font(tmp_path / "Made.ttf", "".join([ASCII, " ", *LABELS]))
    monkeypatch.setattr(figures, "find_font", lambda text: Font(str(font)))
    figure = new_figure(3, 2)
    axes = figure.subplots()
    axes.plot(range(len(labels)), label=labels[0])
    axes.set_xticks(range(len(labels)), labels)
    axes.set_title(labels[-1], fontsize=17)
    axes.legend()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        to_png(figure)
    made = [text.get_fontproperties().get_file() == str(font) for text in axes.get_xticklabels()]
    assert made == [not label.isascii() for label in labels]
    assert axes.title.get_fontsize() == 17
