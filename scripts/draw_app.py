"""Draws docs/app.png, app-video.png and app-label.png: photos, a video and a face to label.

Example: python scripts/draw_app.py
"""

import io
import sys
import tempfile
from pathlib import Path
from typing import cast

import cv2
from PIL import Image as PilImage

from emorec.images import Image, read_bgr
from emorec.media.video_writer import VideoWriter

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

PHOTO = ROOT / "examples" / "astronaut.jpg"
MOST_BYTES = 200_000
TIMEOUT_MS = 600_000
SECONDS, FPS = 6, 10


def video(path: Path) -> None:
    """Write a video that moves over the photo, in a form that Chromium plays."""
    image = read_bgr(PHOTO)
    with VideoWriter(path, FPS) as writer:
        for number in range(SECONDS * FPS):
            left = round(60 * number / (SECONDS * FPS))
            part = image[:288, left : left + 450]
            shade = 1 - 0.5 * abs(number / (SECONDS * FPS) - 0.5)
            frame = cv2.convertScaleAbs(cv2.resize(part, (640, 410)), alpha=shade)
            writer.write(cast(Image, frame), number / FPS)


def write_small(data: bytes, target: Path) -> None:
    """Write a PNG with so few colours that it is small."""
    with PilImage.open(io.BytesIO(data)) as image:
        for colors in (256, 192, 128, 96, 64):
            small = io.BytesIO()
            reduced = image.convert("RGB").quantize(colors, dither=PilImage.Dither.NONE)
            reduced.save(small, "PNG", optimize=True)
            if small.tell() < MOST_BYTES:
                break
    target.write_bytes(small.getvalue())
    print(f"{target.relative_to(ROOT)}: {small.tell() / 1000:.0f} kB, {colors} colours")


def main() -> None:
    from helpers.app_server import running_app
    from helpers.browser import chromium

    with (
        tempfile.TemporaryDirectory() as name,
        running_app(Path(name)) as app,
        chromium() as browser,
    ):
        clip = Path(name) / "talk.mp4"
        video(clip)
        context = browser.new_context(viewport={"width": 1160, "height": 920})
        context.set_default_timeout(TIMEOUT_MS)
        page = context.new_page()
        page.goto(app.address)
        page.wait_for_selector("html[data-ready]")
        page.set_input_files("#photo-files", str(PHOTO))
        page.wait_for_selector(".face")
        page.locator(".face").first.focus()
        page.wait_for_timeout(1000)
        write_small(page.screenshot(), ROOT / "docs" / "app.png")
        page.click("#tab-video")
        page.set_input_files("#video-file", str(clip))
        page.locator(".plot").first.focus()
        for _ in range(10):
            page.keyboard.press("ArrowRight")
        page.wait_for_timeout(2000)
        page.evaluate("() => scrollTo(0, 230)")
        write_small(page.screenshot(), ROOT / "docs" / "app-video.png")
        page.click("#tab-label")
        page.set_input_files("#label-files", str(PHOTO))
        page.wait_for_selector("#label-view img")
        page.wait_for_timeout(1000)
        page.evaluate("() => scrollTo(0, 0)")
        write_small(page.screenshot(), ROOT / "docs" / "app-label.png")


if __name__ == "__main__":
    main()
