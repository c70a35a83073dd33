"""The tab "Label" in Chromium: by keyboard from photos to a list, which a network is trained on."""

import base64
import csv
import io
import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

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
from helpers.checkouts import manifest_rows
from helpers.clips import Placed, draw, write_clip
from playwright.sync_api import Browser, BrowserContext, Page, expect

import emorec
from emorec.atomic_files import is_partial
from emorec.datasets.prepare import prepare_data
from emorec.datasets.prepare_options import PrepareOptions
from emorec.datasets.readers.rows import ReadOptions
from emorec.labels import EMOTIONS_7
from emorec.training.config import validated

pytestmark = pytest.mark.slow

expect.set_options(timeout=TIMEOUT_MS)

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "astronaut.jpg"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("label")


@pytest.fixture(autouse=True)
def no_labels(own_cache: Path) -> None:
    """No labels of the photos of other tests are stored."""
    shutil.rmtree(own_cache / "labels", ignore_errors=True)


@pytest.fixture(scope="module")
def app(folder: Path) -> Iterator[RunningApp]:
    with running_app(folder) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
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
        page.click("#tab-label")
        yield page


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three photos with four faces, and two other files."""
    place = tmp_path / "My photos"
    (place / "more").mkdir(parents=True)
    image = cv2.imread(str(EXAMPLE))[:300, 50:400]
    cv2.imwrite(str(place / "a.jpg"), image)
    cv2.imwrite(str(place / "more" / "=b.jpg"), image[:, ::-1])
    cv2.imwrite(str(place / "c.png"), draw([Placed(120, 125), Placed(350, 145, 130)]))
    (place / "broken.jpg").write_bytes(b"no image")
    (place / "notes.txt").write_text("none either")
    return place


@pytest.fixture
def thirty_photos(tmp_path: Path) -> Path:
    """Thirty photos of a face each, mirrored, lighter, darker and moved."""
    place = tmp_path / "thirty"
    (place / "sub").mkdir(parents=True)
    image = cv2.imread(str(EXAMPLE))
    for number in range(30):
        part = image[10 : 280 + number, 90 + number : 360 + number]
        part = part[:, ::-1] if number % 2 else part
        light = np.clip(part * (0.7 + number / 40.0), 0, 255).astype(np.uint8)
        name = f"{'sub/' if number % 3 else ''}{'=' if number == 4 else ''}{number:02}.jpg"
        cv2.imwrite(str(place / name), light)
    return place


def choose(page: Page, place: Path, faces: int) -> None:
    page.set_input_files("#label-folder", str(place))
    expect_read(page, faces)


def expect_read(page: Page, faces: int) -> None:
    """Wait until all photos are read."""
    expect(page.locator("#label-work")).to_be_visible()
    expect(page.locator("#label-reading")).to_be_hidden()
    expect(page.locator("#label-count")).to_contain_text(f"of {faces} face")
    expect(page.locator("#label-stage")).to_be_focused()


def path_shown(page: Page) -> str:
    """Return the path of the image that is shown."""
    return page.locator("#label-view img").get_attribute("alt").partition(", in ")[2]


def state_shown(page: Page) -> str:
    return page.inner_text("#label-place").rpartition(": ")[2]


def label_of(path: str) -> int:
    """The key of the label that a test gives a photo."""
    return int(path[-6:-4]) % 7 + 1


def list_of(content: bytes) -> dict[str, dict[str, str]]:
    return {row["path"]: row for row in csv.DictReader(io.StringIO(content.decode()))}


def wait_until(page: Page, condition: Callable[[], bool]) -> None:
    for _ in range(600):
        if condition():
            return
        page.wait_for_timeout(100)
    raise AssertionError("it did not happen")


def wait_until_stored(page: Page, cache: Path, faces: int) -> None:
    """Wait until the labels of so many faces are in the cache."""

    def stored() -> int:
        found = (cache / "labels").glob("*.json")
        files = [path for path in found if not is_partial(path.name)]
        return sum(len(json.loads(file.read_text())["faces"]) for file in files)

    wait_until(page, lambda: stored() == faces)


def test_thirty_faces_by_keyboard(page: Page, thirty_photos: Path, tmp_path: Path, own_cache: Path):
    """Two labels on one, one skipped, undo, leaving and continuing, the list, a trained network."""
    page.focus("#tab-label")
    for _ in range(8):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.id") == "label-folder":
            break
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files(str(thirty_photos))
    expect_read(page, 30)

    two, skipped = "sub/07.jpg", "sub/08.jpg"
    seen = []

    def label_one() -> None:
        path = path_shown(page)
        assert path not in seen
        seen.append(path)
        if path == two:
            page.keyboard.press("Shift+Digit4")
            page.keyboard.press("Shift+Digit6")
            assert state_shown(page) == "happy and sad"
            page.keyboard.press("Enter")
        elif path == skipped:
            page.keyboard.press("x")
        else:
            page.keyboard.press(str(label_of(path)))

    for _ in range(12):
        label_one()
    # A wrong label is undone.
    wrong = path_shown(page)
    page.keyboard.press("1")
    assert path_shown(page) != wrong
    page.keyboard.press("u")
    assert (path_shown(page), state_shown(page)) == (wrong, "no label yet")
    expect(page.locator("#label-count")).to_contain_text("12 of 30 faces done")
    wait_until_stored(page, own_cache, 12)
    page.reload()
    page.wait_for_selector("html[data-ready]")
    choose(page, thirty_photos, 30)
    expect(page.locator("#label-count")).to_contain_text("12 of 30 faces done")
    for _ in range(18):
        label_one()
    expect(page.locator("#live")).to_have_text("all faces are done")
    expect(page.locator("#label-count")).to_have_text("30 of 30 faces done, 1 skipped")
    assert len(set(seen)) == 30

    page.focus("#label-tools button:last-child")
    page.keyboard.press("Tab")
    expect(page.locator("#label-download")).to_be_focused()
    content = downloaded(page, lambda: page.keyboard.press("Enter"))
    (thirty_photos / "labels.csv").write_bytes(content)
    command = page.inner_text("#label-command")
    assert command == "emorec prepare-data thirty/labels.csv --faces boxes --out DATA"
    rows = list_of(content)
    assert len(rows) == 29
    assert skipped not in rows
    assert (rows[two]["votes_happy"], rows[two]["votes_sad"]) == ("5", "5")

    reading = ReadOptions(validation=0.3, test=0)
    prepare_data(
        thirty_photos / "labels.csv",
        tmp_path / "data",
        PrepareOptions(faces="boxes"),
        read_options=reading,
    )
    manifest = manifest_rows(tmp_path / "data")
    labels = {Path(row["path"]).stem[-2:]: row["label"] for row in manifest}
    expected = {
        path[-6:-4]: EMOTIONS_7[label_of(path) - 1] for path in seen if path not in (two, skipped)
    }
    assert labels == {**expected, "07": "happy"}
    train_on(tmp_path / "data", tmp_path / "runs")


def train_on(data: Path, runs: Path) -> None:
    """Train a small network, as on any other data."""
    from helpers.everything import quick_compact

    settings = {"arch": "compact", "image_size": 24, "epochs": 2, "batch_size": 8, "labels": "soft"}
    with quick_compact():
        run = emorec.train(validated(settings, "the test"), data=data, out=runs)
    metrics = json.loads((run.folder / "metrics.json").read_text())
    assert 0 <= metrics["accuracy"] <= 1


def test_keys_and_order(page: Page, photos: Path):
    choose(page, photos, 4)
    expect(page.locator("#label-notes")).to_contain_text("1 file left out that is no photo")
    expect(page.locator("#label-notes")).to_contain_text("broken.jpg: not a readable image")
    # What the model says is hidden, shown on request, and hidden again for the next face.
    model = page.locator("#label-model")
    expect(model).to_be_hidden()
    page.keyboard.press("m")
    expect(model.locator(".bar-value")).to_have_count(7)
    first = path_shown(page)
    page.keyboard.press("ArrowRight")
    expect(model).to_be_hidden()
    page.keyboard.press("ArrowLeft")
    assert path_shown(page) == first
    # Undo and redo, by both kinds of keys.
    page.keyboard.press("4")
    page.keyboard.press("Control+z")
    assert (path_shown(page), state_shown(page)) == (first, "no label yet")
    page.keyboard.press("Control+Shift+z")
    assert state_shown(page) == "happy"
    page.keyboard.press("u")
    page.keyboard.press("r")
    assert state_shown(page) == "happy"
    # A label replaces the one before; digits of the numeric pad count too.
    page.keyboard.press("Numpad2")
    page.keyboard.press("ArrowLeft")
    assert state_shown(page) == "disgust"
    # Without Shift, several labels by a switch.
    page.check("#label-several")
    page.focus("#label-stage")
    for key in "1345":
        page.keyboard.press(key)
    assert state_shown(page) == "disgust and angry and fear"
    expect(page.locator("#live")).to_have_text("a face has up to 3 labels")
    page.keyboard.press("1")
    assert state_shown(page) == "disgust and fear"
    # By file: the face that is done comes first, the others in the order of their names.
    page.select_option("#label-order", "file")
    page.focus("#label-stage")
    page.keyboard.press("ArrowLeft")
    names = []
    for _ in range(4):
        names.append(path_shown(page))
        page.keyboard.press("ArrowRight")
    others = ["a.jpg", "c.png", "c.png", "more/=b.jpg"]
    others.remove(first)
    assert names == [first, *others]
    # In a field for text, keys are text.
    page.fill("#label-names", "")
    page.keyboard.type("u4")
    expect(page.locator("#label-count")).to_contain_text("1 of 4 faces done")


def test_labels_of_ones_own(page: Page, photos: Path):
    page.fill("#label-names", "smile, no smile")
    choose(page, photos, 4)
    expect(page.locator("#label-keys button")).to_have_text(["1 smile", "2 no smile"])
    expect(page.locator("#label-several-row")).to_be_hidden()
    page.keyboard.press("2")
    page.locator("#label-keys button").first.click()
    page.fill("#label-names", "smile, frown")
    page.click("#label-names-use")
    expect(page.locator("#problem")).to_contain_text("faces have the label 'no smile'")
    page.fill("#label-names", "smile, no smile, frown")
    page.keyboard.press("Enter")
    expect(page.locator("#label-keys button")).to_have_count(3)
    expect(page.locator("#label-stage")).to_be_focused()
    page.keyboard.press("3")
    expect(page.locator("#label-command")).to_contain_text(
        "emorec prepare-data 'My photos/labels.csv' --faces boxes --keep-labels --out DATA"
    )
    content = downloaded(page, page.locator("#label-download").click)
    labels = [row["label"] for row in csv.DictReader(io.StringIO(content.decode()))]
    assert sorted(labels) == ["frown", "no smile", "smile"]
    # Deleted labels do not come back.
    page.once("dialog", lambda dialog: dialog.accept())
    page.click("#label-forget")
    expect(page.locator("#label-count")).to_contain_text("0 of 4 faces done")
    expect(page.locator("#label-download")).to_be_disabled()
    page.click("#label-close")
    expect(page.locator("#label-folder")).to_be_focused()
    choose(page, photos, 4)
    expect(page.locator("#label-count")).to_contain_text("0 of 4 faces done")


def test_labels_that_cannot_be_used(page: Page, photos: Path):
    page.fill("#label-names", "smile")
    page.set_input_files("#label-folder", str(photos))
    expect(page.locator("#problem")).to_contain_text("choose 2 to 30 labels; received 1")
    expect(page.locator("#label-start")).to_be_visible()


def test_nothing_stays_on_the_disk_but_labels(
    page: Page, photos: Path, app: RunningApp, own_cache: Path
):
    choose(page, photos, 4)
    (own,) = app.temporary.glob("emorec-app-*")
    (kept,) = (path for path in own.iterdir() if path.is_dir())
    assert {path.name for path in kept.iterdir()} == {f"face-{number}.jpg" for number in range(4)}
    page.keyboard.press("1")
    wait_until_stored(page, own_cache, 1)
    page.goto("about:blank")
    wait_until(page, lambda: not kept.exists())


def test_a_label_that_is_not_saved(page: Page, photos: Path):
    choose(page, photos, 4)
    page.route("**/faces/*", lambda route: route.abort())
    page.keyboard.press("1")
    expect(page.locator("#problem")).to_contain_text("The label was not saved")
    expect(page.locator("#label-count")).to_contain_text("0 of 4 faces done")


def test_a_folder_without_faces(page: Page, tmp_path: Path):
    place = tmp_path / "empty"
    place.mkdir()
    cv2.imwrite(str(place / "grey.png"), np.full((60, 60, 3), 90, np.uint8))
    page.set_input_files("#label-folder", str(place))
    expect(page.locator("#problem")).to_contain_text("No face was found in 1 photo")
    expect(page.locator("#label-start")).to_be_visible()
    shutil.copy(place / "grey.png", tmp_path / "notes.txt")
    page.set_input_files("#label-files", str(tmp_path / "notes.txt"))
    expect(page.locator("#problem")).to_contain_text("There is no photo among 1 file")


def test_a_video(page: Page, tmp_path: Path):
    image = draw([Placed(120, 125), Placed(350, 145, 130)])
    clip = write_clip(tmp_path / "my talk.avi", [image] * 30, 20)
    page.set_input_files("#label-files", str(clip))
    expect_read(page, 6)
    for key in "444":
        page.keyboard.press(key)
    content = downloaded(page, page.locator("#label-download").click)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
        assert len(list_of(archive.read("labels.csv"))) == len(names) - 1 in (2, 3)
        assert names[1].startswith("my-talk-0000")
    expect(page.locator("#label-command")).to_contain_text("'my talk-labels/labels.csv'")


DROPPED = """async folders => {
    const { droppedFiles } = await import("/static/folders.js");
    const entry = ([name, parts]) => ({
        name,
        isFile: parts === null,
        isDirectory: parts !== null,
        file: done => done(new File(["x"], name)),
        createReader: () => {
            const batches = [...parts.map(part => [entry(part)]), []];
            return { readEntries: done => done(batches.shift()) };
        },
    });
    const items = folders.map(folder => ({ webkitGetAsEntry: () => entry(folder) }));
    const { name, files } = await droppedFiles({ items, files: [] });
    return [name, ...files.map(({ path }) => path)];
}"""
"""Names and paths of what is dropped: [name, content], with null as the content of a file."""


def test_folders_are_dropped(page: Page):
    mine = ["mine", [["a.jpg", None], ["sub", [["b.jpg", None], ["empty", []]]]]]
    assert page.evaluate(DROPPED, [mine]) == ["mine", "a.jpg", "sub/b.jpg"]
    both = [mine, ["c.jpg", None]]
    assert page.evaluate(DROPPED, both) == ["", "mine/a.jpg", "mine/sub/b.jpg", "c.jpg"]


def test_a_photo_is_dropped(page: Page, photos: Path):
    transfer = page.evaluate_handle(
        """text => {
            const transfer = new DataTransfer();
            const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
            transfer.items.add(new File([bytes], "dropped.jpg", { type: "image/jpeg" }));
            return transfer;
        }""",
        base64.b64encode((photos / "a.jpg").read_bytes()).decode(),
    )
    page.dispatch_event("#label-drop", "drop", {"dataTransfer": transfer})
    expect_read(page, 1)
    assert path_shown(page) == "dropped.jpg"


def test_cancelling_a_video(page: Page, tmp_path: Path):
    clip = write_clip(tmp_path / "clip.avi", [draw([Placed(120, 125)])] * 3, 20)
    page.route("**/videos*", lambda route: None)
    page.set_input_files("#label-files", str(clip))
    expect(page.locator("#label-state")).to_contain_text("reading the video")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#live")).to_have_text("cancelled")
    expect(page.locator("#label-start")).to_be_visible()
    expect(page.locator("#problem")).to_be_hidden()


def test_stopping(page: Page, photos: Path):
    """What was found so far is labelled; without a face, the tab is as before."""
    page.route("**/photos?path=c.png", lambda route: None)
    page.set_input_files("#label-folder", str(photos))
    expect(page.locator("#label-state")).to_contain_text("3 of 4 photos")
    page.get_by_role("button", name="Stop here").click()
    expect(page.locator("#label-reading")).to_be_hidden()
    expect(page.locator("#label-count")).to_have_text("0 of 2 faces done")
    page.click("#label-close")
    page.route("**/photos*", lambda route: None)
    page.set_input_files("#label-folder", str(photos))
    page.get_by_role("button", name="Stop here").click()
    expect(page.locator("#label-start")).to_be_visible()
    expect(page.locator("#problem")).to_be_hidden()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_accessibility(browser: Browser, app: RunningApp, photos: Path, theme: str):
    """axe-core is injected, so the policy of the page is off."""
    context = browser.new_context(color_scheme=theme, bypass_csp=True)
    context.set_default_timeout(TIMEOUT_MS)
    page = context.new_page()
    page.goto(app.address)
    page.wait_for_selector("html[data-ready]")
    page.click("#tab-label")
    assert violations(page) == []
    choose(page, photos, 4)
    page.keyboard.press("4")
    page.keyboard.press("Shift+Digit2")
    page.keyboard.press("m")
    assert violations(page) == []
    outline = page.locator("#label-stage").evaluate("e => getComputedStyle(e).outlineStyle")
    assert outline == "solid", "the focus is visible"
    context.close()


def test_a_phone(page: Page, photos: Path):
    page.set_viewport_size({"width": 360, "height": 740})
    assert_a_phone_shows(page)
    choose(page, photos, 4)
    page.keyboard.press("m")
    assert_a_phone_shows(page)
