import logging
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.video_tools import FFMPEG, codecs, fake_ffmpeg, hide, needs_ffmpeg

from emorec.errors import ConfigError, DataError
from emorec.media import video_encoders, video_writer
from emorec.media.video import VideoReader
from emorec.media.video_programs import CONTAINERS, H264, Ffmpeg
from emorec.media.video_writer import VideoWriter

VIDEOS = Path(__file__).parent / "videos"


def shade(value: int, size_wh: tuple[int, int] = (64, 48)) -> np.ndarray:
    return np.full((size_wh[1], size_wh[0], 3), value, np.uint8)


def record(
    target: Path,
    frames: int,
    error: type[BaseException] | None = None,
    size_wh: tuple[int, int] = (64, 48),
) -> None:
    """Write some frames, then fail."""
    with VideoWriter(target, 10) as writer:
        for number in range(frames):
            writer.write(shade(50, size_wh), number / 10)
        if error is not None:
            raise error


def read(path: Path) -> tuple[float, list[int]]:
    """Return the frame rate and the brightness of each frame."""
    with VideoReader(path) as reader:
        return reader.fps, [round(frame.image_bgr.mean()) for frame in reader]


@pytest.fixture(params=["ffmpeg", "PyAV", "OpenCV"])
def program(request, monkeypatch) -> str:
    """What encodes, in turn."""
    name = request.param
    if name == "ffmpeg" and FFMPEG is None:
        pytest.skip("ffmpeg is not installed")
    hide(monkeypatch, ffmpeg=name != "ffmpeg", av=name == "OpenCV")
    return name


@pytest.mark.parametrize(
    ("suffix", "fps"),
    [*((suffix, 24.7) for suffix in CONTAINERS), *((".MP4", fps) for fps in (5, 29.97003, 119.88))],
)
def test_frames_and_rate_are_kept(tmp_path: Path, program, suffix, fps):
    target = tmp_path / f"clip{suffix}"
    with VideoWriter(target, fps) as writer:
        for number in range(30):
            writer.write(shade(20 + 5 * number), number / fps)
        assert not target.exists()
    found, values = read(target)
    assert found == pytest.approx(fps, rel=1e-3)
    assert values == pytest.approx([20 + 5 * number for number in range(30)], abs=6)
    assert list(tmp_path.iterdir()) == [target]
    assert writer.encoder is not None
    assert (program if suffix != ".avi" else "OpenCV") in writer.encoder


@pytest.mark.parametrize("size_wh", [(1, 1), (63, 47), (64, 47), (63, 48)])
def test_odd_sizes_grow_by_a_pixel(tmp_path: Path, program, size_wh):
    """The pixels of the frame stay, and the last column and row are repeated."""
    image = shade(40, size_wh)
    image[:, -1] = image[-1] = 200
    target = tmp_path / "clip.mp4"
    with VideoWriter(target, 10) as writer:
        writer.write(image, 0)
    with VideoReader(target) as reader:
        (frame,) = list(reader)
    width, height = size_wh
    assert frame.size_wh == (width + width % 2, height + height % 2)
    assert (frame.image_bgr[height - 1 :] > 150).all()
    assert (frame.image_bgr[:, width - 1 :] > 150).all()


def test_the_encoder_is_logged(tmp_path: Path, caplog):
    with caplog.at_level(logging.INFO, "emorec"):
        record(tmp_path / "clip.avi", 1)
    assert f"{tmp_path / 'clip.avi'}: encoded by MJPG of OpenCV" in caplog.text


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
    hide(monkeypatch, ffmpeg=True, av=True)
    monkeypatch.setattr(video_encoders.cv2, "VideoWriter", _Closed)
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


@pytest.mark.parametrize("suffix", [".mp4", ".avi"])
@pytest.mark.parametrize("path", [None, ""])
def test_a_write_that_fails_leaves_no_video(tmp_path: Path, suffix, path, monkeypatch):
    if path is not None:
        monkeypatch.setenv("PATH", path)
    target = tmp_path / f"a{suffix}"
    command = [sys.executable, "-c", _NOISE, str(target)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, preexec_fn=_small_files
    )
    assert re.fullmatch(
        r".*: cannot write the video: "
        r"(the file lacks frames.*|ffmpeg was ended by SIGXFSZ|PyAV failed \(File too large\))",
        done.stdout.strip(),
    )
    assert list(tmp_path.iterdir()) == []


_DIES = "head -c 100000 >/dev/null; echo no space left >&2; exit 1"
_KILLED = "head -c 100000 >/dev/null; kill -9 $$"
_STUCK = "exec sleep 1000"
_STUCK_AT_THE_END = "cat >/dev/null; exec sleep 1000"


