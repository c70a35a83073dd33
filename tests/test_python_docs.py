"""The examples of docs/python.md run as written."""

import re
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from emorec.media.video import VideoReader

ROOT = Path(__file__).resolve().parents[1]
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "python.md").read_text("utf-8"), re.S)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the examples read."""
    folder = tmp_path_factory.mktemp("docs")
    photo = cv2.imread(str(ROOT / "examples" / "astronaut.jpg"))[:320, :320]
    (folder / "photos").mkdir()
    for name in ("photo.jpg", "photos/a.jpg", "photos/b.png"):
        cv2.imwrite(str(folder / name), photo)
    writer = cv2.VideoWriter(
        str(folder / "clip.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 10, (320, 320)
    )
    for _ in range(5):
        writer.write(photo)
    writer.release()
    return folder


EXPECTED = (
    r"^Box\(.*\) happy \d+%$",
    r"'contempt'",
    r"^4 0\.4\d* \d+ happy$",
    r"^5 frames, 1 face$",
    r"^photos/b.png ok 1$",
)


def test_all_blocks_are_expected():
    assert len(BLOCKS) == len(EXPECTED)


@pytest.mark.parametrize(("block", "expected"), list(zip(BLOCKS, EXPECTED, strict=True)))
def test_example(folder: Path, block: str, expected: str):
    done = subprocess.run(
        [sys.executable, "-c", block],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(expected, done.stdout, re.M), done.stdout


def test_the_outputs_of_a_video(folder: Path):
    test_example(folder, BLOCKS[3], EXPECTED[3])
    assert len((folder / "faces.csv").read_text().splitlines()) == 6
    with VideoReader(folder / "annotated" / "clip-emotions.mp4") as reader:
        assert sum(1 for _ in reader) == 5
