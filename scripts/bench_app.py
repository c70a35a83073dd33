"""Measures the app: from camera frame to drawn box at 640x480, and the first paint of the page.

A headless Chromium shows a fake camera. The time of each frame begins when the page reads it from
the camera and ends when the browser is about to paint its boxes: encoding as JPEG, the way to the
server and back, recognition and tracking lie between. `recognize` alone runs on the same frame
before and after, in this process. The target is at most twice its time and 20 ms more.

Example: python scripts/bench_app.py --frames 100
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import cast

import cv2

from emorec import EmotionRecognizer
from emorec.images import Image, read_bgr

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

CALLS = 30
WARM_UP = 10
TIMEOUT_MS = 600_000

COLLECT = """
count => new Promise(done => {
  const stage = document.getElementById("camera-stage");
  const times = [];
  new MutationObserver((changes, observer) => {
    times.push(Number(stage.dataset.milliseconds));
    if (times.length < count) return;
    observer.disconnect();
    done(times);
  }).observe(stage, { attributes: true, attributeFilter: ["data-milliseconds"] });
})
"""

FIRST_PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"


def camera_frame() -> Image:
    """The face of examples/astronaut.jpg in 640x480 pixels, BGR."""
    image = read_bgr(ROOT / "examples" / "astronaut.jpg")
    rows = round(image.shape[1] * 480 / 640)
    return cast(Image, cv2.resize(image[:rows], (640, 480), interpolation=cv2.INTER_AREA))


def recognition_ms(frame: Image) -> list[float]:
    """Time `recognize` with the detector of videos."""
    recognizer = EmotionRecognizer().for_videos()
    times = []
    for number in range(WARM_UP + CALLS):
        began = time.perf_counter()
        faces = recognizer.recognize(frame)
        if number >= WARM_UP:
            times.append(1000 * (time.perf_counter() - began))
    assert faces, "the frame has a face"
    return times


def page_times(frame: Image, frames: int, folder: Path) -> tuple[list[float], list[float]]:
    """Return the times of camera frames and of first paints, in milliseconds."""
    from helpers.app_server import running_app
    from helpers.browser import chromium

    camera = folder / "camera.mjpeg"
    jpeg = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    camera.write_bytes(jpeg * 30)
    fake = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    fake.append(f"--use-file-for-fake-video-capture={camera}")
    paints = []
    with running_app(folder) as app, chromium(*fake) as browser:
        for _ in range(5):
            context = browser.new_context()
            context.set_default_timeout(TIMEOUT_MS)
            page = context.new_page()
            page.goto(app.address)
            page.wait_for_selector("html[data-ready]")
            paints.append(float(page.evaluate(FIRST_PAINT)))
            if len(paints) < 5:
                context.close()
        page.click("#tab-camera")
        page.click("#camera-start")
        page.wait_for_selector("#camera-stage .face")
        found: list[float] = page.evaluate(COLLECT, WARM_UP + frames)
    return found[WARM_UP:], paints


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=60, help="camera frames to time")
    arguments = parser.parse_args()
    frame = camera_frame()
    with tempfile.TemporaryDirectory() as folder:
        alone = recognition_ms(frame)
        shown, paints = page_times(frame, arguments.frames, Path(folder))
        alone += recognition_ms(frame)
    single, whole = statistics.median(alone), statistics.median(shown)
    print(f"recognize alone, 640x480     {single:7.1f} ms")
    print(f"camera frame to drawn boxes  {whole:7.1f} ms")
    print(f"limit, twice and 20 ms       {2 * single + 20:7.1f} ms")
    print(f"first paint of the page      {statistics.median(paints):7.1f} ms")


if __name__ == "__main__":
    main()