@pytest.mark.parametrize(
    ("script", "hangs", "reason"),
    [
        ("exit 3", False, "ffmpeg failed (exit code 3)"),
        (_DIES, False, "ffmpeg failed (no space left)"),
        (_KILLED, False, "ffmpeg was ended by SIGKILL"),
        (_STUCK, True, "ffmpeg did not answer and was ended"),
        (_STUCK_AT_THE_END, True, "ffmpeg did not answer and was ended"),
        ("cat >/dev/null", False, "the file lacks frames; is the disk full?"),
    ],
)
def test_a_program_that_fails_keeps_the_old_file(
    tmp_path: Path, monkeypatch, script, hangs, reason
):
    fake_ffmpeg(monkeypatch, tmp_path / "bin", script)
    if hangs:
        monkeypatch.setattr(video_encoders, "_FRAME_TIMEOUT_S", 0.5)
        monkeypatch.setattr(video_encoders, "_FINISH_TIMEOUT_S", 0.5)
    target = tmp_path / "a.mp4"
    target.write_text("old")
    with pytest.raises(DataError) as error:
        record(target, 5, size_wh=(320, 240))
    assert str(error.value) == f"{target}: cannot write the video: {reason}"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "bin"]
    assert target.read_text() == "old"


def test_a_program_that_cannot_be_started(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(
        video_writer, "find_h264", lambda: H264(Ffmpeg(str(tmp_path / "none")), "libx264")
    )
    with pytest.raises(DataError, match="ffmpeg cannot be started"):
        record(tmp_path / "a.mp4", 2)
    assert list(tmp_path.iterdir()) == []


# Sound


@needs_ffmpeg
@pytest.mark.parametrize("hidden", [{}, {"ffmpeg": True}])
@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".mkv"])
def test_sound_is_kept(tmp_path: Path, monkeypatch, suffix, hidden):
    target = tmp_path / f"a{suffix}"
    with monkeypatch.context() as patch:
        hide(patch, **hidden)
        with VideoWriter(target, 10, VIDEOS / "turned.mp4") as writer:
            for number in range(10):
                writer.write(shade(50), number / 10)
    assert writer.note is None
    assert codecs(target) == ["mjpeg" if suffix == ".avi" else "h264", "aac"]
    fps, values = read(target)
    assert (fps, len(values)) == (pytest.approx(10), 10)
    assert list(tmp_path.iterdir()) == [target]


_INSTALL = r"; install ffmpeg, or the extra video: .*pip install .*\[video\].*"


@pytest.mark.parametrize(
    ("suffix", "with_sound", "note"),
    [
        (".mp4", False, r"is MPEG-4, which browsers do not play" + _INSTALL),
        (".mp4", True, r"is MPEG-4, which browsers do not play and has no sound" + _INSTALL),
        (".avi", True, r"has no sound" + _INSTALL),
        (".avi", False, None),
    ],
)
def test_without_programs_a_note_says_what_to_install(
    tmp_path: Path, monkeypatch, suffix, with_sound, note
):
    hide(monkeypatch, ffmpeg=True, av=True)
    target = tmp_path / f"a{suffix}"
    with VideoWriter(target, 10, VIDEOS / "turned.mp4" if with_sound else None) as writer:
        writer.write(shade(50), 0)
    if note is None:
        assert writer.note is None
    else:
        assert re.fullmatch(f"{re.escape(str(target))}: {note}", writer.note)
    assert len(read(target)[1]) == 1


@needs_ffmpeg
def test_an_ffmpeg_without_h264(tmp_path: Path, monkeypatch):
    """PyAV encodes; without it OpenCV does, and ffmpeg copies the sound."""
    fake_ffmpeg(monkeypatch, tmp_path / "bin", f'exec {FFMPEG} "$@"', encoders="mpeg4")
    for av, encoder in ((False, "libx264 of PyAV"), (True, "mp4v of OpenCV")):
        hide(monkeypatch, av=av)
        target = tmp_path / "a.mp4"
        with VideoWriter(target, 10, VIDEOS / "turned.mp4") as writer:
            writer.write(shade(50), 0)
        assert writer.encoder == encoder
        assert codecs(target) == ["mpeg4" if av else "h264", "aac"]
        assert (writer.note is not None) == av


def test_failing_programs_cost_only_the_sound(tmp_path: Path, monkeypatch):
    hide(monkeypatch, av=True)
    fake_ffmpeg(monkeypatch, tmp_path / "bin", "echo no codec >&2; exit 1", encoders="none")
    with VideoWriter(tmp_path / "a.mp4", 10, VIDEOS / "turned.mp4") as writer:
        writer.write(shade(50), 0)
    assert writer.note is not None
    assert "has no sound; ffmpeg failed to copy it (no codec)" in writer.note
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "bin"]
