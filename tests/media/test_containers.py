import io
from pathlib import Path

import numpy as np
import pytest
from helpers.clips import Placed as Face
from helpers.clips import draw, write_clip
from helpers.odd_media import cover_first, ffmpeg, write_frames

from emorec.media.containers import Container, TrackFilter, read_container
from emorec.media.video_tracks import VideoTrack

FRAMES = 50


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same 50 frames of 160x96 pixels in many containers."""
    folder = tmp_path_factory.mktemp("containers")
    images = [draw([Face(40 + n, 48, 40)], (160, 96)) for n in range(FRAMES)]
    pattern = write_frames(folder / "frames", images)
    start = ["-framerate", "25", "-i", pattern, "-pix_fmt", "yuv420p"]
    ffmpeg(*start, "-c:v", "mpeg4", "-g", "50", folder / "clip.mp4")
    copied = ["-i", folder / "clip.mp4", "-c", "copy"]
    for name in ("clip.mkv", "clip.mov", "clip.avi", "clip.ts"):
        ffmpeg(*copied, folder / name)
    ffmpeg(*copied, "-movflags", "faststart", folder / "faststart.mp4")
    ffmpeg(*copied, "-movflags", "frag_keyframe+empty_moov", folder / "fragmented.mp4")
    # The frames before the cut stay in the file, and an edit list leaves them out.
    ffmpeg("-ss", "1", *copied, folder / "trimmed.mp4")
    ffmpeg(*copied, "-f", "matroska", "-live", "1", folder / "live.mkv")
    return folder


def container_of(path: Path) -> Container:
    with path.open("rb") as file:
        return read_container(file)


@pytest.mark.parametrize(
    ("name", "counts", "tracks"),
    [
        ("clip.mp4", {FRAMES}, [160 * 96]),
        ("faststart.mp4", {FRAMES}, [160 * 96]),
        ("clip.mov", {FRAMES}, [160 * 96]),
        ("clip.avi", {FRAMES}, []),
        ("fragmented.mp4", set(), [160 * 96]),
        ("trimmed.mp4", set(), [160 * 96]),
        ("clip.mkv", set(), [160 * 96]),
        ("live.mkv", set(), [160 * 96]),
        ("clip.ts", set(), []),
    ],
)
def test_what_a_container_states(folder: Path, name, counts, tracks):
    found = container_of(folder / name)
    assert found.frame_counts == counts
    assert [track.pixels for track in found.tracks] == tracks
    assert found.missing_bytes == 0


@pytest.mark.parametrize("name", ["faststart.mp4", "clip.mkv", "clip.avi"])
def test_a_truncated_file(folder: Path, tmp_path: Path, name):
    data = (folder / name).read_bytes()
    cut = tmp_path / name
    cut.write_bytes(data[:-1000])
    assert container_of(cut).missing_bytes == pytest.approx(1000, abs=1)


@pytest.mark.parametrize("name", ["live.mkv", "clip.ts"])
def test_a_container_without_a_length_is_not_called_truncated(folder: Path, tmp_path: Path, name):
    cut = tmp_path / name
    cut.write_bytes((folder / name).read_bytes()[:-1000])
    assert container_of(cut).missing_bytes == 0


def test_avi_of_a_killed_recorder(tmp_path: Path):
    data = bytearray(write_clip(tmp_path / "a.avi", [np.zeros((48, 64, 3), np.uint8)]).read_bytes())
    for length in (0, 2**32 - 1):
        data[4:8] = length.to_bytes(4, "little")
        assert read_container(io.BytesIO(data)).missing_bytes == 0


def test_tracks_of_a_cover(tmp_path: Path):
    cover = np.zeros((512, 512, 3), np.uint8)
    images = [np.zeros((48, 64, 3), np.uint8)] * 5
    for suffix in (".mkv", ".mp4"):
        target = cover_first(tmp_path / f"cover{suffix}", cover, images)
        found = container_of(target)
        assert [track.pixels for track in found.tracks] == [512 * 512, 64 * 48]


def test_random_damage_raises_nothing(folder: Path):
    rng = np.random.default_rng(0)
    for name in ("clip.mp4", "faststart.mp4", "fragmented.mp4", "clip.mkv", "clip.avi"):
        source = (folder / name).read_bytes()
        source = source[:600] + source[-4000:]
        for _ in range(300):
            data = bytearray(source)
            for place in rng.integers(0, len(data), 20):
                data[place] = rng.integers(0, 256)
            found = read_container(io.BytesIO(data[: rng.integers(len(data))]))
            assert found.missing_bytes >= 0


@pytest.mark.parametrize("step", [1, 3, 4, 7, 100])
@pytest.mark.parametrize("offset", [0, 5, 17])
def test_hidden_tracks(step, offset):
    stream = TrackFilter(io.BytesIO(bytes(20)), [VideoTrack(1, offset, b"free")])
    read = b"".join(iter(lambda: stream.read(step), b""))
    expected = bytearray(20)
    expected[offset : offset + 4] = b"free"
    assert read == bytes(expected[:20])
    stream.seek(offset)
    buffer = bytearray(2)
    assert stream.readinto(buffer) == 2
    assert buffer == b"fr"


def test_input_errors_read_as_the_end():
    class Failing(io.BytesIO):
        def read(self, size=-1):
            raise OSError("Input/output error")

    stream = TrackFilter(Failing(b"abc"))
    assert stream.read(3) == b""
    assert stream.seek(-5) == -1
