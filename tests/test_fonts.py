import sys
from pathlib import Path

import pytest
from helpers.made_font import ASCII, write_font

from emorec import fonts
from emorec.fonts import Font, drawable, escape, escaping_note, find_font, reads_right_to_left

MUEDE, ZLOJ, KANASHII, GHADIB = "müde", "злой", "悲しい", "غاضب"


@pytest.fixture(autouse=True)
def no_cache():
    fonts._font_with.cache_clear()
    yield
    fonts._font_with.cache_clear()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    """The only folder with fonts."""
    monkeypatch.setattr(fonts, "_BUNDLED", ())
    monkeypatch.setattr(fonts, "_fontconfig_match", lambda characters: None)
    monkeypatch.setattr(fonts, "_font_folders", lambda: [tmp_path / "none", tmp_path])
    return tmp_path


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("", ""),
        ("happy", "happy"),
        (MUEDE, r"m\xfcde"),
        (KANASHII, r"\u60b2\u3057\u3044"),
        ("😀", r"\U0001f600"),
        ("a\u200eb", "ab"),
    ],
)
def test_escape(text: str, escaped: str):
    assert escape(text) == escaped


@pytest.mark.parametrize("text", [MUEDE, ZLOJ, "λύπη", GHADIB, "mu\u0308de"])
def test_fonts_of_matplotlib_and_opencv_have_many_scripts(text: str):
    font = find_font(text)
    assert font is not None
    assert Path(font.path).name == "DejaVuSans.ttf"
    assert drawable(text) == text


def test_ascii_needs_no_font(monkeypatch):
    monkeypatch.setattr(fonts, "find_font", lambda text: pytest.fail("asked for a font"))
    assert drawable("happy 93%") == "happy 93%"
    assert escaping_note(["happy", "sad"]) is None


def test_a_font_of_the_usual_folders(folder: Path):
    write_font(folder / "Latin.ttf", ASCII)
    assert find_font(KANASHII) is None
    fonts._font_with.cache_clear()
    (folder / "cjk").mkdir()
    path = write_font(folder / "cjk" / "Made.ttf", ASCII + KANASHII)
    assert find_font(KANASHII) == find_font("7 悲しい 93%") == Font(str(path))
    assert find_font(MUEDE) is None
    assert drawable(f"{KANASHII} 9%") == f"{KANASHII} 9%"
    assert drawable(MUEDE) == r"m\xfcde"


def test_fonts_that_do_not_help(folder: Path):
    """Without letters of ASCII, with empty glyphs, with a box for everything, and damaged."""
    write_font(folder / "Symbols.ttf", KANASHII)
    write_font(folder / "Blank.ttf", ASCII, blank=KANASHII)
    write_font(folder / "LastResort.otf", ASCII + KANASHII)
    (folder / "damaged.ttf").write_bytes(b"\0\1\0\0" + bytes(100))
    (folder / "empty.ttc").touch()
    (folder / "notes.txt").write_text("no font")
    assert find_font(KANASHII) is None


def test_upright_fonts_without_serifs_come_first(folder: Path):
    for name in ("ASerif.ttf", "BSans-Bold.ttf", "CSans.ttf", "DSansMono.ttf"):
        write_font(folder / name, ASCII + KANASHII)
    assert find_font(KANASHII) == Font(str(folder / "CSans.ttf"))


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("2\n{path}", 2),
        ("65538\n{path}", 2),  # a named instance of a variable font
        ("", None),
        ("x\n{path}", None),
    ],
)
def test_fontconfig_is_asked(folder: Path, monkeypatch, output: str, expected):
    program = folder / "bin" / "fc-match"
    program.parent.mkdir()
    path = folder / "x.ttc"
    program.write_text(
        f"#!/bin/sh\necho \"$@\" > '{folder}/asked'\nprintf '{output}'\n".format(path=path)
    )
    program.chmod(0o755)
    monkeypatch.undo()
    monkeypatch.setenv("PATH", str(program.parent))
    found = fonts._fontconfig_match(frozenset("悲し"))
    assert found == (None if expected is None else Font(str(path), expected))
    assert "charset=3057 60b2" in (folder / "asked").read_text()


def test_without_fontconfig(monkeypatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert fonts._fontconfig_match(frozenset("悲")) is None


@pytest.mark.parametrize(
    ("platform", "last"), [("win32", "Fonts"), ("darwin", "Fonts"), ("linux", ".fonts")]
)
def test_font_folders(monkeypatch, platform: str, last: str):
    monkeypatch.setattr(sys, "platform", platform)
    folders = fonts._font_folders()
    assert len(folders) >= 2
    assert folders[-1].name == last


def test_without_pillow_names_are_escaped(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.delitem(sys.modules, "PIL.ImageFont", raising=False)
    assert drawable(MUEDE) == r"m\xfcde"
    note = escaping_note(["happy", MUEDE, ZLOJ])
    assert note is not None
    assert note.startswith(r"labels drawn with escapes such as m\xfcde: müde, злой; Pillow is not")
    assert "[plots]" in note


def test_a_script_that_pillow_cannot_shape(monkeypatch):
    monkeypatch.setattr(fonts, "shapes_text", lambda: False)
    assert find_font(GHADIB) is None
    assert find_font(MUEDE) is not None
    assert "raqm" in (escaping_note([GHADIB, MUEDE]) or "")


def test_the_note_says_what_helps(folder: Path):
    write_font(folder / "Latin.ttf", ASCII + "ü")
    note = escaping_note(["happy", MUEDE, KANASHII])
    assert note == (
        r"labels drawn with escapes such as \u60b2\u3057\u3044: 悲しい; "
        "no installed font has these characters; install one, such as a Noto font"
    )
    assert escaping_note([MUEDE]) is None


@pytest.mark.parametrize(
    ("text", "expected"), [("", False), (KANASHII, False), ("7 93%", False), (GHADIB, True)]
)
def test_reads_right_to_left(text: str, expected: bool):
    assert reads_right_to_left(text) is expected
