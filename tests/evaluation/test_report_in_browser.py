"""The pages in headless Chromium: every image is shown, and nothing is cut off."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from helpers.metadata_example import METADATA
from helpers.onnx_models import write_tiny_model

from emorec.datasets.data_report import render as render_data
from emorec.datasets.inspection import inspect
from emorec.datasets.manifest import read_prepared
from emorec.evaluation.evaluate import evaluate
from emorec.evaluation.report import TrainingHistory, render
from emorec.labels import EMOTIONS_8

pytestmark = pytest.mark.slow

WIDTHS = (360, 768, 1400)
"""A phone, a tablet and a screen."""

# A box that scrolls sideways may hold wider things; nothing else may.
_MEASURE = """<script>
addEventListener("load", () => {
  const name = e => e.tagName + " " + (e.alt || e.textContent).trim().slice(0, 40);
  const all = [...document.body.querySelectorAll("*")].filter(e => e.getClientRects().length);
  const loose = all.filter(e => !e.closest(".wide, svg") || e.matches(".wide"));
  const beyond = e => {
    const box = e.getBoundingClientRect();
    return box.right > document.documentElement.clientWidth + 1 || box.left < -1;
  };
  const hides = e => getComputedStyle(e).overflowX == "hidden" && e.scrollWidth > e.clientWidth;
  const images = [...document.images];
  parent.postMessage({
    width: innerWidth,
    page: document.documentElement.scrollWidth,
    images: images.length,
    empty: images.filter(i => !i.complete || !i.naturalWidth || i.width < 20).map(name),
    beyond: loose.filter(beyond).map(name),
    clipped: all.filter(hides).map(name),
    small: all.filter(e => parseFloat(getComputedStyle(e).fontSize) < 10).map(name),
  }, "*");
});
</script>"""

_FRAMES = """<!doctype html><body><script>
const found = [];
addEventListener("message", event => {
  found.push(event.data);
  document.body.dataset.found = JSON.stringify(found);
});
</script>"""


@pytest.fixture(scope="module")
def chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome", "chrome"):
        if place := shutil.which(name):
            return place
    pytest.skip("no Chromium to open the pages with; on Debian: apt-get install chromium")


def measured(chromium: str, text: str, folder: Path) -> list[dict[str, Any]]:
    """Lay a page out at each width and measure its elements."""
    policy = re.search(r"<meta http-equiv[^>]*>", text)
    assert policy, "the page must forbid scripts, so the policy is removed for the measuring script"
    (folder / "page.html").write_text(text.replace(policy[0], "") + _MEASURE, "utf-8")
    frames = "".join(
        f'<iframe src="page.html" style="width:{width}px;height:900px;border:0"></iframe>'
        for width in WIDTHS
    )
    (folder / "frames.html").write_text(_FRAMES + frames, "utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile"]
    options += ["--allow-file-access-from-files", "--window-size=1500,3000"]
    options += ["--virtual-time-budget=20000", "--dump-dom"]
    done = subprocess.run(
        [chromium, *options, (folder / "frames.html").as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    match = re.search(r'data-found="([^"]*)"', done.stdout)
    assert match, done.stderr[-2000:]
    found: list[dict[str, Any]] = json.loads(html.unescape(match[1]))
    return sorted(found, key=lambda entry: entry["width"])


def assert_shown_well(chromium: str, text: str, folder: Path) -> None:
    found = measured(chromium, text, folder)
    assert tuple(entry["width"] for entry in found) == WIDTHS
    for entry in found:
        assert entry["images"] == text.count("<img ") > 0
        assert entry["page"] <= entry["width"]
        for problem in ("empty", "beyond", "clipped", "small"):
            assert entry[problem] == [], f"{problem} at {entry['width']} pixels"


@pytest.mark.parametrize("count", [1, 3])
def test_pages_of_models(chromium: str, tiny_data: Path, tmp_path: Path, count: int) -> None:
    models = []
    for seed in range(count):
        metadata = METADATA.replaced(
            name="a-name-without-any-blank-in-it-" * 5 * seed or "short",
            labels=EMOTIONS_8,
            training_data="a long description of the training data " * 6,
            prior=(0.125,) * 8,
        )
        models.append(write_tiny_model(tmp_path / f"{seed}.onnx", metadata, seed))
    data = read_prepared(tiny_data)
    found = evaluate(models, data, "validation", policy="majority", classes=8, group="usage")
    row = {"loss": 2.0, "val_loss": 1.5, "accuracy": 0.3, "val_accuracy": 0.4}
    history = [{"epoch": float(number), **row} for number in range(1, 40)]
    run = TrainingHistory(history, 3, "training_data: " + "x" * 300) if count == 1 else None
    assert_shown_well(chromium, render(found, "data", "validation", run), tmp_path)


def test_the_page_of_a_data_set(chromium: str, tiny_data: Path, tmp_path: Path) -> None:
    page = render_data("data", inspect(tiny_data), ["a note " * 30, "x" * 300])
    assert_shown_well(chromium, page, tmp_path)


def test_the_check_detects_faults(chromium: str, tmp_path: Path) -> None:
    policy = '<meta http-equiv="Content-Security-Policy" content="">'
    wrong = f'<!doctype html>{policy}<body><img alt="gone" src="data:image/png;base64,AAAA">'
    wrong += '<p style="width:2000px">wide</p><b style="font-size:5px">tiny</b>'
    wrong += '<div style="overflow:hidden;width:3em;white-space:nowrap">cut off in the midst</div>'
    for entry in measured(chromium, wrong, tmp_path):
        assert entry["page"] > entry["width"]
        expected = {"empty": "IMG", "beyond": "P", "small": "B", "clipped": "DIV"}
        assert {problem: entry[problem][0].split()[0] for problem in expected} == expected
