"""Parts of self-contained HTML pages: one style, escaped text, embedded images."""

import base64
import hashlib
import html
import json
from collections.abc import Iterable, Sequence
from typing import Any

_STYLE = """
body { font: 16px/1.45 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem;
       color: #1b1b1b; background: #fff; overflow-wrap: anywhere }
h1, h2, h3 { line-height: 1.2 } h2 { margin-top: 2.5rem }
.wide { overflow-x: auto; margin: 1rem 0 } .wide img { min-width: 36rem; max-width: 100% }
table { border-collapse: collapse; overflow-wrap: normal }
th, td { padding: .2rem .8rem; text-align: right; vertical-align: top }
th + th, td + td { white-space: nowrap }
th:first-child, td:first-child { text-align: left; min-width: 5.5rem }
tr:nth-child(even) { background: #f4f4f4 }
thead th, tfoot td { border-bottom: 2px solid #888 } tfoot td { font-weight: 600 }
figure { margin: 1rem 0 } figcaption { font-weight: 600 } img, svg { max-width: 100%; height: auto }
dl { display: grid; grid-template-columns: auto 1fr; gap: .1rem 1rem } dt { font-weight: 600 }
dd { margin: 0 } details { margin: .5rem 0 } pre { white-space: pre-wrap }
.key { margin-right: 1.5rem }
.key i { display: inline-block; width: .9em; height: .9em; margin-right: .4em }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr)); gap: 1rem }
.grid figure { margin: 0 } .grid img { width: 6rem }
.grid figcaption { font-weight: 400; font-size: .85rem }
@media (max-width: 40rem) { th, td { padding: .2rem .35rem } }
@media print { body { font-size: 11px; max-width: none; margin: 0 } .wide { overflow: visible }
  .wide img { min-width: 0; max-width: 30rem } img { max-width: 20rem } .grid img { width: 4rem }
  th, td { padding: .1rem .35rem }
  figure, tr { break-inside: avoid } h2, h3 { break-after: avoid } }
"""


def page(
    title: str, parts: Iterable[str], style: str = "", script: str = "", media: bool = False
) -> str:
    """Render a complete HTML page, which loads nothing from a network.

    Args:
        title: Plain text; it is escaped.
        parts: HTML from the functions of this module, or escaped by the caller.
        style: Further CSS.
        script: The only JavaScript that runs, at the end of the page: its hash is in the policy.
        media: The page may play videos from the user's disk.
    """
    heading = html.escape(title)
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    if media:
        policy += "; media-src 'self' file: blob:"
    if script:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        policy += f"; script-src 'sha256-{digest}'"
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            f"<title>{heading}</title><style>{_STYLE}{style}</style></head><body>",
            f"<h1>{heading}</h1>",
            *parts,
            *([f"<script>{script}</script>"] if script else []),
            "</body></html>\n",
        ]
    )


def data_tag(name: str, value: Any) -> str:
    """Render data for a script: an element whose text is JSON, which no text in it can end.

    Args:
        name: Its id.
        value: The data, of native types.
    """
    text = json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return f'<script type="application/json" id="{html.escape(name)}">{text}</script>'


def image_tag(png: bytes, alt: str) -> str:
    """Render an image tag that embeds the bytes of a PNG file."""
    content = base64.b64encode(png).decode()
    return f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{content}">'


def wide_image(png: bytes, alt: str) -> str:
    """Render an image that scrolls sideways on a narrow screen, where it would be illegible."""
    return f'<div class="wide">{image_tag(png, alt)}</div>'


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], foot: Sequence[str] | None = None
) -> str:
    """Render a table of plain texts; a wide table scrolls sideways."""

    def row(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(c)}</{tag}>" for c in cells) + "</tr>"

    body = "".join(row(cells, "td") for cells in rows)
    end = f"<tfoot>{row(foot, 'td')}</tfoot>" if foot else ""
    return (
        f'<div class="wide"><table><thead>{row(head, "th")}</thead>'
        f"<tbody>{body}</tbody>{end}</table></div>"
    )
