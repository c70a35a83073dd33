from pathlib import Path

import pytest

from emorec.media.addresses import is_camera, is_url, is_video, output_stem, shown_name


@pytest.mark.parametrize(
    ("source", "camera", "url", "is_one"),
    [
        ("", False, False, False),
        ("0", True, False, True),
        ("12", True, False, True),
        ("-1", False, False, False),
        ("1234", False, False, False),
        ("²", False, False, False),
        ("a.jpg", False, False, False),
        ("a.MP4", False, False, True),
        ("mp4", False, False, False),
        ("rtsp://host/a", False, True, True),
        ("HTTPS://host/a.jpg", False, True, True),
        ("file:///a.txt", False, False, False),
        ("concat:a|b", False, False, False),
    ],
)
def test_recognition(source, camera, url, is_one):
    assert (is_camera(source), is_url(source), is_video(source)) == (camera, url, is_one)


def test_a_file_may_be_called_like_a_camera(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("0").write_text("")
    assert not is_camera("0")


@pytest.mark.parametrize(
    ("source", "shown", "name"),
    [
        ("a/b.mp4", "a/b.mp4", "b"),
        ("7", "7", "camera-7"),
        ("rtsp://user:word@host/a@b", "rtsp://host/a@b", "b"),
        ("rtsp://user:word@host", "rtsp://host", "host"),
        ("https://host/x/day 1.mp4?key=1/2#a", "https://host/x/day 1.mp4?key=1/2#a", "day_1"),
        ("http://host/..", "http://host/..", "stream"),
        ("http://host/%2e%2e%2fa", "http://host/%2e%2e%2fa", "_2e_2e_2fa"),
    ],
)
def test_names_for_messages_and_outputs(source, shown, name):
    assert (shown_name(source), output_stem(source)) == (shown, name)
