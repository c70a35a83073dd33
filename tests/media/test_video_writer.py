import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from emorec.errors import ConfigError, DataError
from emorec.media import video_writer
from emorec.media.video import VideoReader
from emorec.media.video_writer import CODECS, VideoWriter

VIDEOS = Path(__file__).parent / "videos"

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


def shade(value: int, size_wh: tuple[int, int] = (64, 48)) -> np.ndarray:
    return np.full((size_wh[1], size_wh[0], 3), value, np.uint8)


def record(target: Path, frames: int, error: type[BaseException] | None = None) -> None:
    """Write some frames, then fail."""
    with VideoWriter(target, 10) as writer:
        for number in range(frames):
            writer.write(shade(50), number / 10)
        if error is not None:
            raise error


def read(path: Path) -> tuple[float, list[int]]:
    """Return the frame rate and the brightness of each frame."""
    with VideoReader(path) as reader:
        return reader.fps, [round(frame.image_bgr.mean()) for frame in reader]


@pytest.mark.parametrize("suffix", [*CODECS, ".MP4"])
@pytest.mark.parametrize("fps", [5, 24.7, 30000 / 1001, 119.88])
def test_frames_and_rate_are_kept(tmp_path: Path, suffix, fps):
    target = tmp_path / f"clip{suffix}"
    with VideoWriter(target, fps) as writer:
        for number in range(30):
            writer.write(shade(20 + 5 * number), number / fps)
        assert not target.exists()
    found, values = read(target)
    assert found == pytest.approx(fps, rel=1e-3)
    assert values == pytest.approx([20 + 5 * number for number in range(30)], abs=6)
    assert list(tmp_path.iterdir()) == [target]


def test_without_frames_there_is_no_file(tmp_path: Path):
    with VideoWriter(tmp_path / "clip.mp4", 30):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([7.0], [20]),
        ([0, 0.1, 0.2], [20, 60, 100]),
        ([5, 5.1, 5.2], [20, 60, 100]),
        ([0, 0.3, 0.4], [20, 20, 20, 60, 100]),
        ([0, 0.01, 0.1], [60, 100]),
        ([0, 0.14, 0.16], [20, 60, 100]),
    ],
)
def test_a_variable_rate_becomes_constant(tmp_path: Path, times, expected):
    target = tmp_path / "clip.mp4"
    with VideoWriter(target, 10) as writer:
        for number, time_s in enumerate(times):
            writer.write(shade(20 + 40 * number), time_s)
    assert read(target)[1] == pytest.approx(expected, abs=10)


def test_a_wrong_time_does_not_fill_the_disk(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(video_writer, "_LONGEST_HOLD_S", 1.0)
    target = tmp_path / "clip.mp4"
    with VideoWriter(target, 10) as writer:
        for time_s in (0, 1e9, 1e9 + 0.1):
            writer.write(shade(90), time_s)
    assert len(read(target)[1]) == 12


def test_frames_are_resized_to_the_first(tmp_path: Path):
    with VideoWriter(tmp_path / "clip.mp4", 10) as writer:
        writer.write(shade(50), 0)
        writer.write(shade(90, (128, 128)), 0.1)
    with VideoReader(tmp_path / "clip.mp4") as reader:
        assert [frame.size_wh for frame in reader] == [(64, 48)] * 2


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_early_end_leaves_a_readable_video(tmp_path: Path, error):
    target = tmp_path / "clip.mp4"
    with pytest.raises(error):
        record(target, 5, error)
    assert len(read(target)[1]) == 5


@pytest.mark.parametrize(("name", "fps"), [("a.webm", 30), ("a", 30), ("a.mp4", 0), ("a.mp4", 999)])
def test_unknown_suffixes_and_rates(tmp_path: Path, name, fps):
    with pytest.raises(ConfigError):
        VideoWriter(tmp_path / name, fps)


def test_a_missing_folder(tmp_path: Path):
    with pytest.raises(DataError, match="the folder does not exist"):
        record(tmp_path / "none" / "a.mp4", 2)


class _Closed:
    """An encoder that does not open."""

    fourcc = cv2.VideoWriter.fourcc

    def __init__(self, *_):
        pass

    def isOpened(self):  # noqa: N802
        return False

    def release(self):
        pass


def test_an_encoder_that_does_not_open(tmp_path: Path, monkeypatch):
    target = tmp_path / "a.mp4"
    target.write_text("old")
    monkeypatch.setattr(video_writer.cv2, "VideoWriter", _Closed)
    with pytest.raises(DataError, match="cannot write 64x48 pixels at 10 frames/s"):
        record(target, 2)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]
    assert target.read_text() == "old"


def test_a_full_disk_is_detected_while_writing(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(video_writer, "_LEAST_FREE_BYTES", 2**62)
    target = tmp_path / "a.mp4"
    target.write_text("old")
    with pytest.raises(DataError, match="the disk is full"):
        record(target, 3)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]
    assert target.read_text() == "old"


_NOISE = """
import sys, numpy as np
from pathlib import Path
from emorec.errors import DataError
from emorec.media.video_writer import VideoWriter
noise = np.random.default_rng(0).integers(0, 255, (20, 240, 320, 3), np.uint8)
try:
    with VideoWriter(Path(sys.argv[1]), 10) as writer:
        for number, image in enumerate(noise):
            writer.write(image, number / 10)
except DataError as error:
    print(error)
"""


def _small_files() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".mkv"])
def test_a_write_that_fails_leaves_no_video(tmp_path: Path, suffix):
    target = tmp_path / f"a{suffix}"
    command = [sys.executable, "-c", _NOISE, str(target)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, preexec_fn=_small_files
    )
    assert "cannot write the video: the file lacks frames" in done.stdout
    assert list(tmp_path.iterdir()) == []


# Sound


def has_sound(path: Path) -> bool:
    command = ["ffprobe", "-v", "error", "-select_streams", "a", "-show_entries", "stream=index"]
    done = subprocess.run([*command, str(path)], capture_output=True, check=True)
    return b"index" in done.stdout


@needs_ffmpeg
@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".mkv"])
def test_sound_is_kept(tmp_path: Path, suffix):
    target = tmp_path / f"a{suffix}"
    with VideoWriter(target, 10, VIDEOS / "turned.mp4") as writer:
        for number in range(10):
            writer.write(shade(50), number / 10)
    assert writer.note is None
    assert has_sound(target)
    fps, values = read(target)
    assert (fps, len(values)) == (pytest.approx(10), 10)
    assert list(tmp_path.iterdir()) == [target]


@needs_ffmpeg
def test_a_source_without_sound(tmp_path: Path):
    with VideoWriter(tmp_path / "a.mp4", 10, VIDEOS / "varying.mp4") as writer:
        writer.write(shade(50), 0)
    assert writer.note is None
    assert not has_sound(tmp_path / "a.mp4")


def test_without_ffmpeg_the_video_is_silent_and_has_a_note(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with VideoWriter(tmp_path / "a.mp4", 10, VIDEOS / "turned.mp4") as writer:
        writer.write(shade(50), 0)
    assert writer.note is not None
    assert "install ffmpeg" in writer.note
    assert len(read(tmp_path / "a.mp4")[1]) == 1


def test_a_failing_ffmpeg_costs_only_the_sound(tmp_path: Path, monkeypatch):
    program = tmp_path / "bin" / "ffmpeg"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho no codec >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    with VideoWriter(tmp_path / "a.mp4", 10, VIDEOS / "turned.mp4") as writer:
        writer.write(shade(50), 0)
    assert writer.note is not None
    assert "no codec" in writer.note
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "bin"]
