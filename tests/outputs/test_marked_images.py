from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.example_records import FACE, TRACKED
from PIL import Image

from emorec.errors import DataError
from emorec.frames import Frame
from emorec.media.reading import read_frames
from emorec.media.sources import MediaSource
from emorec.outputs.marked_images import FaceCrops, MarkedImages, make_folder, write_result
from emorec.types import Box, Face, Landmarks, Undrawn

SOURCE = MediaSource("in/sub/photo.jpg", "sub/photo")
# A downscaled copy: boxes are in pixels of the full image of 200 x 100.
FRAME = Frame(np.full((50, 100, 3), 90, np.uint8), (200, 100), number=12)


@pytest.mark.parametrize("faces", [[], [TRACKED]])
def test_marked_images(tmp_path: Path, faces):
    (path,) = MarkedImages(tmp_path).write(SOURCE, FRAME, faces).paths
    assert path == tmp_path / "sub" / "photo-frame000012-emotions.jpg"
    assert MarkedImages(tmp_path).target(SOURCE) == tmp_path / "sub" / "photo-emotions.jpg"
    drawn = cv2.imread(str(path))
    assert drawn.shape == FRAME.image_bgr.shape
    assert (np.abs(drawn.astype(int) - 90).max() > 30) == bool(faces)


def test_face_crops(tmp_path: Path):
    output = FaceCrops(tmp_path, margin=0.0)
    assert output.write(SOURCE, FRAME, []).paths == []
    paths = output.write(SOURCE, FRAME, [TRACKED, FACE]).paths
    assert [path.name for path in paths] == [
        "photo-frame000012-face1.png",
        "photo-frame000012-face2.png",
    ]
    assert cv2.imread(str(paths[0])).shape == (20, 15, 3)


def test_landmarks_are_drawn(tmp_path: Path):
    plain_images = MarkedImages(tmp_path / "plain")
    marked_images = MarkedImages(tmp_path / "marked", landmarks=True)
    (plain,) = plain_images.write(SOURCE, FRAME, [TRACKED]).paths
    (marked,) = marked_images.write(SOURCE, FRAME, [TRACKED]).paths
    assert (cv2.imread(str(plain)) != cv2.imread(str(marked))).any()


def test_aligned_crops(tmp_path: Path):
    """The crop of a face on its side is turned upright."""
    points = Landmarks((50, 30), (50, 70), (40, 50), (30, 35), (30, 65))
    face = replace(TRACKED, face=Face(Box(20, 20, 60, 60), "yunet", 0.9, points))
    image = np.random.default_rng(0).integers(0, 256, (50, 100, 3), np.uint8)
    frame = Frame(image, (200, 100))
    (plain,) = FaceCrops(tmp_path / "plain", 0.0).write(SOURCE, frame, [face]).paths
    (aligned,) = FaceCrops(tmp_path / "aligned", 0.0, align=True).write(SOURCE, frame, [face]).paths
    expected = cv2.imread(str(plain))
    np.testing.assert_array_equal(expected, image[10:40, 10:40])
    np.testing.assert_array_equal(cv2.imread(str(aligned)), np.rot90(expected))


def test_a_result(tmp_path: Path):
    outputs = [MarkedImages(tmp_path), FaceCrops(tmp_path, 0.1)]
    result = write_result(SOURCE, "shown name", FRAME, [FACE], outputs)
    assert (result.record["source"], result.record["frame"]) == ("shown name", 12)
    assert (result.record["width"], result.record["height"]) == (200, 100)
    assert sorted(result.written) == sorted(map(str, tmp_path.rglob("*.*")))
    assert result.problems == ()


@pytest.mark.parametrize("bars", [False, True])
def test_bars_and_labels_without_a_place_are_counted(tmp_path: Path, bars: bool):
    """An image of 20 pixels is too small for labels; a face that fills one leaves none for bars."""
    outputs = [MarkedImages(tmp_path, bars=bars), FaceCrops(tmp_path, 0.1)]
    small = Frame(np.full((20, 20, 3), 90, np.uint8), (20, 20))
    result = write_result(SOURCE, "small", small, [FACE, FACE], outputs)
    assert result.undrawn == Undrawn(labels=2, bars=2 * bars)
    face = replace(TRACKED, face=Face(Box(0, 0, 100, 100), "stub", 1.0))
    whole = Frame(np.full((100, 100, 3), 90, np.uint8), (100, 100))
    assert write_result(SOURCE, "whole", whole, [face], outputs).undrawn == Undrawn(bars=bars)


def test_an_output_that_fails_is_a_problem_of_the_result(tmp_path: Path):
    (tmp_path / "sub").write_text("a file")
    outputs = [MarkedImages(tmp_path), FaceCrops(tmp_path / "crops", 0.1)]
    result = write_result(SOURCE, "photo.jpg", FRAME, [FACE], outputs)
    assert result.record["status"] == "ok"
    assert len(result.written) == 1
    assert [problem.split(": ")[1] for problem in result.problems] == ["cannot make the folder"]


def test_make_folder(tmp_path: Path):
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot make the folder"):
        make_folder(tmp_path / "file" / "b")


@pytest.mark.parametrize("align", [False, True])
def test_blurred_crops_and_images(tmp_path: Path, align: bool):
    """A crop shows nothing of its own face, nor of one beside it."""
    points = Landmarks((50, 30), (50, 70), (40, 50), (30, 35), (30, 65))
    faces = [
        replace(TRACKED, face=Face(Box(20, 20, 60, 60), "yunet", 0.9, points)),
        replace(TRACKED, face=Face(Box(70, 30, 40, 40), "yunet", 0.9)),
    ]
    image = np.random.default_rng(0).integers(1, 256, (100, 200, 3), np.uint8)
    frame = Frame(image, (200, 100))
    crops = FaceCrops(tmp_path, 0.1, align, blur="box").write(SOURCE, frame, faces).paths
    assert len(crops) == 2
    assert not any(cv2.imread(str(path)).any() for path in crops)
    images = []
    for blur in (None, "box"):
        (path,) = MarkedImages(tmp_path, blur=blur).write(SOURCE, frame, faces).paths
        images.append(cv2.imread(str(path)))
    plain, blurred = images
    assert plain[40:60, 40:60].mean() > 80
    assert blurred[40:60, 40:60].max() < 30
    assert np.array_equal(plain[:, 160:], blurred[:, 160:])


@pytest.mark.parametrize("blur", [None, "pixelate"])
def test_what_describes_the_photo_is_not_copied(tmp_path: Path, blur):
    """Place, camera and thumbnail of a photo with EXIF data are in no output."""
    photo = Image.fromarray(np.full((100, 200, 3), 90, np.uint8))
    exif = photo.getexif()
    exif[0x010F] = "Camera maker"
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 29.9), 3: "E", 4: (2.0, 17.0, 40.2)})
    photo.save(tmp_path / "photo.jpg", exif=exif, comment=b"at home")
    before = (tmp_path / "photo.jpg").read_bytes()
    assert b"Exif" in before
    assert b"Camera maker" in before
    (frame,) = read_frames(MediaSource(str(tmp_path / "photo.jpg"), "photo")).frames
    outputs = [MarkedImages(tmp_path, blur=blur), FaceCrops(tmp_path, 0.1, blur=blur)]
    result = write_result(SOURCE, "photo.jpg", frame, [FACE], outputs)
    assert len(result.written) == 2
    for path in result.written:
        data = Path(path).read_bytes()
        assert not any(word in data for word in (b"Exif", b"eXIf", b"Camera maker", b"at home"))
        with Image.open(path) as written:
            assert not dict(written.getexif())
