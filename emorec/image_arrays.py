"""Checks of the image arrays that callers pass to the library."""

import numpy as np

_CHANNELS = 3


def check_image(image: object, *, gray: bool = False) -> None:
    """Check that an object is an image, shape (height, width, 3), uint8, BGR.

    Args:
        image: What a caller passed.
        gray: Accept shape (height, width) too.

    Raises:
        TypeError: It is not a NumPy array.
        ValueError: Its type or shape is another one, or it is empty.
    """
    if not isinstance(image, np.ndarray):
        raise TypeError(
            f"an image must be a NumPy array; received {type(image).__name__}{_type_hint(image)}"
        )
    if image.dtype != np.uint8:
        raise ValueError(
            f"an image must be of type uint8, 0 to 255; received {image.dtype}{_hint(image)}"
        )
    if image.ndim == 2 and gray:
        pass
    elif image.ndim != 3 or image.shape[2] != _CHANNELS:
        raise ValueError(
            "an image must have the shape (height, width, 3), in BGR order; "
            f"received {image.shape}{_shape_hint(image)}"
        )
    if image.size == 0:
        raise ValueError(f"an image must have pixels; received the shape {image.shape}")


def _type_hint(value: object) -> str:
    """Say how to convert an object of another type."""
    if isinstance(value, str | bytes) or hasattr(value, "__fspath__"):
        return "; read a file with emorec.read_bgr"
    if isinstance(value, list | tuple):
        return "; pass several images one by one"
    if type(value).__module__.partition(".")[0] == "PIL":
        return '; pass numpy.asarray(image.convert("RGB"))[:, :, ::-1]'
    return ""


def _hint(image: np.ndarray) -> str:
    """Say how to convert an array of another type."""
    if image.dtype.kind == "f":
        return "; for values of 0 to 1, pass (image * 255).round().astype(numpy.uint8)"
    if image.dtype == np.uint16:
        return "; for 16 bits, pass (image // 257).astype(numpy.uint8)"
    return ""


def _shape_hint(image: np.ndarray) -> str:
    """Say how to convert an array of another shape."""
    if image.ndim == 2 or image.shape[2:] == (1,):
        return "; convert it with cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)"
    if image.ndim == 3 and image.shape[2] == 4:
        return "; convert it with cv2.cvtColor(image, cv2.COLOR_BGRA2BGR)"
    if image.ndim == 4:
        return "; pass the images of a batch one by one"
    return ""
