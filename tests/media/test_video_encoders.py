"""Encoders by themselves; test_video_writer.py writes videos with them."""

import sys
from pathlib import Path

import numpy as np
import pytest

from emorec.media.video_encoders import EncoderError, OpenCvEncoder, ProgramEncoder, last_line
from emorec.media.video_programs import RawVideo

IMAGE = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        (b"", ""),
        (b"\n \n", ""),
        (b"first\nsecond\n", "second"),
        (b"no space left\nConversion failed!\n", "no space left"),
        (b"caf\xe9", "caf\ufffd"),
    ],
)
def test_the_last_line(messages: bytes, expected: str):
    assert last_line(messages) == expected


def program(tmp_path: Path, text: str) -> ProgramEncoder:
    return ProgramEncoder([sys.executable, "-c", text, str(tmp_path / "out")], "the program")


def test_a_program_receives_the_pixels_of_views_too(tmp_path: Path):
    copy = "import sys; open(sys.argv[1], 'wb').write(sys.stdin.buffer.read())"
    encoder = program(tmp_path, copy)
    encoder.write(IMAGE)
    encoder.write(IMAGE[::-1])
    encoder.finish()
    assert (tmp_path / "out").read_bytes() == IMAGE.tobytes() + IMAGE[::-1].tobytes()
    encoder.abort()


def test_a_program_that_fails_at_the_end(tmp_path: Path):
    encoder = program(tmp_path, "import sys; sys.stdin.buffer.read(); sys.exit('a reason')")
    encoder.write(IMAGE)
    with pytest.raises(EncoderError, match=r"^the program failed \(a reason\)$"):
        encoder.finish()
    encoder.abort()


def test_a_program_that_is_aborted(tmp_path: Path):
    encoder = program(tmp_path, "import time; time.sleep(1000)")
    encoder.write(IMAGE)
    encoder.abort()
    assert encoder._process.returncode is not None


def test_opencv_reports_what_it_cannot_write(tmp_path: Path):
    with pytest.raises(EncoderError, match="cannot write 6x4 pixels at 10 frames/s there"):
        OpenCvEncoder(str(tmp_path / "none" / "a.avi"), ".avi", RawVideo((6, 4), 10))
