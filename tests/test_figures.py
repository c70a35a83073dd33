import cv2
import numpy as np

from emorec.figures import new_figure, to_png


def test_a_figure_becomes_a_png_of_its_size():
    figure = new_figure(2, 1)
    figure.subplots().plot([0, 1])
    image = cv2.imdecode(np.frombuffer(to_png(figure), np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    assert image.shape == (120, 240, 3)
    assert image.min() < 200
