"""The installed Chromium, driven by Playwright, for tests of pages."""

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from helpers.app_server import RunningApp

TIMEOUT_MS = 120_000
"""Limits allow for a busy machine."""

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


@contextmanager
def app_page(context: BrowserContext, app: RunningApp) -> Iterator[Page]:
    """Open the page of the app, which must ask no other host and complain about nothing."""
    page = context.new_page()
    log = PageLog(page)
    page.goto(app.address)
    page.wait_for_selector("html[data-ready]")
    yield page
    own = (app.base, app.base.replace("http", "ws"), "blob:", "data:")
    assert log.foreign_requests(own) == []
    # Chromium reports answers to wrong input there, such as files that are no photos.
    expected = re.compile(r"status of (400|422)|net::ERR_FAILED")
    errors = [error for error in log.errors if not expected.search(error)]
    assert errors == [], errors


def violations(page: Page) -> list[str]:
    """Return the rules of axe-core that a page breaks."""
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return [f"{rule['id']}: {rule['nodes'][0]['html'][:120]}" for rule in found]


def downloaded(page: Page, click: Callable[[], Any]) -> bytes:
    """Return the file that a click downloads."""
    with page.expect_download() as download:
        click()
    return Path(download.value.path()).read_bytes()


def assert_a_phone_shows(page: Page) -> None:
    """Check that nothing is wider than 360 pixels, and all buttons fit a finger."""
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
    sizes = "all => all.filter(e => e.offsetParent).map(e => e.getBoundingClientRect().height)"
    buttons = page.locator("button:not(.face), a.button").evaluate_all(sizes)
    assert buttons
    assert min(buttons) >= 24
