"""session.html in Chromium, beside the video that it describes."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.browser import PageLog, chromium
from helpers.example_sessions import HAPPY, SAD, record, shots
from helpers.odd_media import ffmpeg
from playwright.sync_api import Browser, Page, expect

from emorec.outputs.session.derived_files import write_session_files
from emorec.outputs.session.session_file import Derivation

pytestmark = pytest.mark.slow

FRAMES = [{1: HAPPY}] * 10 + [{1: SAD, 2: HAPPY}] * 10 + [{2: HAPPY}] * 10
"""Three seconds: Anna is happy for one and sad for one, face 2 is happy for two."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session beside its video."""
    if not shutil.which("ffmpeg"):
        pytest.skip(
            "no ffmpeg to make a video that browsers play; on Debian: apt-get install ffmpeg"
        )
    base = tmp_path_factory.mktemp("page")
    clip = base / "a clip.webm"
    ffmpeg("-f", "lavfi", "-i", "testsrc=size=320x240:rate=10:duration=3", clip)
    out = base / "out"
    record(out, {str(clip): shots(10, *FRAMES), "0": shots(10, {1: SAD})})
    write_session_files(out, Derivation(persons={(clip.name, 1): "Anna"}))
    return out


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser: Browser, folder: Path) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1000, "height": 900})
    log = PageLog(page)
    page.goto((folder / "session.html").as_uri())
    wait_until(page, "document.getElementById('video').readyState >= 2")
    yield page
    assert log.errors == []
    assert log.foreign_requests() == []
    page.close()


def wait_until(page: Page, condition: str) -> None:
    """Wait for a condition in JavaScript; the page's policy forbids Playwright's own way."""
    deadline = time.monotonic() + 30
    while not page.evaluate(condition):
        assert time.monotonic() < deadline
        page.wait_for_timeout(20)


def current_s(page: Page) -> float:
    return float(page.evaluate("document.getElementById('video').currentTime"))


def track(page: Page, person: str):
    return page.get_by_role("slider", name=f"Time line of {person}", exact=True)


def test_a_click_goes_to_that_time(page: Page):
    anna = track(page, "Anna")
    anna.scroll_into_view_if_needed()
    box = anna.bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 40)
    assert current_s(page) == pytest.approx(1.5, abs=0.02)
    expect(anna).to_have_attribute("aria-valuetext", "0:01.5, sad 75%")
    expect(track(page, "a clip.webm-2")).to_have_attribute("aria-valuetext", "0:01.5, happy 75%")


def test_keys(page: Page):
    anna = track(page, "Anna")
    anna.focus()
    found = []
    for key in ("ArrowRight", "Shift+ArrowRight", "ArrowLeft", "End", "Home", "PageUp"):
        page.keyboard.press(key)
        found.append(round(current_s(page), 2))
    assert found == [0.1, 1.1, 1.0, 3.0, 0.0, 3.0]
    expect(anna).to_have_attribute("aria-valuetext", "0:03.0, not seen")
    page.keyboard.press("Home")
    page.keyboard.press("Space")
    wait_until(page, "document.getElementById('video').currentTime > 0.3")
    page.keyboard.press("Space")
    assert page.evaluate("document.getElementById('video').paused")
    assert float(anna.get_attribute("aria-valuenow") or 0) > 0.2


def test_filters(page: Page):
    rows = page.locator("#people tbody tr:visible")
    expect(rows).to_have_count(3)
    page.get_by_role("checkbox", name="Anna", exact=True).uncheck()
    expect(track(page, "Anna")).to_be_hidden()
    expect(track(page, "a clip.webm-2")).to_be_visible()
    expect(rows).to_have_count(2)
    painted = "canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)"
    painted = f"canvas => {{ const d = ({painted})(canvas).data; return d.some(v => v) }}"
    canvas = track(page, "a clip.webm-2").locator("canvas")
    assert canvas.evaluate(painted)
    page.get_by_role("checkbox", name="happy").uncheck()
    page.get_by_role("checkbox", name="sad").uncheck()
    assert not canvas.evaluate(painted)


def test_boxes_are_drawn_over_the_video(page: Page):
    painted = """() => {
      const boxes = document.getElementById("boxes");
      return boxes.getContext("2d").getImageData(0, 0, boxes.width, boxes.height).data.some(v => v);
    }"""
    assert page.evaluate(painted)
    page.get_by_role("checkbox", name="Boxes").uncheck()
    assert not page.evaluate(painted)


def test_another_video_has_no_file(page: Page):
    page.get_by_label("Video", exact=True).select_option("camera-0")
    expect(page.locator("#video")).to_be_hidden()
    expect(page.get_by_role("status")).to_contain_text("no video file")
    expect(track(page, "camera-0-1")).to_be_visible()
    expect(track(page, "Anna")).to_have_count(0)


def test_a_moved_video_can_be_chosen(browser: Browser, folder: Path, tmp_path: Path):
    shutil.copy(folder / "session.html", tmp_path / "session.html")
    page = browser.new_page()
    page.goto((tmp_path / "session.html").as_uri())
    expect(page.get_by_role("status")).to_contain_text("cannot be played")
    page.get_by_label("Video file on this computer").set_input_files(folder.parent / "a clip.webm")
    wait_until(page, "document.getElementById('video').readyState >= 2")
    expect(page.locator("#video")).to_be_visible()
    track(page, "Anna").press("End")
    assert current_s(page) == pytest.approx(3, abs=0.02)
    page.close()


@pytest.mark.parametrize("width", [320, 360, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off_and_all_texts_have_contrast(
    browser: Browser, folder: Path, width: int, scheme: str
):
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.goto((folder / "session.html").as_uri())
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    lowest = page.evaluate(
        """() => {
          const luminance = text => {
            const parts = text.match(/[\\d.]+/g).slice(0, 3).map(part => part / 255)
              .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
            return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
          };
          const ground = element => {
            const color = getComputedStyle(element).backgroundColor;
            return color === "rgba(0, 0, 0, 0)" && element.parentElement
              ? ground(element.parentElement) : color;
          };
          const texts = [...document.querySelectorAll("h1, h2, p, td, th, label, legend, b, span")]
            .filter(element => element.textContent.trim() && element.offsetParent);
          return Math.min(...texts.map(element => {
            const one = luminance(getComputedStyle(element).color);
            const other = luminance(ground(element));
            return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
          }));
        }"""
    )
    assert lowest >= 4.5, "WCAG AA"
    page.close()
