"""Make docs/session-page.jpg: the page of a session, of a video made from examples/astronaut.jpg.

    python scripts/session_screenshot.py

It needs an installed Chromium and the extra dev.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs" / "session-page.jpg"
SHOWN_S = 6.0

sys.path.insert(0, str(ROOT / "examples"))


def main() -> None:
    from recording import FPS, FRAMES, write_recording  # type: ignore[import-not-found]

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("no Chromium; on Debian: apt-get install chromium")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = folder / "interview.webm"
        write_recording(clip)
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
