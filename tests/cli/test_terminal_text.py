import pytest

from emorec.cli.terminal_text import one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("plain text", "plain text"),
        ("two\nlines\r\n\tand more", "two lines and more"),
        ("\x1b]0;title\x07name", "?]0;title?name"),
        ("a\udcff.jpg", "a?.jpg"),
        ("\u202egpj.exe", "?gpj.exe"),
        ("Müller 表情.jpg", "Müller 表情.jpg"),
    ],
)
def test_one_line(text, shown):
    assert one_line(text) == shown
