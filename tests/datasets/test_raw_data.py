"""Raw data, files and missing folders in the place of a prepared data set."""

import shutil
import zipfile
from pathlib import Path

import pytest
from helpers.checkouts import make_checkout, make_images
from helpers.pixel_files import pixel_csv

from emorec.datasets.manifest import read_prepared, require_prepared
from emorec.datasets.raw_data import raw_data_problem
from emorec.errors import DataError


def make_zip(path: Path) -> None:
    make_images(path.with_suffix(""), {"happy": 2, "sad": 2})
    with zipfile.ZipFile(path, "w") as archive:
        for image in sorted(path.with_suffix("").rglob("*.png")):
            archive.write(image, image.relative_to(path.parent))
    shutil.rmtree(path.with_suffix(""))


def make_ckplus(path: Path) -> None:
    for number, image in enumerate(make_images(path, {"CK+48/happy": 2}).rglob("*.png")):
        image.rename(image.with_name(f"S010_004_0000001{number}.png"))


@pytest.mark.parametrize(
    ("name", "make", "command"),
    [
        ("FERPlus", make_checkout, "emorec prepare-data FERPlus --out FER-2013"),
        ("data/FERPlus", make_checkout, "emorec prepare-data data/FERPlus --out FER-2013"),
        (
            "fer2013.csv",
            lambda path: path.write_text(pixel_csv()),
            "emorec prepare-data fer2013.csv --out FER-2013",
        ),
        (
            "CK",
            make_ckplus,
            "emorec prepare-data CK --out CK-prepared",
        ),
        (
            "my faces",
            lambda path: make_images(path, {"happy": 2, "sad": 2}),
            "emorec prepare-data 'my faces' --out 'my faces-prepared'",
        ),
        ("a.zip", make_zip, "emorec prepare-data a.zip --out a-prepared"),
    ],
)
def test_raw_data_is_answered_with_the_command_that_prepares_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, make, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    make(Path(name))
    message = f"{name}: raw data, not a prepared data set; prepare it with: {command}"
    assert raw_data_problem(Path(name)) == message
    for check in (read_prepared, require_prepared):
        with pytest.raises(DataError) as caught:
            check(Path(name))
        assert str(caught.value) == message


def test_the_command_replaces_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_checkout(Path("FERPlus"))
    Path("FER-2013").mkdir()
    problem = raw_data_problem(Path("FERPlus"))
    assert str(problem).endswith(": emorec prepare-data FERPlus --out FERPlus-prepared")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nope", "nope: no such folder; name a data set that emorec prepare-data has written"),
        ("FER-2031", "FER-2031: no such folder; did you mean 'FER-2013'?"),
        ("model.h5", "model.h5: a file, not the folder of a prepared data set; emorec prepare-"),
        ("model.h5/x", "model.h5/x: no such folder; name a data set"),
        ("empty", "empty: holds no image and no CSV file; emorec prepare-data --help describes"),
        ("runs", "runs: a folder of training runs, not a data set"),
        ("runs/a", "runs/a: a folder of training runs, not a data set"),
        (
            "my photos",
            "my photos: images without labels: all images are in one folder (my photos); put the "
            "images of each emotion into a folder of its name, or list them in a CSV file with the "
            "columns path and label; to detect the emotions on them: emorec detect 'my photos'",
        ),
        (
            "a.jpg",
            "a.jpg: a single file, not the folder of a data set; to detect the faces in it: ",
        ),
        (
            "a.mp4",
            "a.mp4: a single file, not the folder of a data set; to detect the faces in it: ",
        ),
    ],
)
def test_other_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("FER-2013").mkdir()
    Path("empty").mkdir()
    for file in ("model.h5", "a.jpg", "a.mp4", "runs/a/config.yaml", "my photos/b.jpg"):
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        Path(file).touch()
    with pytest.raises(DataError) as caught:
        read_prepared(Path(name))
    assert str(caught.value).startswith(message)


def test_data_sets_are_no_problem(tmp_path: Path, tiny_data: Path) -> None:
    make_images(tmp_path, {"train/happy": 2, "train/sad": 2, "test/happy": 1, "test/sad": 1})
    assert raw_data_problem(tmp_path) is None
    require_prepared(tmp_path)
    require_prepared(tiny_data)
