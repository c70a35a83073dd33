"""Sound added to videos, by ffmpeg and by PyAV."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.odd_media import ffmpeg
from helpers.video_tools import codecs, fake_ffmpeg, hide, needs_ffmpeg, probe

from emorec.media import sound, video_programs
from emorec.media.sound import NO_PROGRAM, add_sound
from emorec.media.video_programs import Sound
from emorec.media.video_writer import VideoWriter

pytestmark = needs_ffmpeg


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A silent second before a tone of a second, in several codecs, and a silent video."""
    path = tmp_path_factory.mktemp("sound")
    tone = "aevalsrc='gt(t,1)*sin(2764*t)':s=16000:d=2"
    place = ("-metadata", "location=+48.8577+002.295/", "-metadata", "comment=at home")
    for name, codec in (("aac.mp4", "aac"), ("pcm.mov", "pcm_s16le"), ("ac3.mkv", "ac3")):
        ffmpeg("-f", "lavfi", "-i", tone, "-c:a", codec, *place, path / name)
    ffmpeg("-f", "lavfi", "-i", tone, "-ac", "2", "-c:a", "libopus", path / "opus.webm")
    for suffix in (".mp4", ".mkv", ".avi"):
        with VideoWriter(path / f"silent{suffix}", 10) as writer:
            for number in range(20):
                writer.write(np.full((48, 64, 3), 90, np.uint8), number / 10)
    return path


@pytest.fixture(params=["ffmpeg", "PyAV"])
def program(request, monkeypatch) -> str:
    hide(monkeypatch, ffmpeg=request.param == "PyAV", av=request.param == "ffmpeg")
    return request.param


def loudness(path: Path) -> list[float]:
    """Return the root mean square of the sound of each tenth of a second, 0 to 1."""
    import av

    with av.open(str(path)) as file:
        stream = file.streams.audio[0]
        parts = [(frame.time, frame.to_ndarray()) for frame in file.decode(stream)]
        rate = stream.rate
    samples = np.zeros(round(3 * rate))
    for time_s, values in parts:
        begin = round(time_s * rate)
        mono = (values if values.dtype.kind == "f" else values / 2**15).reshape(1, -1)[0]
        mono = mono[:: max(len(mono) // values.shape[-1], 1)] if values.shape[0] == 1 else values[0]
        if begin >= 0:
            samples[begin : begin + len(mono)] = mono[: len(samples) - begin]
    return [float(np.sqrt(np.mean(part**2))) for part in np.split(samples, 30)]


def with_sound(folder: Path, video: Path, source: str, begin_s: float, seconds: float) -> Path:
    """Copy the silent video to `video` and add sound to it."""
    video.write_bytes((folder / f"silent{video.suffix}").read_bytes())
    assert add_sound(Sound(video, folder / source, begin_s, seconds)) is None
    return video


@pytest.mark.parametrize(
    ("suffix", "source", "codec"),
    [
        (".mp4", "aac.mp4", "aac"),
        (".mp4", "ac3.mkv", "aac"),
        (".mp4", "pcm.mov", "aac"),
        (".mp4", "opus.webm", "opus"),
        (".mkv", "ac3.mkv", "ac3"),
        (".avi", "pcm.mov", "pcm_s16le"),
    ],
)
def test_sound_is_copied_or_encoded(folder, tmp_path: Path, program, suffix, source, codec):
    video = with_sound(folder, tmp_path / f"a{suffix}", source, 0, 2)
    assert codecs(video) == ["mjpeg" if suffix == ".avi" else "h264", codec]
    assert float(probe(video)["format"]["duration"]) == pytest.approx(2, abs=0.1)
    heard = loudness(video)
    assert max(heard[:9]) < 0.01
    assert min(heard[11:19]) > 0.3
    assert [path.name for path in tmp_path.iterdir()] == [video.name]


@pytest.mark.parametrize("source", ["aac.mp4", "ac3.mkv"])
def test_sound_begins_where_the_video_does(folder, tmp_path: Path, program, source):
    heard = loudness(with_sound(folder, tmp_path / "a.mp4", source, 0.5, 1))
    assert max(heard[:4]) < 0.01
    assert min(heard[6:9]) > 0.3
    assert max(heard[11:]) < 0.01


def test_nothing_else_of_the_source_is_copied(folder, tmp_path: Path, program):
    """Such as the place where the video was recorded."""
    assert "location" in str(probe(folder / "aac.mp4"))
    assert "at home" in str(probe(folder / "aac.mp4"))
    found = str(probe(with_sound(folder, tmp_path / "a.mp4", "aac.mp4", 0, 2)))
    assert "48.8577" not in found
    assert "at home" not in found


def test_a_source_without_sound(folder, tmp_path: Path, program):
    assert codecs(with_sound(folder, tmp_path / "a.mp4", "silent.mkv", 0, 2)) == ["h264"]


@pytest.mark.skipif(sys.platform == "win32", reason="names are text there")
def test_names_of_any_bytes(folder, tmp_path: Path, program):
    name = os.fsdecode(b"na:me \xe9 %d.mp4")
    assert codecs(with_sound(folder, tmp_path / name, "aac.mp4", 0, 2)) == ["h264", "aac"]


def test_a_source_that_is_no_video(folder, tmp_path: Path, program):
    video = tmp_path / "a.mp4"
    video.write_bytes(silent := (folder / "silent.mp4").read_bytes())
    (tmp_path / "b.mp4").write_text("text")
    reason = add_sound(Sound(video, tmp_path / "b.mp4", 0, 2))
    assert reason is not None
    assert reason.startswith(f"{program} failed to copy it (")
    assert "Invalid data" in reason
    assert video.read_bytes() == silent


def test_pyav_is_used_if_ffmpeg_fails(folder, tmp_path: Path, monkeypatch):
    video = tmp_path / "a.mp4"
    fake_ffmpeg(monkeypatch, tmp_path / "bin", "exit 1")
    video.write_bytes((folder / "silent.mp4").read_bytes())
    assert add_sound(Sound(video, folder / "aac.mp4", 0, 2)) is None
    monkeypatch.undo()
    assert codecs(video) == ["h264", "aac"]


def test_a_program_that_hangs(folder, tmp_path: Path, monkeypatch):
    hide(monkeypatch, av=True)
    fake_ffmpeg(monkeypatch, tmp_path / "bin", "exec sleep 1000")
    monkeypatch.setattr(sound, "_TIMEOUT_S", 0.2)
    monkeypatch.setattr(video_programs, "_PROBE_TIMEOUT_S", 0.2)
    video = tmp_path / "a.mp4"
    video.write_bytes((folder / "silent.mp4").read_bytes())
    reason = add_sound(Sound(video, folder / "aac.mp4", 0, 2))
    assert "timed out" in (reason or "")


def test_without_a_program(tmp_path: Path, monkeypatch):
    hide(monkeypatch, ffmpeg=True, av=True)
    assert add_sound(Sound(tmp_path / "a.mp4", tmp_path / "b.mp4", 0, 2)) == NO_PROGRAM
