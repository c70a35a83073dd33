"""The installed Chromium, driven by Playwright, for tests of pages."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def chromium_path() -> str:
    """Return the path of the installed Chromium; skip the test where there is none."""
    for name in _NAMES:
        if place := shutil.which(name):
            return place
    pytest.skip("no Chromium to open the pages with; on Debian: apt-get install chromium")


@contextmanager
def chromium(*arguments: str) -> Iterator[Browser]:
    """Start a headless Chromium, which ends with the block.

    Args:
        arguments: Further arguments of its command line, e.g. of fake cameras.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path(), args=["--no-sandbox", *arguments]
        )
        try:
            yield browser
        finally:
            browser.close()


class PageLog:
    """What a page asked for and complained about, from now on.

    Attributes:
        requests: Addresses of all requests.
        errors: Messages of the console of type error, and uncaught exceptions.
    """

    def __init__(self, page: Page) -> None:
        self.requests: list[str] = []
        self.errors: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on(
            "console",
            lambda message: self.errors.append(message.text) if message.type == "error" else None,
        )

    def foreign_requests(self, own: Sequence[str] = ("file:", "data:", "blob:")) -> list[str]:
        """Return the requests whose addresses do not begin with one of `own`."""
        return [url for url in self.requests if not url.startswith(tuple(own))]
