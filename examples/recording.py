"""Make a short recording of two faces to try `emorec detect --session`, without filming anybody.

    python examples/recording.py interview.webm
    emorec detect interview.webm --no-save --session study

It is made of examples/astronaut.jpg: the face, whose smile fades and comes back, and its mirror
image, which enters later and leaves. Twelve seconds, 640x320 pixels, 20 frames per second.
"""

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

PHOTO = Path(__file__).resolve().parent / "astronaut.jpg"
SIZE_WH = (640, 320)
FPS = 20
FRAMES = 240
MOUTH_XY = (224, 145)
"""The mouth in the photo."""

Image = npt.NDArray[np.uint8]


def frame(photo: Image, number: int) -> Image:
    """Draw a frame, BGR, shape (320, 640, 3), uint8."""
    part = number / FRAMES
    image = np.full((SIZE_WH[1], SIZE_WH[0], 3), 70, np.uint8)
    image[:, :320] = without_smile(photo, max(0.0, 1.3 * np.sin(7 * np.pi * part)))
    if 0.3 < part < 0.85:
        second = without_smile(photo, max(0.0, 1.3 * np.cos(9 * np.pi * part)))[:, ::-1]
        image[60:, 360:620] = cv2.resize(second, (260, 260))
    return image


def without_smile(photo: Image, amount: float) -> Image:
    """Close the mouth and turn its corners down: 0 leaves the smile, 1 leaves little of it."""
    height, width = photo.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    right, down = x - MOUTH_XY[0], y - MOUTH_XY[1]
    near = amount * np.exp(-((right / 24) ** 2 + (down / 9) ** 2))
    from_x = (x + 0.9 * right * near).astype(np.float32)
    from_y = (y + 2.2 * down * near).astype(np.float32)
    closed = cv2.remap(photo, from_x, from_y, cv2.INTER_LINEAR)
    rows, columns = slice(MOUTH_XY[1] - 15, MOUTH_XY[1] + 15), slice(194, 254)
    mouth = closed[rows, columns].astype(np.float32)
    inside = np.sqrt((right[rows, columns] / 30) ** 2 + (down[rows, columns] / 15) ** 2)
    turned = min(amount, 1.0) * np.clip(1.6 - 1.6 * inside, 0, 1)[..., None]
    closed[rows, columns] = (mouth * (1 - turned) + mouth[::-1] * turned).astype(np.uint8)
    return np.ascontiguousarray(closed[0:320, 60:380], np.uint8)


def write_recording(path: Path) -> None:
    """Write the video; exit with a message if OpenCV cannot."""
    photo = cv2.imread(str(PHOTO))
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"VP80"), FPS, SIZE_WH)
    if photo is None or not writer.isOpened():
        sys.exit(f"{path} cannot be written; its name must end in .webm")
    for number in range(FRAMES):
        writer.write(frame(np.asarray(photo, np.uint8), number))
    writer.release()


def main() -> None:
    """Write the video that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, help="video to write, such as interview.webm")
    write_recording(parser.parse_args().file)


if __name__ == "__main__":
    main()
