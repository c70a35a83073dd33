"""The pages in Chromium: each tab, blur, a phone's width, keyboard only, accessibility."""

import base64
import io
import json
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.app_server import RunningApp, running_app
from helpers.browser import (
    TIMEOUT_MS,
    app_page,
    assert_a_phone_shows,
    chromium,
    downloaded,
    violations,
)
from helpers.clips import Placed, crossing, draw, write_clip
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from emorec import EmotionRecognizer
from emorec.media.video_writer import VideoWriter
from emorec.outputs.records import image_record

pytestmark = pytest.mark.slow

expect.set_options(timeout=TIMEOUT_MS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="module")
def photo(folder: Path) -> Path:
    path = folder / "two <b>faces.png"
    cv2.imwrite(str(path), draw([Placed(120, 125), Placed(350, 145, 130)]))
    return path


@pytest.fixture(scope="module")
def clip(folder: Path) -> Path:
    images = (draw(faces, (320, 240)) for faces in crossing(46))
    return write_clip(folder / "clip.avi", images, 15)


@pytest.fixture(scope="module")
def long_clip(folder: Path) -> Path:
    images = (draw(faces, (320, 240)) for faces in crossing(300))
    return write_clip(folder / "long clip.avi", images, 30)


@pytest.fixture(scope="module")
def app(folder: Path) -> Iterator[RunningApp]:
    with running_app(folder) as running:
        yield running


@pytest.fixture(scope="module")
def browser(folder: Path) -> Iterator[Browser]:
    """A browser whose camera shows two faces."""
    frame = cv2.imencode(".jpg", draw([Placed(200, 220, 160), Placed(460, 240, 160)], (640, 480)))
    camera = folder / "camera.mjpeg"
    camera.write_bytes(frame[1].tobytes() * 10)
    fake = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with chromium(*fake, f"--use-file-for-fake-video-capture={camera}") as running:
        yield running


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(TIMEOUT_MS)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, app: RunningApp) -> Iterator[Page]:
    with app_page(context, app) as page:
        yield page


def assert_nothing_is_kept(page: Page, app: RunningApp) -> None:
    """Wait until the server has removed the folders of all sessions."""
    (own,) = app.temporary.glob("emorec-app-*")
    deadline = time.monotonic() + 60
    while any(path.is_dir() for path in own.iterdir()) and time.monotonic() < deadline:
        page.wait_for_timeout(50)
    assert [path.name for path in own.iterdir() if path.is_dir()] == []


def choose_photo(page: Page, photo: Path, faces: int = 2) -> None:
    page.set_input_files("#photo-files", [str(photo)])
    expect(page.locator("#photo-list .face")).to_have_count(faces)


def test_a_photo_has_the_faces_of_detect(page: Page, photo: Path):
    assert page.url.endswith("/#photo"), "the token has left the address"
    choose_photo(page, photo)
    image = cv2.imread(str(photo))
    faces = EmotionRecognizer().recognize(image)
    record = image_record(photo.name, (480, 270), faces)
    rows = page.locator("#photo-table tbody tr")
    expect(rows).to_have_count(2)
    for number, face in enumerate(record["faces"]):
        cells = rows.nth(number).locator("th, td").all_inner_texts()
        shares = [f"{100 * share:.1f}" for share in face["probabilities"].values()]
        assert cells[:3] == [photo.name, str(number + 1), face["emotion"]]
        assert cells[4] == "Why?"
        assert cells[5:] == shares
        box = page.locator("#photo-list .face").nth(number)
        shown = box.evaluate("box => [box.style.left, box.style.top, box.style.width]")
        x, y, width, _ = face["box"]
        expected = [100 * x / 480, 100 * y / 270, 100 * width / 480]
        assert [float(text.rstrip("%")) for text in shown] == pytest.approx(expected, abs=0.01)
        box.focus()
        bars = box.locator(".bar-value").all_inner_texts()
        assert len(bars) == len(shares) == 7
        expect(box.locator(".bars")).to_be_visible()
    document = json.loads(downloaded(page, page.locator("#photo-json").click))
    assert document["images"] == [record]
    assert downloaded(page, page.get_by_role("button", name="as PNG").click)[:4] == b"\x89PNG"
    with zipfile.ZipFile(io.BytesIO(downloaded(page, page.locator("#photo-zip").click))) as files:
        assert "results.csv" in files.namelist()


