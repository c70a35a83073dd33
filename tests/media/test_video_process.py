import gc
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from helpers.clips import write_clip
from helpers.faulty_opencv import write_faulty_opencv

from emorec.errors import DataError
from emorec.media import video_process
from emorec.media.video import VideoReader
from emorec.media.video_decoder import VideoDecoder, VideoRequest

ROOT = Path(__file__).resolve().parents[2]


def noise(count: int, size_wh: tuple[int, int] = (64, 48)) -> list[np.ndarray]:
    width, height = size_wh
    return list(np.random.default_rng(0).integers(0, 255, (count, height, width, 3), np.uint8))


@pytest.fixture
def faulty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for videos whose decoder fails at the sixth frame, as their names say."""
    monkeypatch.syspath_prepend(write_faulty_opencv(tmp_path / "opencv"))
    return tmp_path


def runs(pid: int) -> bool:
    """Whether a process runs, and is not only waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("size_wh", [(64, 48), (322, 242)])
def test_frames_are_those_of_the_decoder(tmp_path: Path, monkeypatch, shared, size_wh):
    if not shared:
        monkeypatch.setattr(video_process, "_memory_file", lambda: None)
    path = write_clip(tmp_path / "a.avi", noise(20, size_wh))
    decoded = list(VideoDecoder(VideoRequest(str(path))))
    with VideoReader(path) as reader:
        received = list(reader)
    assert [frame.number for frame in received] == list(range(20))
    assert [frame.time_s for frame in received] == [frame.time_s for frame in decoded]
    for one, other in zip(received, decoded, strict=True):
        assert (one.image_bgr == other.image_bgr).all()
        assert one.size_wh == other.size_wh
    # Later frames do not overwrite earlier ones, and they can be modified.
    received[0].image_bgr[:] = 0


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("crash", "the decoder crashed"),
        ("hang", "no frame came for 1 s, and the decoder was ended"),
        ("memory", "decoding needs more memory than the limit of 4 GiB"),
        ("opencv", "decoding needs more memory than the limit of 4 GiB"),
    ],
)
def test_a_failing_decoder_costs_one_video(faulty: Path, name, reason):
    whole = write_clip(faulty / "whole.avi", noise(20))
    bad = faulty / f"{name}.avi"
    bad.write_bytes(whole.read_bytes())
    with VideoReader(whole) as reader:
        assert len(list(reader)) == 20
    received = []
    with VideoReader(bad) as reader:
        reader._process._watchdog.timeout_s = 1
        with pytest.raises(DataError) as raised:
            received.extend(reader)
    assert str(raised.value).startswith(f"{bad}: {reason} after 5 frames")
    assert [frame.number for frame in received] == list(range(5))


def test_a_bug_is_not_called_damage(faulty: Path):
    bad = write_clip(faulty / "bug.avi", noise(20))
    with VideoReader(bad) as reader, pytest.raises(RuntimeError, match="KeyError: 'bug'"):
        list(reader)


@pytest.mark.slow
def test_a_slow_consumer_is_no_timeout(tmp_path: Path):
    path = write_clip(tmp_path / "a.avi", noise(20))
    with VideoReader(path) as reader:
        reader._process._watchdog.timeout_s = 1
        frames = iter(reader)
        next(frames)
        time.sleep(2.5)
        assert len(list(frames)) == 19


@pytest.mark.slow
def test_frames_that_are_skipped_count_as_life(tmp_path: Path, monkeypatch):
    path = write_clip(tmp_path / "a.avi", noise(20))
    slow = tmp_path / "slow"
    slow.mkdir()
    text = Path(write_faulty_opencv(slow), "cv2.py").read_text()
    (slow / "cv2.py").write_text(
        text.replace(
            "self.count += 1",
            "self.count += 1; time.sleep(0.2 * (self is opened[0] and self.count < 21))",
        )
    )
    monkeypatch.syspath_prepend(str(slow))
    with VideoReader(path, every=19) as reader:
        reader._process._watchdog.timeout_s = 2
        assert [frame.number for frame in reader] == [0, 19]


def test_closing_ends_the_child(tmp_path: Path):
    reader = VideoReader(write_clip(tmp_path / "a.avi", noise(200)))
    pid = reader._process._process.pid
    next(iter(reader))
    assert runs(pid)
    reader.close()
    assert not runs(pid)
    reader.close()


def test_a_reader_that_is_not_closed_ends_its_child(tmp_path: Path):
    reader = VideoReader(write_clip(tmp_path / "a.avi", noise(200)))
    pid = reader._process._process.pid
    assert runs(pid)
    del reader
    gc.collect()
    assert not runs(pid)


def test_a_video_of_unknown_size(tmp_path: Path, monkeypatch):
    path = write_clip(tmp_path / "a.avi", noise(5))
    folder = Path(write_faulty_opencv(tmp_path / "sizeless"))
    text = (folder / "cv2.py").read_text()
    getter = (
        "    def get(self, key):\n        return 0.0 if key in (3, 4) else self.real.get(key)\n\n"
    )
    text = text.replace("    def grab(self)", f"{getter}    def grab(self)")
    (folder / "cv2.py").write_text(text)
    monkeypatch.syspath_prepend(str(folder))
    with VideoReader(path) as reader:
        assert reader.size_wh == (0, 0)
        assert [frame.size_wh for frame in reader] == [(64, 48)] * 5


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
def test_the_child_ends_with_its_parent(faulty: Path):
    path = write_clip(faulty / "hang.avi", noise(20))
    program = (
        "import sys\n"
        "from emorec.media.video import VideoReader\n"
        f"sys.path[:] = {sys.path!r}\n"
        "reader = VideoReader(sys.argv[1])\n"
        "print(reader._process._process.pid, flush=True)\n"
        "list(reader)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, cwd=ROOT
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        time.sleep(1)
        assert runs(child)
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
        end = time.monotonic() + 20
        while runs(child) and time.monotonic() < end:
            time.sleep(0.05)
        assert not runs(child)
