"""Draw the images of docs/gallery.md that no other script makes, into docs/gallery/.

    python scripts/draw_gallery.py [NAME ...]

Everything is made of examples/: the portrait, the recording of recording.py, and the faces of
drawn_faces.py, on which a small network is trained for the report. It needs an installed Chromium
and the extra dev. docs/app*.png are by draw_app.py, docs/explained.jpg by draw_explanations.py,
docs/session-page.jpg by session_screenshot.py, the curves by train_shipped_model.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

from emorec import EmotionRecognizer
from emorec.images import Image, read_bgr, write_image
from emorec.media.blurring import blur_faces
from emorec.media.drawing import annotate

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs" / "gallery"
PHOTO = ROOT / "examples" / "astronaut.jpg"

sys.path.insert(0, str(ROOT / "tests"))


def emorec(*words: object) -> str:
    """Run a command; return its standard output."""
    command = [sys.executable, "-m", "emorec", *map(str, words)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def draw_blur(folder: Path) -> None:
    """The portrait with the three kinds of blur."""
    image = read_bgr(PHOTO)
    boxes = [face.box for face in EmotionRecognizer().recognize(image)]
    methods = ("pixelate", "gaussian", "box")
    parts = [blur_faces(image, boxes, method)[20:260, 100:340] for method in methods]
    write(np.concatenate(parts, axis=1), "blur.jpg")


def draw_bars(folder: Path) -> None:
    """The portrait with bars and landmarks."""
    part = read_bgr(PHOTO)[:260, 90:440]
    image = np.asarray(cv2.resize(part, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), np.uint8)
    faces = EmotionRecognizer().recognize(image)
    write(annotate(image, faces, probability_bars=True, landmarks=True), "bars.jpg")


def draw_time_lines(folder: Path) -> None:
    """The plot of a video."""
    from recording import write_recording  # type: ignore[import-not-found]

    write_recording(folder / "interview.webm")
    plot = folder / "faces.png"
    emorec("detect", folder / "interview.webm", "--no-save", "--plot", plot)
    write(read_bgr(plot), "time-lines.png", longest=900)


def draw_reports(folder: Path) -> None:
    """The pages of a data set and of a training."""
    data = folder / "DRAWN"
    subprocess.run([sys.executable, ROOT / "examples" / "drawn_faces.py", data], check=True)
    emorec("data-report", data)
    settings = ("--weights", "emorec", "--out", folder, "--json")
    run = Path(json.loads(emorec("train", "--data", data, *settings))["run"])
    screenshots({"data-report.jpg": data / "report.html", "report.jpg": run / "report.html"})


def screenshots(pages: dict[str, Path]) -> None:
    """Photograph the first screen of pages."""
    from helpers.browser import chromium

    with chromium() as browser:
        page = browser.new_page(viewport={"width": 900, "height": 1100})
        for name, path in pages.items():
            page.goto(path.as_uri())
            TARGET.mkdir(exist_ok=True)
            page.screenshot(path=TARGET / name, type="jpeg", quality=70)
            print(f"{name}: {(TARGET / name).stat().st_size // 1000} kB")


def write(image: Image, name: str, longest: int = 720) -> None:
    """Write an image, downscaled to a longest side."""
    scale = min(1.0, longest / max(image.shape))
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    TARGET.mkdir(exist_ok=True)
    write_image(TARGET / name, np.asarray(small, np.uint8))
    print(f"{name}: {(TARGET / name).stat().st_size // 1000} kB")


PARTS = {
    "blur": draw_blur,
    "bars": draw_bars,
    "time-lines": draw_time_lines,
    "reports": draw_reports,
}


def main() -> None:
    sys.path.insert(0, str(ROOT / "examples"))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(PARTS))
    names = parser.parse_args().names or list(PARTS)
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            PARTS[name](Path(folder))


if __name__ == "__main__":
    main()
