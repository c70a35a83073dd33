"""Sessions with all their files, which several tests read."""

from pathlib import Path

import pytest
from helpers.example_sessions import NAMED, TWO_PEOPLE, record, shots

from emorec.outputs.session.derived_files import write_session_files


@pytest.fixture(scope="package")
def one_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a session of one video; not to be changed."""
    base = tmp_path_factory.mktemp("one")
    clip = base / "a.avi"
    clip.write_bytes(b"video")
    folder = base / "out"
    record(folder, {str(clip): shots(10, *TWO_PEOPLE)}, derivation=NAMED)
    write_session_files(folder)
    return folder


@pytest.fixture(scope="package")
def two_videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a session of a video and a camera; not to be changed."""
    folder = tmp_path_factory.mktemp("two") / "out"
    videos = {"a.avi": shots(10, *TWO_PEOPLE), "0": shots(10, *reversed(TWO_PEOPLE))}
    record(folder, videos, derivation=NAMED)
    write_session_files(folder)
    return folder
