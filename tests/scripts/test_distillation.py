"""The run in PyTorch on drawn images, on the CPU; scripts/check installs PyTorch.

PyTorch is imported in a child process only: its import takes seconds, and TensorFlow's libraries
need not share a process with it.
"""

import csv
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from distillation import packing
from distillation.npz_arrays import read_arrays
from helpers.backends import ROOT, needs
from helpers.tiny_data import face_like, make_prepared

from emorec.errors import DataError
from emorec.labels import EMOTIONS_7, EMOTIONS_8, FERPLUS_COLUMNS

TEACHERS = ROOT / "scripts" / "teachers"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_prepared(tmp_path_factory.mktemp("prepared") / "data")


@pytest.mark.slow
def test_the_modules_in_pytorch() -> None:
    needs("torch")
    files = [Path(__file__).with_name(f"pytorch_{name}.py") for name in ("cases", "run_cases")]
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "", "-n", "0"]
    done = subprocess.run(
        [sys.executable, *command, *files],
        capture_output=True,
        text=True,
        timeout=600,
        cwd=ROOT,
        # Keras computes in the same process, so it must not load TensorFlow.
        env={**os.environ, "KERAS_BACKEND": "torch", "CI": "", "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


def test_an_error_is_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(TEACHERS / "distill.py"), "pack", "no-data", "data.npz"],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("error: no-data: no such folder")
    assert done.stderr.count("\n") == 1


def test_the_data_is_packed_with_its_own_labels(prepared: Path, tmp_path: Path) -> None:
    names = ["train0000.png", "", "train0002.png"]
    ferplus, fer2013 = tmp_path / "fer2013new.csv", tmp_path / "fer2013.csv"
    votes = [["Training", name, *[1] * len(FERPLUS_COLUMNS)] for name in names]
    # 6 is neutral and 4 sad in FER-2013; the second row names no image.
    pixels = [[emotion, " ".join(["0"] * 48**2), "Training"] for emotion in (6, 3, 4)]
    for path, rows in (
        (ferplus, [["Usage", "Image name", *FERPLUS_COLUMNS], *votes]),
        (fer2013, [["emotion", "pixels", "Usage"], *pixels]),
    ):
        with path.open("w", newline="") as file:
            csv.writer(file).writerows(rows)
    expected = {names[0]: EMOTIONS_7.index("neutral"), names[2]: EMOTIONS_7.index("sad")}
    assert packing.own_labels(fer2013, ferplus) == expected
    counts = packing.pack(prepared, tmp_path / "data.npz", fer2013, ferplus)
    assert counts["with FER-2013's own label"] == 2
    arrays = read_arrays(tmp_path / "data.npz")
    own = dict(zip(arrays["names"].tolist(), arrays["own"].tolist(), strict=True))
    assert {name: label for name, label in own.items() if label != -1} == expected
    ferplus.write_text("\n".join(ferplus.read_text().splitlines()[:2]) + "\n")
    with pytest.raises(DataError, match="needs a column 'emotion', and at most the 1 rows of"):
        packing.own_labels(fer2013, ferplus)


def test_images_that_the_policy_drops_keep_their_votes(tmp_path: Path) -> None:
    data = make_prepared(tmp_path / "data")
    manifest = data / "manifest.csv"
    with manifest.open(newline="") as file:
        header, *rows = csv.reader(file)
    first = header.index("votes_neutral")
    # Neutral 2, happy 2, surprise 2, sad 2, angry 1: too many classes for crossentropy.
    rows[0][first : first + 10] = ["2", "2", "2", "2", "1", "0", "0", "0", "0", "1"]
    # Single votes alone, and no votes for emotions.
    rows[1][first : first + 10] = ["1", "0", "0", "0", "0", "1", "0", "0", "0", "1"]
    rows[2][first : first + 10] = ["0"] * 8 + ["5", "5"]
    with manifest.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    counts = packing.pack(data, tmp_path / "data.npz")
    assert (counts["training"], counts["kept by crossentropy"]) == (83, 81)
    arrays = read_arrays(tmp_path / "data.npz")
    assert arrays["kept"][:3].tolist() == [False, False, True]
    quarter = [EMOTIONS_8.index(name) for name in ("neutral", "happy", "surprise", "sad")]
    np.testing.assert_allclose(arrays["targets"][0][quarter], 0.25)
    half = [EMOTIONS_8.index(name) for name in ("neutral", "disgust")]
    np.testing.assert_allclose(arrays["targets"][1][half], 0.5)


def test_near_duplicates_are_in_one_group(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    images = [face_like(emotion, generator) for emotion in (0, 1, 2)]
    images.append(np.clip(images[1].astype(int) + 5, 0, 255).astype(np.uint8))
    paths = [tmp_path / f"{number}.png" for number in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        cv2.imwrite(str(path), image)
    assert packing.duplicate_groups(paths).tolist() == [0, 1, 2, 1]
    assert packing.duplicate_groups([]).tolist() == []
