import sys

import pytest

from emorec.shell_words import quoted


@pytest.mark.parametrize(
    ("word", "posix", "windows"),
    [
        ("", "''", '""'),
        ("photos", "photos", "photos"),
        ("emorec[train]", "'emorec[train]'", '"emorec[train]"'),
        ("numpy>=1.26", "'numpy>=1.26'", '"numpy>=1.26"'),
        ("my photos", "'my photos'", '"my photos"'),
        (r"C:\photos\a.jpg", r"'C:\photos\a.jpg'", r"C:\photos\a.jpg"),
        (r"C:\my photos", r"'C:\my photos'", r'"C:\my photos"'),
        ("@list.txt", "@list.txt", '"@list.txt"'),
        ("a&b", "'a&b'", '"a&b"'),
        ("tür", "'tür'", "tür"),
    ],
)
def test_words(monkeypatch: pytest.MonkeyPatch, word: str, posix: str, windows: str):
    monkeypatch.setattr(sys, "platform", "linux")
    assert quoted(word) == posix
    monkeypatch.setattr(sys, "platform", "win32")
    assert quoted(word) == windows
