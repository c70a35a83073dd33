import os
import re
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from helpers.clips import write_clip

from emorec.errors import ConfigError, DataError
from emorec.media import video_decoder
from emorec.media.video import VideoReader
from emorec.media.video_decoder import VideoDecoder, VideoRequest

VIDEOS = Path(__file__).parent / "videos"


def shades(count: int, size_wh: tuple[int, int] = (64, 48)) -> list[np.ndarray]:
    """Frames whose brightness encodes their number."""
    width, height = size_wh
    return [np.full((height, width, 3), 10 + 4 * number, np.uint8) for number in range(count)]


def noise(count: int) -> list[np.ndarray]:
    """Frames that all have the same encoded size."""
    return list(np.random.default_rng(0).integers(0, 255, (count, 48, 64, 3), np.uint8))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", shades(50), fps=25)


def numbers(reader: VideoReader) -> list[int | None]:
    with reader:
        return [frame.number for frame in reader]


def test_passwords_are_not_shown():
    with pytest.raises(DataError, match=r"^rtsp://127\.0\.0\.1:1/: the video cannot be opened"):
        VideoReader("rtsp://user:word@127.0.0.1:1/")


# Frames and times


def test_frames_times_and_size(clip: Path):
    with VideoReader(clip) as reader:
        assert (reader.size_wh, reader.frame_count, reader.fps) == ((64, 48), 50, 25)
        assert not reader.live
        frames = list(reader)
    assert [frame.number for frame in frames] == list(range(50))
    assert [frame.time_s for frame in frames] == pytest.approx([n / 25 for n in range(50)])
    assert [frame.image_bgr.mean() for frame in frames] == pytest.approx(
        [10 + 4 * number for number in range(50)], abs=5
    )
    assert reader.problem is None


def test_times_at_a_variable_rate():
    with VideoReader(VIDEOS / "varying.mp4") as reader:
        times = [frame.time_s for frame in reader]
    expected = [n / 10 for n in range(10)] + [n / 30 for n in range(30, 45)]
    assert times == pytest.approx(expected, abs=1e-3)


def test_the_rate_is_measured_where_a_long_last_frame_distorts_the_mean():
    decoder = VideoDecoder(VideoRequest(str(VIDEOS / "turned.mp4")))
    decoder._nominal_fps = 9.5
    assert decoder.fps == pytest.approx(10)


def test_frames_are_upright():
    with VideoReader(VIDEOS / "turned.mp4") as reader:
        assert reader.size_wh == (48, 64)
        frames = list(reader)
    assert len(frames) == 10
    assert {frame.image_bgr.shape for frame in frames} == {(64, 48, 3)}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, range(50)),
        ({"every": 7}, range(0, 50, 7)),
        ({"every": 1000}, [0]),
        ({"start_s": 1}, range(25, 50)),
        ({"end_s": 1}, range(25)),
        ({"start_s": 0.5, "end_s": 1, "every": 5}, [15, 20]),
        ({"start_s": 1, "end_s": 100}, range(25, 50)),
    ],
)
def test_parts(clip: Path, options, expected):
    reader = VideoReader(clip, **options)
    assert reader.expected_frames == pytest.approx(len(expected), abs=1)
    assert numbers(reader) == list(expected)
    assert reader.problem is None


@pytest.mark.parametrize(
    "options",
    [
        {"every": 0},
        {"start_s": -1},
        {"start_s": float("nan")},
        {"start_s": 2, "end_s": 2},
        {"end_s": float("nan")},
    ],
)
def test_invalid_parts(clip: Path, options):
    with pytest.raises(ConfigError):
        VideoReader(clip, **options)


def test_a_part_beyond_the_end(clip: Path):
    with pytest.raises(DataError, match=r"no frame in the requested part; the video is 2\.0 s"):
        numbers(VideoReader(clip, start_s=60))


def test_times_that_do_not_increase_follow_the_rate(clip: Path, monkeypatch):
    monkeypatch.setattr(video_decoder.cv2, "CAP_PROP_POS_MSEC", 10_000)  # unknown: always 0
    times = [frame.time_s for frame in VideoDecoder(VideoRequest(str(clip)))]
    assert times == pytest.approx([n / 25 for n in range(50)])


