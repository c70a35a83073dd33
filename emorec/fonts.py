"""Finds installed fonts for texts outside ASCII, and escapes texts that no font here can draw.

Pillow, which opens the fonts, is optional; it comes with matplotlib. Neither is imported for ASCII.
"""

import os
import string
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

_BUNDLED = (
    ("matplotlib", "mpl-data/fonts/ttf/DejaVuSans.ttf"),
    ("cv2", "qt/fonts/DejaVuSans.ttf"),  # in the wheels with windows for Linux
)
"""Fonts of other packages: Latin, Cyrillic, Greek, Arabic and others, without Chinese."""

_SUFFIXES = (".ttf", ".ttc", ".otf", ".otc")
_NO_LETTERS = ("lastresort", "adobeblank", "adobenotdef")
"""Fonts with a box, or nothing, for every character."""

_ASCII = frozenset(string.ascii_letters + string.digits + string.punctuation)
"""A font must have these too, as a text is drawn with one font."""

_CHECK_PX = 24
_NOT_A_CHARACTER = "\uffff"
_INVISIBLE = ("Cf", "Zs")
"""Unicode categories of characters without a glyph of their own."""

_FC_MATCH_S = 5


@dataclass(frozen=True)
class Font:
    """A font file.

    Attributes:
        path: The file.
        index: The font in a collection, from 0.
    """

    path: str
    index: int = 0

    def at_size(self, em_px: int) -> "FreeTypeFont":
        """Open the font.

        Args:
            em_px: Size of the em square in pixels.
        """
        return _opened(self, em_px)


@lru_cache(maxsize=64)
def _opened(font: Font, em_px: int) -> "FreeTypeFont":
    from PIL import ImageFont

    return ImageFont.truetype(font.path, em_px, index=font.index)


def find_font(text: str) -> Font | None:
    """Find a font with all characters of a text, and with those of ASCII.

    Returns:
        The font; None if Pillow is not installed, no font has the characters, or Pillow cannot
        shape their script (Arabic, Thai and others, without the library raqm).
    """
    return _font_with(frozenset(c for c in unicodedata.normalize("NFC", text) if not c.isascii()))


@lru_cache(maxsize=256)
def _font_with(characters: frozenset[str]) -> Font | None:
    if not _has_pillow() or (any(map(_is_shaped, characters)) and not shapes_text()):
        return None
    needed = characters | _ASCII
    return next((font for font in _fonts(characters) if _has_glyphs(font, needed)), None)


def _has_pillow() -> bool:
    try:
        from PIL import ImageFont  # noqa: F401
    except ImportError:
        return False
    return True


def shapes_text() -> bool:
    """Check that Pillow can join letters, place marks and order text from right to left."""
    from PIL import features

    return bool(features.check("raqm"))


def reads_right_to_left(text: str) -> bool:
    """Check whether a text has letters of a script that is read from right to left."""
    return any(unicodedata.bidirectional(character) in ("R", "AL") for character in text)


def _is_shaped(character: str) -> bool:
    return reads_right_to_left(character) or unicodedata.category(character) in ("Mn", "Mc", "Me")


def escape(text: str) -> str:
    r"""Replace the characters outside ASCII by escapes, such as \xfc; invisible ones vanish."""
    visible = (c for c in text if c.isascii() or unicodedata.category(c) != "Cf")
    return "".join(visible).encode("ascii", "backslashreplace").decode("ascii")


def drawable(text: str) -> str:
    """Return a text as it is drawn: itself, or escaped if no font has its characters."""
    return text if text.isascii() or find_font(text) is not None else escape(text)


def escaping_note(names: Iterable[str]) -> str | None:
    """Say which names are drawn escaped, why, and what helps; None if none is."""
    escaped = [name for name in names if drawable(name) != name]
    if not escaped:
        return None
    text = f"labels drawn with escapes such as {escape(escaped[0])}: {', '.join(escaped)}"
    if not _has_pillow():
        from emorec.installation import install_command

        return f"{text}; Pillow is not installed; install it with: {install_command('plots')}"
    if any(map(_is_shaped, "".join(escaped))) and not shapes_text():
        return f"{text}; this Pillow lacks raqm, which joins and orders their letters"
    return f"{text}; no installed font has these characters; install one, such as a Noto font"


def _fonts(characters: frozenset[str]) -> Iterator[Font]:
    """Yield fonts that may have the characters: of packages, of fontconfig, of usual folders."""
    from importlib.util import find_spec

    for package, inner in _BUNDLED:
        spec = find_spec(package)  # imports nothing
        for location in (spec.submodule_search_locations or ()) if spec else ():
            yield Font(str(Path(location, inner)))
    matched = _fontconfig_match(characters)
    if matched is not None:
        yield matched
    for folder in _font_folders():
        yield from map(Font, _font_files(folder))


def _fontconfig_match(characters: frozenset[str]) -> Font | None:
    """Ask fontconfig, the font service of Linux and others, for the best font."""
    import subprocess

    points = " ".join(f"{ord(character):x}" for character in sorted(characters))
    command = ["fc-match", "-f", "%{index}\n%{file}", f"sans-serif:charset={points}"]
    try:
        done = subprocess.run(
            command, capture_output=True, encoding="utf-8", timeout=_FC_MATCH_S, check=True
        )
        index, path = done.stdout.split("\n")
        # The upper half is the number of a named instance of a variable font.
        return Font(path, int(index) & 0xFFFF)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def _font_folders() -> list[Path]:
    home = Path("~").expanduser()
    if sys.platform == "win32":
        windows = os.environ.get("WINDIR", r"C:\Windows")
        local = os.environ.get("LOCALAPPDATA", str(home / "AppData" / "Local"))
        return [Path(windows, "Fonts"), Path(local, "Microsoft", "Windows", "Fonts")]
    if sys.platform == "darwin":
        return [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts"]
    shared = [Path("/usr/share/fonts"), Path("/usr/local/share/fonts")]
    return [*shared, home / ".local/share/fonts", home / ".fonts"]


def _font_files(folder: Path) -> list[str]:
    """List the font files below a folder, upright ones without serifs first."""

    def rank(path: str) -> tuple[bool, bool, str]:
        name = Path(path).stem.lower()
        styled = any(word in name for word in ("bold", "italic", "oblique", "light", "mono"))
        return styled, "sans" not in name, path

    found = [str(Path(where, name)) for where, _, names in os.walk(folder) for name in names]
    return sorted((path for path in found if path.lower().endswith(_SUFFIXES)), key=rank)


def _has_glyphs(font: Font, characters: Iterable[str]) -> bool:
    """Check that a font has a visible glyph of its own for each character."""
    from PIL import ImageFont

    if Path(font.path).stem.lower().startswith(_NO_LETTERS):
        return False
    try:
        # Without shaping, each character shows its own glyph.
        basic = ImageFont.Layout.BASIC
        opened = ImageFont.truetype(font.path, _CHECK_PX, font.index, layout_engine=basic)
        missing = _glyph(opened, _NOT_A_CHARACTER)
        return all(
            unicodedata.category(character) in _INVISIBLE
            or _glyph(opened, character) not in (missing, None)
            for character in characters
        )
    except (OSError, ValueError):  # no font, damaged, or without outlines at this size
        return False


def _glyph(font: "FreeTypeFont", character: str) -> tuple[tuple[int, int], bytes] | None:
    mask = font.getmask(character)
    pixels = bytes(mask)
    return (mask.size, pixels) if any(pixels) else None
