"""The options of cutting faces: from the command line to the data set, and what is printed."""

import json
from pathlib import Path

import cv2
import pytest
from click.testing import CliRunner, Result
from helpers.checkouts import make_images, manifest_rows

from emorec.cli.main import main

ASTRONAUT = Path(__file__).resolve().parents[2] / "examples" / "astronaut.jpg"


def prepare(root: Path, *options: object) -> Result:
    arguments = ["prepare-data", root, "--out", root.with_name("out"), *options]
    shares = ["--validation", "0", "--test", "0", "--no-report"]
    return CliRunner().invoke(main, [*map(str, arguments), *shares])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two photos, one of them without a face, and two face crops."""
    folder = make_images(tmp_path / "mine", {"happy": 1, "sad": 1})
    (folder / "happy/astronaut.jpg").write_bytes(ASTRONAUT.read_bytes())
    cv2.imwrite(str(folder / "sad/rocket.png"), cv2.imread(str(ASTRONAUT))[256:, 300:])
    return folder


def test_what_was_decided_is_printed(root: Path):
    result = prepare(root)
    assert result.exit_code == 0
    line = (
        "faces: 1 of 4 images is a photo (median face 5 % of the image), cropped with yunet, "
        "margin 0, aligned; 2 are face crops, kept; 1 without a face, kept in no-face/"
    )
    assert line in result.stdout.splitlines()
    assert "no label: no face" in result.stdout
    warning = "warning: images without a face, kept in no-face/: 1 (sad/rocket.png)"
    assert warning in result.stderr.splitlines()


def test_the_options_reach_the_data_set(root: Path):
    options = ["--faces", "haar", "--several", "all", "--crop-margin", "0.5", "--align", "off"]
    faces = json.loads(prepare(root, *options, "--json").stdout)["faces"]
    names = ("mode", "detector", "several", "margin", "align")
    assert [faces[name] for name in names] == ["haar", "haar", "all", 0.5, False]
    (row,) = [row for row in manifest_rows(root.with_name("out")) if row["face"] == "cut"]
    side = cv2.imread(str(root.with_name("out") / row["path"])).shape[0]
    assert side == 2 * int(row["width"])


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--faces", "yunnet"], 2, "Did you mean 'yunet'?"),
        (["--several", "two"], 2, "is not one of 'largest', 'all', 'none'"),
        (["--crop-margin", "3"], 2, "3.0 is not in the range -0.4<=x<=2.0"),
        (["--align", "yes"], 2, "is not one of 'auto', 'off', 'on'"),
        (["--faces", "boxes"], 3, "has no boxes of faces, which --faces boxes takes"),
    ],
)
def test_wrong_values(root: Path, options: list[str], code: int, message: str):
    result = prepare(root, *options)
    assert (result.exit_code, message in result.stderr) == (code, True)
    assert not root.with_name("out").exists()


def test_a_tree_of_photos_is_named_by_the_report(tmp_path: Path):
    for number, label in enumerate(["happy", "sad", "happy"]):
        path = tmp_path / "photos" / "train" / label / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(ASTRONAUT.read_bytes())
    result = CliRunner().invoke(main, ["data-report", str(tmp_path / "photos")])
    begin = "3 of 3 images look like whole photos: median face 5 % of the image; "
    assert result.stderr.startswith(f"warning: {begin}")
    page = (tmp_path / "photos/report.html").read_text()
    assert begin in page
    assert "emorec prepare-data" in page


def test_a_tree_of_photos_is_named_by_evaluate(tmp_path: Path):
    for number in range(3):
        path = tmp_path / "photos" / "validation" / "happy" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(ASTRONAUT.read_bytes())
    arguments = ["evaluate", "emorec-nano", "--data", str(tmp_path / "photos")]
    result = CliRunner().invoke(main, arguments)
    assert "warning: 3 of 3 images look like whole photos: median face 5 %" in result.stderr
