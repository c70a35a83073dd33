"""The examples of docs/python.md run as written, and the page lists everything in emorec."""

import re
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
from helpers.tiny_data import make_prepared

import emorec
from emorec.media.video import VideoReader

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "python.md").read_text("utf-8")


def blocks_by_section() -> dict[str, list[str]]:
    """Return the examples of each section by its heading; "" for the beginning of the page."""
    found: dict[str, list[str]] = {}
    for section in re.split(r"^## ", f"\n{PAGE.partition(chr(10))[2]}", flags=re.M):
        if blocks := re.findall(r"```python\n(.*?)```", section, re.S):
            heading = section.partition("\n")[0]
            found[heading] = blocks
    return found


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
    make_prepared(folder / "FERPlus")
    emorec.prepare_data(folder / "FERPlus", folder / "FER-2013", policy="crossentropy", classes=8)
    return folder


EXPECTED = {
    "": [r"^Box\(x=\d+, y=\d+, width=\d+, height=\d+\) happy \d+%$"],
    "Faces": [r'^{"id": null, "box": \[\d+, .*"emotion": "happy", .*"uncertain": false}$'],
    "Many images, and pandas": [r"^0 +photos/a.jpg +1 +happy .*\n1 +photos/b.png +1 +happy "],
    "Another model, detector or region": [r"'contempt'"],
    "A video": [r"^4 0\.4\d* \d+ happy$"],
    "Data sets": [r"^\[\]\n\(84, 48, 48, 1\) uint8 \(84, 8\) \('angry', .*'contempt'\)$"],
    "Training": [r"^runs\S+ \d+\.\d% of the validation split\n\['[a-z]+'\]$"],
    "Experiments": [
        r"^1 complete {'learning_rate': 0\.\d+, 'dropout': .*\n2 complete .*\n\['0\.\d+', '0.+$"
    ],
    "Evaluation": [
        r"^\d+\.\d% \(\d+\.\d% to \d+\.\d%\)\nangry [01]\.\d+\n(.*\n){5,6}surprise [01]\."
    ],
    "The parts of `emorec detect`": [
        r"^5 frames, 1 face$",
        r"^photos/b.png ok 1$",
        r"^hidden: 1$",
    ],
}
"""What the examples of each section print."""

SLOW = ("Training", "Experiments")

EXAMPLES = [
    pytest.param(block, expected, id=heading, marks=[pytest.mark.slow] * (heading in SLOW))
    for heading, blocks in blocks_by_section().items()
    for block, expected in zip(blocks, EXPECTED.get(heading, []), strict=True)
]


@pytest.mark.parametrize(("block", "expected"), EXAMPLES)
def test_example(folder: Path, block: str, expected: str):
    done = subprocess.run(
        [sys.executable, "-c", block],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    loads_tensorflow = "emorec.train(" in block  # which prints to standard error as it starts
    assert done.stderr == "" or loads_tensorflow
    assert re.search(expected, done.stdout, re.M), done.stdout


def test_the_outputs_of_a_video(folder: Path):
    heading = "The parts of `emorec detect`"
    test_example(folder, blocks_by_section()[heading][0], EXPECTED[heading][0])
    assert len((folder / "faces.csv").read_text().splitlines()) == 6
    with VideoReader(folder / "annotated" / "clip-emotions.mp4") as reader:
        assert sum(1 for _ in reader) == 5


def test_the_page_lists_everything_in_emorec():
    table = PAGE[PAGE.index("## Everything in `emorec`") : PAGE.index("## The parts of")]
    cells = re.findall(r"^\| (`.*?) \|", table, re.M)
    assert sorted(re.findall(r"`(\w+)`", " ".join(cells))) == sorted(emorec.__all__)


def test_the_examples_need_nothing_else():
    """Those of the last section show the modules below."""
    for heading, blocks in blocks_by_section().items():
        for block in blocks:
            modules = set(re.findall(r"^(?:from|import) (emorec\S*)", block, re.M))
            assert modules <= {"emorec"} or heading == "The parts of `emorec detect`"
            names = re.findall(r"^from emorec import (.*)", block, re.M)
            used = {*", ".join(names).split(", "), *re.findall(r"\bemorec\.([a-z]\w+)\(", block)}
            assert used - {""} <= set(emorec.__all__)
