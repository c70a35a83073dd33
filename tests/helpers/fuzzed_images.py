"""Random damage of image files, run by test_fuzz.py in its own process.

    python tests/helpers/fuzzed_images.py FOLDER FIRST COUNT

prints the number of each case before it starts and its result after, so that a crash or a hang
names its case. Equal numbers make equal bytes.
"""

import faulthandler
import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from emorec import images
from emorec.batch.image_work import ImageWork
from emorec.detection.haar import HaarDetector
from emorec.images import read_bgr
from emorec.inference.recognizer import EmotionRecognizer
from emorec.media import reading
from emorec.media.sources import MediaSource

LIMIT = 2**20
"""Limit of pixels, lower than the real one to save time."""
ENVIRONMENT = {"OPENCV_LOG_LEVEL": "SILENT", "OPENCV_IO_MAX_IMAGE_PIXELS": str(LIMIT)}
"""Variables that OpenCV reads when it is loaded; the parent process sets them."""

MEMORY = 4 * 2**30
DAMAGE_KINDS = (0, 0, 0, 0, 1, 1, 1, 2, 3, 4, 5, 6, 7)
"""Kinds of damage; small damage is more frequent."""
EXTREMES = (0, 1, 2, 127, 128, 254, 255)


def originals() -> Iterator[tuple[str, bytes]]:
    """Yield a small photo with a face in every file format that is tested."""
    photo = cv2.imread(str(Path(__file__).parents[2] / "examples" / "astronaut.jpg"))
    face = cv2.resize(photo[26:205, 136:315], (80, 80), interpolation=cv2.INTER_AREA)
    options: dict[str, list[int]] = {
        "baseline.jpg": [],
        "progressive.jpg": [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 2],
        "plain.png": [],
        "still.gif": [],
        "lossy.webp": [cv2.IMWRITE_WEBP_QUALITY, 80],
        "lossless.webp": [cv2.IMWRITE_WEBP_QUALITY, 101],
    }
    for name, values in options.items():
        yield name, cv2.imencode(Path(name).suffix, face, values)[1].tobytes()
    yield "gray.png", cv2.imencode(".png", face[:, :, 1])[1].tobytes()
    alpha = np.dstack([face, face[:, :, :1]]).astype(np.uint16) * 257
    yield "alpha16.png", cv2.imencode(".png", alpha)[1].tobytes()
    moving = cv2.Animation()
    moving.frames = [np.roll(face, 5 * number, axis=1) for number in range(3)]
    moving.durations = [50, 50, 50]
    for suffix in (".gif", ".webp", ".png"):
        yield f"moving{suffix}", cv2.imencodeanimation(suffix, moving)[1].tobytes()


def damaged(data: bytes, other: bytes, random: np.random.Generator) -> bytes:
    """Damage a file in one of many ways, more often near its start, where its structure is."""
    found = bytearray(data)
    for _ in range(int(random.integers(1, 3))):
        if len(found) < 2:
            break
        reach = len(found) if random.random() < 0.8 else min(64, len(found))
        at = int(random.integers(0, reach))
        end = at + int(random.integers(1, 40))
        match int(random.choice(DAMAGE_KINDS)):
            case 0:
                found[at] ^= 1 << int(random.integers(0, 8))
            case 1:
                found[at] = EXTREMES[int(random.integers(0, len(EXTREMES)))]
            case 2:
                found[at : at + 4] = random.bytes(4)
            case 3:
                found[at : at + 4] = b"\xff\xff\xff\xff"[: int(random.integers(1, 5))]
            case 4:
                del found[at:end]
            case 5:
                found[at:at] = found[at:end] * int(random.integers(1, 30))
            case 6:
                del found[int(random.integers(0, len(found))) :]
            case _:
                found[at:end] = other[at:end]
    return bytes(found)


def main(folder: Path, first: int, count: int) -> None:
    assert all(os.environ.get(name) == value for name, value in ENVIRONMENT.items())
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    faulthandler.enable()
    cv2.setNumThreads(1)
    images.MAX_PIXELS = reading.MAX_PIXELS = LIMIT
    work = ImageWork(EmotionRecognizer(HaarDetector(min_size=30)))
    files = list(originals())
    for case in range(first, first + count):
        random = np.random.default_rng(case)
        name, data = files[case % len(files)]
        other = files[int(random.integers(0, len(files)))][1]
        whole = case < len(files)
        path = folder / name
        path.write_bytes(data if whole else damaged(data, other, random))
        print(f"{case} {name}", end=" ", flush=True)
        prepared = work.prepare(MediaSource(str(path), "x"))
        done = work.finish(prepared, work.classify(prepared.crops))
        statuses = {one.record["status"] for one in done}
        print(",".join(sorted(statuses)), end=" ", flush=True)
        try:
            height, width = read_bgr(path).shape[:2]
        except images.DataError as error:
            print("large" if "megapixels" in str(error) else "-", flush=True)
        else:
            print(f"{width}x{height}", flush=True)
        for one in done:
            if one.record["status"] == "unreadable":
                assert len(one.problems) == 1, one
                assert one.problems[0].startswith(f"{path}: "), one
                assert "\n" not in one.problems[0], one
            else:
                assert one.record["width"] * one.record["height"] > 0, one


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
