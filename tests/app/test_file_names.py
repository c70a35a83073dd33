"""Names of clients become base names without control characters."""

import pytest

from emorec.app.file_names import clean_name, stem_of


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        (None, "image"),
        ("", "image"),
        ("photo.jpg", "photo.jpg"),
        ("../../etc/passwd", "passwd"),
        ("/etc/passwd", "passwd"),
        ("C:\\Users\\me\\photo.jpg", "photo.jpg"),
        ("..", "image"),
        (".hidden", "hidden"),
        ("a/", "image"),
        ("a\0b\n\x1b[31m.jpg", "ab[31m.jpg"),
        ("photo\u202egpj.exe", "photogpj.exe"),
        ("\ud800.jpg", "jpg"),
        ("Zoë 😀.jpg", "Zoë 😀.jpg"),
        ("x" * 300 + ".jpeg", "x" * 95 + ".jpeg"),
    ],
)
def test_names(name: str | None, cleaned: str):
    assert clean_name(name, "image") == cleaned


@pytest.mark.parametrize(("name", "stem"), [("a.jpg", "a"), ("a", "a"), ("a.b.jpg", "a.b")])
def test_stems(name: str, stem: str):
    assert stem_of(name) == stem
