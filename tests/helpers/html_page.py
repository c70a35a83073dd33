"""Parsing of the HTML pages that emorec writes."""

import base64
import re
from html.parser import HTMLParser

import cv2
import numpy as np
import numpy.typing as npt

_BEGIN = "data:image/png;base64,"


def _decoded(source: str) -> npt.NDArray[np.uint8]:
    assert source.startswith(_BEGIN)
    data = np.frombuffer(base64.b64decode(source.removeprefix(_BEGIN)), np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert image is not None
    return image


def assert_self_contained(text: str) -> None:
    """Check that a page loads nothing and forbids loading."""
    assert not re.search(r"https?://|<script|<link|@import|url\(", text)
    assert "default-src 'none'" in text


class Page(HTMLParser):
    """The tags and text of a page; fails on tags that are not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def images(self) -> list[npt.NDArray[np.uint8]]:
        """Decode all images; fails on one that is not embedded."""
        sources = [str(attributes["src"]) for tag, attributes in self.tags if tag == "img"]
        return [_decoded(source) for source in sources]

    def handle_data(self, data: str) -> None:
        self.text += data
