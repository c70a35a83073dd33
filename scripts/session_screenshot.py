"""Make docs/session-page.jpg: the page of a session, of a video made from examples/astronaut.jpg.

    python scripts/session_screenshot.py

It needs an installed Chromium and the extra dev.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs" / "session-page.jpg"
SIZE_WH = (640, 320)
FPS = 20
FRAMES = 240
SHOWN_S = 6.0
MOUTH_XY = (224, 145)

Image = npt.NDArray[np.uint8]


def frame(photo: Image, number: int) -> Image:
    """Draw a frame: the photo, and its mirror image, which enters later and leaves.

    The smiles fade and come back.
    """
    part = number / FRAMES
    image = np.full((SIZE_WH[1], SIZE_WH[0], 3), 70, np.uint8)
    image[:, :320] = without_smile(photo, max(0.0, 1.3 * np.sin(7 * np.pi * part)))
    if 0.3 < part < 0.85:
        second = without_smile(photo, max(0.0, 1.3 * np.cos(9 * np.pi * part)))[:, ::-1]
        image[60:, 360:620] = cv2.resize(second, (260, 260))
    return image


def without_smile(photo: Image, amount: float) -> Image:
    """Close the mouth and turn its corners down: 0 leaves the smile, 1 leaves little of it."""
    height, width = photo.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    right, down = x - MOUTH_XY[0], y - MOUTH_XY[1]
    near = amount * np.exp(-((right / 24) ** 2 + (down / 9) ** 2))
    from_x = (x + 0.9 * right * near).astype(np.float32)
    from_y = (y + 2.2 * down * near).astype(np.float32)
    closed = cv2.remap(photo, from_x, from_y, cv2.INTER_LINEAR)
    rows, columns = slice(MOUTH_XY[1] - 15, MOUTH_XY[1] + 15), slice(194, 254)
    mouth = closed[rows, columns].astype(np.float32)
    inside = np.sqrt((right[rows, columns] / 30) ** 2 + (down[rows, columns] / 15) ** 2)
    turned = min(amount, 1.0) * np.clip(1.6 - 1.6 * inside, 0, 1)[..., None]
    closed[rows, columns] = (mouth * (1 - turned) + mouth[::-1] * turned).astype(np.uint8)
    return np.ascontiguousarray(closed[0:320, 60:380], np.uint8)


def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("no Chromium; on Debian: apt-get install chromium")
    photo = cv2.imread(str(ROOT / "examples" / "astronaut.jpg"))
    assert photo is not None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = folder / "interview.webm"
        writer = cv2.VideoWriter(str(clip), cv2.VideoWriter.fourcc(*"VP80"), FPS, SIZE_WH)
        for number in range(FRAMES):
            writer.write(frame(np.asarray(photo, np.uint8), number))
        writer.release()
        words = ["detect", clip, "--no-save", "--session", folder / "session"]
        words += ["--person", "1=Anna", "--person", "2=Ben"]
        subprocess.run([sys.executable, "-m", "emorec", *map(str, words)], check=True)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 860, "height": 1060})
            page.goto((folder / "session" / "session.html").as_uri())
            page.wait_for_timeout(1000)
            track = page.locator(".track").first
            box = track.bounding_box()
            assert box is not None
            position = {"x": box["width"] * SHOWN_S * FPS / FRAMES, "y": 40.0}
            track.click(position=position)  # type: ignore[arg-type]
            page.wait_for_timeout(500)
            page.evaluate("scrollTo(0, 0)")
            page.screenshot(path=TARGET, type="jpeg", quality=75)
            browser.close()
    print(f"{TARGET}: {TARGET.stat().st_size // 1024} kB")


if __name__ == "__main__":
    main()