TRANSFER = """([name, text]) => {
    const transfer = new DataTransfer();
    const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
    transfer.items.add(new File([bytes], name, { type: "image/png" }));
    return transfer;
}"""
"""What a drop or a paste of a file holds."""


def test_photos_are_dropped_and_pasted(page: Page, photo: Path):
    text = base64.b64encode(photo.read_bytes()).decode()
    dropped, pasted = (
        page.evaluate_handle(TRANSFER, [name, text]) for name in ("dropped.png", "pasted.png")
    )
    page.dispatch_event("#photo-drop", "drop", {"dataTransfer": dropped})
    expect(page.locator("#photo-list .face")).to_have_count(2)
    page.evaluate(
        "data => document.dispatchEvent(new ClipboardEvent('paste', "
        "{ clipboardData: data, bubbles: true }))",
        pasted,
    )
    expect(page.locator("#photo-list .face")).to_have_count(4)
    names = page.locator("#photo-table tbody th").all_inner_texts()
    assert names == ["dropped.png"] * 2 + ["pasted.png"] * 2
    document = json.loads(downloaded(page, page.locator("#photo-json").click))
    image = cv2.imread(str(photo))
    expected = [
        image_record(name, (480, 270), EmotionRecognizer().recognize(image))
        for name in ("dropped.png", "pasted.png")
    ]
    assert document["images"] == expected


def test_why(page: Page, photo: Path):
    choose_photo(page, photo)
    page.locator("#photo-table button").nth(1).click()
    image = page.locator("#why-image")
    expect(image).to_be_visible()
    assert image.evaluate("image => image.naturalWidth") >= 480
    expect(page.locator("#why-title")).to_have_text("Why happy?")
    page.keyboard.press("Escape")
    expect(page.locator("#why")).to_be_hidden()
    page.locator("#photo-list .face").first.click()
    expect(image).to_be_visible()
    page.get_by_role("button", name="Close").click()
    expect(page.locator("#why")).to_be_hidden()


def test_settings_change_the_result(page: Page, photo: Path):
    choose_photo(page, photo)
    page.select_option("#setting-classes", "8")
    expect(page.locator("#photo-table thead")).to_contain_text("contempt")
    page.select_option("#setting-detector", "none")
    expect(page.locator("#photo-list .face")).to_have_count(1)
    expect(page.locator("#setting-detector-text")).to_contain_text("each image is taken as one")


def test_a_file_that_is_no_photo(page: Page, folder: Path):
    broken = folder / "broken.jpg"
    broken.write_bytes(b"no image")
    page.set_input_files("#photo-files", [str(broken)])
    expect(page.locator("figcaption")).to_contain_text("broken.jpg: not a readable image")


def test_the_camera_follows_faces_and_stores_nothing(page: Page, app: RunningApp):
    page.click("#tab-camera")
    page.click("#camera-start")
    expect(page.locator("#camera-stage .face")).to_have_count(2)
    expect(page.locator("#camera-lines .person")).to_have_count(2)
    labels = page.locator("#camera-stage .face-label").all_inner_texts()
    assert sorted(label.split()[0] for label in labels) == ["1", "2"]
    (own,) = app.temporary.glob("emorec-app-*")
    assert [path.name for path in own.iterdir() if path.is_dir()] == []
    page.click("#camera-record")
    expect(page.locator("#camera-record")).to_have_attribute("aria-pressed", "true")
    frames = int(page.get_attribute("#camera-stage", "data-frames") or 0)
    page.wait_for_selector(f"#camera-stage:not([data-frames='{frames}'])")
    page.wait_for_timeout(500)
    page.click("#camera-record")
    link = page.get_by_role("button", name="Download all results")
    expect(link).to_have_count(1)
    with zipfile.ZipFile(io.BytesIO(downloaded(page, link.click))) as files:
        assert {"frames.csv", "people.csv", "session.html"} <= set(files.namelist())
        assert "camera" in files.read("frames.csv").decode()
    page.get_by_role("button", name="Delete").click()
    expect(page.locator("#camera-recordings button")).to_have_count(0)
    assert [path.name for path in own.iterdir() if path.is_dir()] == []
    page.click("#camera-start")
    expect(page.locator("#camera-stage")).to_be_hidden()


