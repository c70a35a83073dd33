"""Makes font files whose glyphs are rectangles, each of a different width."""

import string
from pathlib import Path

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

ASCII = string.ascii_letters + string.digits + string.punctuation


def write_font(path: Path, characters: str, blank: str = "") -> Path:
    """Write a TrueType font.

    Args:
        path: The file; its stem is the name of the family.
        characters: Characters with a rectangle as glyph.
        blank: Characters with an empty glyph.
    """
    names = {character: f"u{ord(character):04x}" for character in characters + blank}
    order = [".notdef", *names.values()]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(order)
    builder.setupCharacterMap({ord(character): name for character, name in names.items()})
    glyphs = {}
    for number, name in enumerate(order):
        pen = TTGlyphPen(None)
        if name not in [names[character] for character in blank]:
            right = 200 + 5 * (number % 100)
            pen.moveTo((50, 0))
            for point in ((50, 700), (right, 700), (right, 0)):
                pen.lineTo(point)
            pen.closePath()
        glyphs[name] = pen.glyph()
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics(dict.fromkeys(order, (800, 50)))
    builder.setupHorizontalHeader(ascent=900, descent=-200)
    builder.setupNameTable({"familyName": path.stem, "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)
    return path