# Damage


def broken(name: str, data: bytes, path: Path) -> Path:
    target = path / name
    target.write_bytes(data)
    return target


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.mp4", None, "no such file"),
        ("empty.mp4", b"", r"empty \(0 bytes\)"),
        ("text.mp4", b"no video" * 100, "cannot be opened; is it damaged"),
        ("concat:a|b.mp4", None, "no such file"),
        ("%02d.mp4", None, "no such file"),
    ],
)
def test_files_that_are_not_videos(tmp_path: Path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        VideoReader(tmp_path / name)


def test_paths_that_are_not_files(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.mp4")
    for path in (tmp_path, tmp_path / "pipe.mp4"):
        with pytest.raises(DataError, match="not a regular file"):
            VideoReader(path)


def test_a_pattern_of_images_is_not_a_video(tmp_path: Path):
    for number in range(3):
        (tmp_path / f"{number}.txt").write_text("a")
    (tmp_path / "%d.txt").write_text("a")
    with pytest.raises(DataError, match="cannot be opened"):
        VideoReader(tmp_path / "%d.txt")


def test_a_missing_camera():
    with pytest.raises(DataError, match=r"^987: the camera cannot be opened"):
        VideoReader(987)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_truncated_file_yields_its_frames_and_a_problem(tmp_path: Path, share):
    data = write_clip(tmp_path / "whole.avi", noise(50)).read_bytes()
    reader = VideoReader(broken("cut.avi", data[: int(share * len(data))], tmp_path))
    found = numbers(reader)
    assert found == list(range(len(found)))
    assert len(found) == pytest.approx(share * 50, abs=6)
    assert reader.problem is not None
    assert re.search(r"the file is truncated: \d+ bytes are missing", reader.problem)


def test_a_truncated_index(clip: Path, tmp_path: Path):
    with pytest.raises(DataError, match="cannot be opened"):
        VideoReader(broken("cut.mp4", clip.read_bytes()[:-600], tmp_path))


def test_damaged_frames_are_skipped(tmp_path: Path):
    path = write_clip(tmp_path / "whole.avi", noise(60))
    data = bytearray(path.read_bytes())
    # The frames in the middle, including their headers.
    middle = range(len(data) * 4 // 10, len(data) * 5 // 10)
    data[middle.start : middle.stop] = bytes(len(middle))
    reader = VideoReader(broken("bad.avi", bytes(data), tmp_path))
    found = numbers(reader)
    assert found == sorted(set(found))
    assert 45 <= len(found) < 60
    assert reader.problem is not None


def test_random_damage_raises_at_most_a_data_error(tmp_path: Path):
    source = (VIDEOS / "turned.mp4").read_bytes()
    rng = np.random.default_rng(1)
    ends = {"frames": 0, "errors": 0}
    for _ in range(60):
        data = bytearray(source)
        for place in rng.integers(0, len(data), 40):
            data[place] = rng.integers(0, 256)
        try:
            path = broken("bad.mp4", bytes(data), tmp_path)
            found = [frame.number for frame in VideoDecoder(VideoRequest(str(path)))]
            assert found == sorted(set(found))
            ends["frames"] += 1
        except DataError as error:
            ends["errors"] += str(error).startswith(str(tmp_path))
    assert min(ends.values()) > 0


def test_huge_frames_are_rejected(clip: Path, monkeypatch):
    monkeypatch.setattr(video_decoder, "MAX_PIXELS", 64 * 48 - 1)
    with pytest.raises(DataError, match="64x48 pixels"):
        VideoDecoder(VideoRequest(str(clip)))


# Streams


@pytest.fixture
def server(tmp_path: Path):
    """Address of a server for the folder `tmp_path`."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format, *args):
            pass

    handler = partial(Quiet, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{served.server_port}"
        served.shutdown()


def test_an_address(server: str, clip: Path, tmp_path: Path):
    (tmp_path / "clip.mp4").write_bytes(clip.read_bytes())
    reader = VideoReader(f"{server}/clip.mp4")
    assert not reader.live
    assert numbers(reader) == list(range(50))
    with pytest.raises(DataError, match=r"none\.mp4: the server answered 404"):
        VideoReader(f"{server}/none.mp4")