def open_video(page: Page, clip: Path, annotate: bool = False) -> None:
    page.click("#tab-video")
    if annotate:
        page.check("#video-annotate")
    page.set_input_files("#video-file", str(clip))
    expect(page.locator("#video-result .plot")).to_have_count(2)


def test_a_video_to_its_downloads(page: Page, long_clip: Path):
    """300 frames of an AVI file, which Chromium cannot play: the annotated video is shown."""
    open_video(page, long_clip)
    expect(page.locator("#video-result .note").first).to_contain_text("cannot play the file")
    plot = page.locator("#video-result .plot").first
    plot.focus()
    page.keyboard.press("Home")
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    expect(plot).to_have_attribute("aria-valuenow", "1.0")
    page.fill("#name-1", "Anna")
    page.locator(".person").nth(1).get_by_label("Hide").check()
    link = page.get_by_role("button", name="Download all results")
    with zipfile.ZipFile(io.BytesIO(downloaded(page, link.click))) as files:
        people = files.read("people.csv").decode()
        assert "Anna" in people
        assert "clip.avi-2" not in people
        assert len(files.read("frames.csv").splitlines()) > 300
    marked = page.get_by_role("link", name="Video with boxes")
    assert downloaded(page, marked.click)[4:8] == b"ftyp"
    page.get_by_role("button", name="Delete").click()
    expect(page.locator("#video-result .plot")).to_have_count(0)


def test_the_boxes_follow_a_video_that_plays(page: Page, folder: Path):
    """H.264, which Chromium plays from the file itself."""
    with VideoWriter(folder / "talk.mp4", 15) as writer:
        for number, faces in enumerate(crossing(46)):
            writer.write(draw(faces, (320, 240)), number / 15)
    open_video(page, folder / "talk.mp4")
    expect(page.locator("#video-result .note")).to_have_count(0)
    assert (page.get_attribute("#video-result video", "src") or "").startswith("blob:")
    first = page.locator("#video-result .face").first
    expect(first).to_be_visible()
    left = "face => face.style.left"
    before = first.evaluate(left)
    plot = page.locator("#video-result .plot").first
    plot.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(plot).to_have_attribute("aria-valuenow", "0.4")
    page.wait_for_timeout(500)
    assert first.evaluate(left) != before
    first.click()
    expect(page.locator("#name-1, #name-2").and_(page.locator(":focus"))).to_have_count(1)
    page.keyboard.type("Anna")
    expect(page.locator("#video-result .face-label").first).to_contain_text("Anna")
    page.get_by_role("button", name="Delete").click()
    expect(page.locator("#video-result .plot")).to_have_count(0)


def hold(route: Route) -> None:
    """Leave a request without an answer."""


def keep_running(route: Route) -> None:
    """Answer that a session is still being processed."""
    if route.request.method == "DELETE":
        route.continue_()
    else:
        running = {"state": "running", "frames": 3, "expected": 46, "seconds_left": 83.0}
        route.fulfill(json=running)


@pytest.mark.parametrize(
    ("address", "handler", "text"),
    [
        ("**/api/v1/videos*", hold, ""),
        ("**/api/v1/sessions/*", keep_running, "frame 3 of 46, 1:23 left"),
    ],
)
def test_cancelling_a_video(
    page: Page, clip: Path, app: RunningApp, address: str, handler: Any, text: str
):
    page.click("#tab-video")
    page.route(address, handler)
    page.set_input_files("#video-file", str(clip))
    expect(page.locator("#video-state")).to_contain_text(text)
    expect(page.locator("#video-progress")).to_be_visible()
    page.click("#video-cancel")
    expect(page.locator("#video-progress")).to_be_hidden()
    expect(page.locator("#video-drop")).to_be_visible()
    expect(page.locator("#live")).to_have_text("cancelled")
    expect(page.locator("#problem")).to_be_hidden()
    assert_nothing_is_kept(page, app)


