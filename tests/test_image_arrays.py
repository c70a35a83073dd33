from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from emorec.image_arrays import check_image

IMAGE = np.zeros((4, 6, 3), np.uint8)


@pytest.mark.parametrize("image", [IMAGE, IMAGE[:1, :1], IMAGE[::-1, ::2]])
def test_images(image):
    check_image(image)
    check_image(image, gray=True)


def test_gray_images_where_accepted():
    check_image(IMAGE[:, :, 0], gray=True)
    with pytest.raises(ValueError, match="COLOR_GRAY2BGR"):
        check_image(IMAGE[:, :, 0])


WRONG = [
    (None, TypeError, "received NoneType"),
    ("photo.jpg", TypeError, "received str; read a file with emorec.read_bgr"),
    (Path("photo.jpg"), TypeError, "received PosixPath; read a file"),
    (b"jpeg", TypeError, "received bytes; read a file"),
    ([IMAGE], TypeError, "received list; pass several images one by one"),
    ((IMAGE, IMAGE), TypeError, "received tuple; pass several"),
    (PIL.Image.new("L", (2, 2)), TypeError, "received Image; pass .*convert"),
    (3, TypeError, "received int"),
    (IMAGE / 255, ValueError, r"received float64; for values of 0 to 1, pass \(image \* 255\)"),
    (IMAGE.astype(np.float32), ValueError, "received float32"),
    (IMAGE.astype(np.uint16), ValueError, "received uint16; for 16 bits"),
    (IMAGE.astype(np.int64), ValueError, "received int64"),
    (IMAGE > 0, ValueError, "received bool"),
    (IMAGE[None], ValueError, r"received \(1, 4, 6, 3\); pass the images of a batch one by one"),
    (IMAGE[:, :, :1], ValueError, r"received \(4, 6, 1\); convert it with .*GRAY2BGR"),
    (IMAGE[:, :, :2], ValueError, r"received \(4, 6, 2\)$"),
    (np.zeros((4, 6, 4), np.uint8), ValueError, "convert it with .*BGRA2BGR"),
    (np.zeros((3, 4, 6), np.uint8), ValueError, r"received \(3, 4, 6\)$"),
    (np.zeros(3, np.uint8), ValueError, r"received \(3,\)"),
    (np.zeros((), np.uint8), ValueError, r"received \(\)"),
    (IMAGE[:0], ValueError, r"must have pixels; received the shape \(0, 6, 3\)"),
    (IMAGE[:, :0], ValueError, "must have pixels"),
]


@pytest.mark.parametrize(("image", "error", "message"), WRONG)
def test_everything_else_is_named(image, error, message):
    with pytest.raises(error, match=message) as caught:
        check_image(image)
    assert "\n" not in str(caught.value)
