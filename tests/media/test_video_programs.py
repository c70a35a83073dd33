"""The programs that are found, and the commands for them; test_video_writer.py runs them."""

from pathlib import Path

import pytest
from helpers.video_tools import fake_ffmpeg, hide

from emorec.media.video_programs import (
    Ffmpeg,
    PyAv,
    RawVideo,
    Sound,
    encoder_options,
    find_h264,
    installed_programs,
)

VIDEO = RawVideo((320, 240), 29.97)


@pytest.mark.parametrize(
    ("hidden", "names"),
    [
        ({"ffmpeg": True, "av": True}, []),
        ({"ffmpeg": True}, ["PyAV"]),
        ({"av": True}, ["ffmpeg"]),
        ({}, ["ffmpeg", "PyAV"]),
    ],
)
def test_installed_programs(tmp_path: Path, monkeypatch, hidden, names):
    fake_ffmpeg(monkeypatch, tmp_path / "bin", "exit")
    hide(monkeypatch, **hidden)
    assert [program.name for program in installed_programs()] == names


@pytest.mark.parametrize(
    ("encoders", "found"),
    [
        ("libx264", "libx264 of ffmpeg"),
        ("libopenh264", "libopenh264 of ffmpeg"),
        ("libx264rgb", None),
        ("mpeg4", None),
        ("", None),
    ],
)
def test_find_h264(tmp_path: Path, monkeypatch, encoders, found):
    fake_ffmpeg(monkeypatch, tmp_path / "bin", "exit", encoders=encoders)
    hide(monkeypatch, av=True)
    h264 = find_h264()
    assert (None if h264 is None else str(h264)) == found


@pytest.mark.parametrize("content", ["#!/bin/sh\nexit 1\n", "no program"])
def test_an_ffmpeg_that_does_not_run_has_no_encoders(tmp_path: Path, content):
    program = tmp_path / "ffmpeg"
    program.write_text(content)
    program.chmod(0o755)
    assert Ffmpeg(str(program)).encoders() == frozenset()


def test_pyav_has_h264_and_lists_no_decoders():
    encoders = PyAv().encoders()
    assert {"libx264", "aac"} <= encoders
    assert "h264" not in encoders


@pytest.mark.parametrize(
    ("encoder", "expected"),
    [
        ("libx264", {"g": "60", "bf": "0", "preset": "veryfast", "crf": "20"}),
        ("libopenh264", {"g": "60", "bf": "0", "b": "345254"}),
    ],
)
def test_encoder_options(encoder, expected):
    assert encoder_options(encoder, VIDEO) == expected


def test_both_programs_receive_the_options():
    target = Path("a.mp4")
    ffmpeg = Ffmpeg("/usr/bin/ffmpeg").encoding("libopenh264", VIDEO, target)
    assert ffmpeg[ffmpeg.index("-b:v") + 1] == "345254"
    assert ffmpeg[-1] == f"file:{target.absolute()}"
    assert "b=345254" in PyAv().encoding("libopenh264", VIDEO, target)


@pytest.mark.parametrize(
    ("suffix", "codecs", "expected"),
    [
        (".mp4", [], False),
        (".mp4", ["aac", "opus"], False),
        (".mp4", ["aac", "ac3"], True),
        (".mov", ["opus"], True),
        (".mkv", ["ac3"], False),
        (".AVI", ["pcm_s16le"], False),
    ],
)
def test_sound_that_must_be_encoded(suffix, codecs, expected):
    sound = Sound(Path(f"a{suffix}"), Path("b.mp4"), 0.0, 1.0)
    assert sound.must_encode(codecs) is expected