def test_blur_hides_the_faces(page: Page, photo: Path):
    choose_photo(page, photo)
    veil = page.locator("#photo-list .veil").first
    expect(veil).to_be_hidden()
    page.check("#setting-blur")
    expect(veil).to_be_visible()
    assert "blur(" in veil.evaluate("veil => veil.style.backdropFilter")
    png = downloaded(page, page.get_by_role("button", name="as PNG").click)
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    before = cv2.imread(str(photo))
    x, y, side = 100, 105, 40  # inside the first face
    inside = (slice(y, y + side), slice(x, x + side))
    sharp = cv2.Laplacian(before[inside], cv2.CV_32F).var()
    assert cv2.Laplacian(image[inside], cv2.CV_32F).var() < 0.5 * sharp


def test_keyboard_only(page: Page, photo: Path):
    """From the first element to the probabilities of a face, without a mouse."""
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#tab-photo")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tab-camera")).to_be_focused()
    expect(page.locator("#panel-camera")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#panel-video")).to_be_visible()
    page.keyboard.press("End")
    expect(page.locator("#panel-label")).to_be_visible()
    page.keyboard.press("Home")
    expect(page.locator("#panel-photo")).to_be_visible()
    reached: list[str] = []
    while "setting-blur" not in reached and len(reached) < 30:  # the last one
        page.keyboard.press("Tab")
        reached.append(page.evaluate("() => document.activeElement.id"))
    assert {"theme", "photo-files", "setting-model", "setting-min_confidence"} <= set(reached)
    with page.expect_file_chooser() as chooser:
        page.locator("#photo-files").press("Space")
    chooser.value.set_files(str(photo))
    expect(page.locator("#photo-list .face")).to_have_count(2)
    for _ in range(8):
        page.keyboard.press("Tab")
        if page.locator("#photo-list .face:focus").count():
            break
    expect(page.locator("#photo-list .face:focus .bars")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_accessibility(browser: Browser, app: RunningApp, photo: Path, clip: Path, theme: Any):
    """axe-core finds nothing on any tab; it is injected, so the policy of the page is off."""
    context = browser.new_context(color_scheme=theme, bypass_csp=True)
    context.set_default_timeout(TIMEOUT_MS)
    page = context.new_page()
    page.goto(app.address)
    page.wait_for_selector("html[data-ready]")
    assert page.get_attribute("html", "data-theme") == theme
    choose_photo(page, photo)
    assert violations(page) == []
    page.click("#tab-camera")
    page.click("#camera-start")
    expect(page.locator("#camera-lines .person")).to_have_count(2)
    assert violations(page) == []
    open_video(page, clip)
    assert violations(page) == []
    page.goto(f"{app.base}/labels")
    assert violations(page) == []
    context.close()


def test_a_phone(page: Page, app: RunningApp, photo: Path, clip: Path):
    """Nothing is wider than 360 pixels, and every button can be pressed with a finger."""
    page.set_viewport_size({"width": 360, "height": 740})
    page.reload()
    page.wait_for_selector("html[data-ready]")
    choose_photo(page, photo)

    assert_a_phone_shows(page)
    open_video(page, clip)
    assert_a_phone_shows(page)
    page.goto(page.url.replace("/#video", "/labels"))
    assert_a_phone_shows(page)
    assert_nothing_is_kept(page, app)


def test_the_theme_is_kept(page: Page):
    assert page.get_attribute("html", "data-theme") == "light"
    page.click("#theme")
    assert page.get_attribute("html", "data-theme") == "dark"
    page.reload()
    assert page.get_attribute("html", "data-theme") == "dark"
