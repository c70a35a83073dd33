"""Damaged images through the batch path, run by test_damaged_images.py in its own process.

    python -m helpers.damaged_batch FOLDER ANIMATIONS OTHERS

prints one line of JSON for each record: source, status and problem.
"""

import functools
import io
import json
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pillow_heif

from emorec import resources
from emorec.batch.detect_job import DetectJob, RecognizerSettings
from emorec.batch.process_images import process_images
from emorec.detection.haar import HaarDetector
from emorec.media.sources import MediaSource
from helpers import fuzzed_images, odd_media

MEMORY = 2 * 2**30
"""Limit of the address space of this process and of each of its decoder processes."""


def other_originals() -> list[tuple[str, bytes]]:
    """A small photo with a face in every other format, whole."""
    files = list(fuzzed_images.originals())
    face = cv2.imdecode(np.frombuffer(files[0][1], np.uint8), cv2.IMREAD_COLOR)
    for suffix in (".avif", ".bmp", ".hdr", ".jp2", ".pfm", ".ppm", ".ras", ".tiff"):
        image = face.astype(np.float32) / 255 if suffix in (".hdr", ".pfm") else face
        files.append((f"still{suffix}", cv2.imencode(suffix, image)[1].tobytes()))
    files.append(("gray16.tiff", cv2.imencode(".tiff", face[:, :, 1].astype(np.uint16) * 16)[1]))
    heic = io.BytesIO()
    size_wh = (face.shape[1], face.shape[0])
    pillow_heif.from_bytes("RGB", size_wh, face[:, :, ::-1].tobytes()).save(heic)
    files.append(("still.heic", heic.getvalue()))
    return [(name, bytes(data)) for name, data in files]


def damaged_files(animations: int, others: int) -> Iterator[tuple[str, bytes]]:
    """Yield names and contents, animations and other files in turn."""
    originals = other_originals()
    for number in range(max(animations, others)):
        if number < animations:
            whole = odd_media.apng(side=64, seed=number)
            yield f"{number:05}-0-animation.png", odd_media.damaged(whole, number, first=33)
        if number < others:
            random = np.random.default_rng(number)
            name, data = originals[number % len(originals)]
            other = originals[int(random.integers(0, len(originals)))][1]
            yield f"{number:05}-1-{name}", fuzzed_images.damaged(data, other, random)


def main(folder: Path, animations: int, others: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    sources = []
    for name, data in damaged_files(animations, others):
        (folder / name).write_bytes(data)
        sources.append(MediaSource(str(folder / name), name))
    detector = functools.partial(HaarDetector, min_size=30)
    job = DetectJob(RecognizerSettings(detector, resources.shipped_model()))
    for result in process_images(job, sources):
        record = result.record
        line = [Path(record["source"]).name, record["status"], " ".join(result.problems)]
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
