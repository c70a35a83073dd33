"""The crops of faces: pixel by pixel those that the recognizer classifies, and wrong boxes."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.checkouts import manifest_rows
from PIL import Image as PilImage

from emorec.datasets.prepare import prepare_data
from emorec.datasets.prepare_options import PrepareOptions
from emorec.datasets.readers.rows import ReadOptions
from emorec.detection.registry import make_detector
from emorec.errors import DataError
from emorec.inference.base import CropClassifier
from emorec.inference.classifier import EmotionClassifier
from emorec.inference.recognizer import EmotionRecognizer
from emorec.media.reading import read_frames
from emorec.media.sources import MediaSource
from emorec.preprocessing import crop_face
from emorec.resources import shipped_model
from emorec.types import LANDMARK_COLUMNS, Box, Face

ASTRONAUT = Path(__file__).resolve().parents[2] / "examples" / "astronaut.jpg"
BOX = Box(180, 70, 90, 90)


class GivenBox:
    """Returns one box, as a source gives it."""

    def detect(self, image_bgr):
        return [Face(BOX, "boxes", 1.0)]


def upright(folder: Path) -> Path:
    image = cv2.imread(str(ASTRONAUT))
    cv2.imwrite(str(folder / "a.png"), image)
    return folder / "a.png"


def tilted(folder: Path) -> Path:
    face = cv2.resize(cv2.imread(str(ASTRONAUT))[:256, 96:352], (400, 400))
    turn = cv2.getRotationMatrix2D((200, 200), -25, 1)
    cv2.imwrite(str(folder / "a.png"), cv2.warpAffine(face, turn, (400, 400)))
    return folder / "a.png"


def by_exif(folder: Path) -> Path:
    """A JPEG whose pixels lie on their side."""
    with PilImage.open(ASTRONAUT) as image:
        exif = image.getexif()
        exif[0x0112] = 6
        image.rotate(90, expand=True).save(folder / "a.jpg", exif=exif, quality=95)
    return folder / "a.jpg"


@pytest.fixture(scope="module")
def classifier() -> CropClassifier:
    return EmotionClassifier(shipped_model())


def with_margin(classifier: CropClassifier, margin: float) -> CropClassifier:
    other = EmotionClassifier.__new__(EmotionClassifier)
    other.__dict__ = {**classifier.__dict__}
    other.metadata = replace(classifier.metadata, crop_margin=margin)
    return other


@pytest.mark.parametrize(("align", "margin"), [("on", 0.3), ("off", 0.0)])
@pytest.mark.parametrize(
    ("mode", "make"),
    [
        *(("yunet", upright), ("yunet", tilted), ("yunet", by_exif)),
        *(("haar", upright), ("boxes", tilted)),
    ],
)
def test_a_stored_crop_is_what_the_recognizer_classifies(
    tmp_path: Path,
    classifier: CropClassifier,
    mode: str,
    make: Callable[[Path], Path],
    margin: float,
    align: str,
):
    root, out = tmp_path / "mine", tmp_path / "out"
    root.mkdir()
    photo = make(root)
    box = ",".join(map(str, vars(BOX).values()))
    (root / "list.csv").write_text(
        f"path,label,split,x,y,width,height\n{photo.name},happy,train,{box}\n"
    )
    options = PrepareOptions(faces=mode, crop_margin=margin, align=align)
    summary = prepare_data(root, out, options).summary
    stored = cv2.imread(str(out / "train/happy/a.png"), cv2.IMREAD_UNCHANGED)
    detector = GivenBox() if mode == "boxes" else make_detector(mode)
    recognizer = EmotionRecognizer(detector, with_margin(classifier, margin), align=align)
    (frame,) = read_frames(MediaSource(str(photo), "a")).frames
    faces = recognizer.detect(frame)
    (crop,) = recognizer.crop_faces(frame, faces)
    np.testing.assert_array_equal(stored, crop)
    (region,) = recognizer.crop_regions(frame, faces)
    assert (region.degrees != 0) == (make is tilted and mode == "yunet" and align == "on")
    (row,) = manifest_rows(out)
    found = faces[0].box
    assert [row[name] for name in ("x", "y", "width", "height")] == [
        str(value) for value in (found.x, found.y, found.width, found.height)
    ]
    assert (row["detector"], row["source_image"], row["face"]) == (mode, photo.name, "cut")
    assert (row["left_eye_x"] != "") == (mode == "yunet")
    settings = summary["faces"]
    assert (settings["mode"], settings["margin"], settings["align"]) == (
        mode,
        margin,
        align == "on",
    )


def test_landmarks_of_a_list_rotate_the_crop(tmp_path: Path):
    """A list of what detect found gives the crops of detect."""
    photo = tilted(tmp_path)
    detector = make_detector("yunet")
    (face,) = detector.detect(cv2.imread(str(photo)))
    assert face.landmarks is not None
    points = [repr(value) for point in face.landmarks.points.values() for value in point]
    header = ",".join(["path,label,split,x,y,width,height", *LANDMARK_COLUMNS])
    box = ",".join(map(str, vars(face.box).values()))
    lines = [
        f"a.png,happy,train,{box},{','.join(points)}",
        f"b.png,happy,train,{box}{',' * len(points)}",
    ]
    (tmp_path / "b.png").write_bytes(photo.read_bytes())
    (tmp_path / "list.csv").write_text("\n".join([header, *lines]))
    options = PrepareOptions(faces="boxes", crop_margin=0.1, align="on")
    prepare_data(tmp_path, out := tmp_path.with_name("out-points"), options)
    image = cv2.imread(str(photo))
    for name, landmarks in (("a", face.landmarks), ("b", None)):
        stored = cv2.imread(str(out / f"train/happy/{name}.png"))
        np.testing.assert_array_equal(stored, crop_face(image, face.box, 0.1, landmarks))
    assert [row["left_eye_x"] != "" for row in manifest_rows(out)] == [True, False]
    (tmp_path / "list.csv").write_text(
        f"{header}\na.png,happy,train,{box},{','.join(['x', *points[1:]])}"
    )
    with pytest.raises(DataError, match=r"row 2: the landmarks right_eye_x .* must be 10 numbers"):
        prepare_data(tmp_path, tmp_path.with_name("out-wrong"), options)


def test_the_default_framing_is_that_of_the_shipped_model(
    tmp_path: Path, classifier: CropClassifier
):
    root = tmp_path / "train" / "happy"
    root.mkdir(parents=True)
    upright(root)
    options = ReadOptions(validation=0, test=0)
    (tmp_path / "train" / "sad").mkdir()
    cv2.imwrite(str(tmp_path / "train/sad/b.png"), np.zeros((48, 48, 3), np.uint8))
    faces = prepare_data(tmp_path, tmp_path.with_name("out-faces"), read_options=options).summary[
        "faces"
    ]
    metadata = classifier.metadata
    assert (faces["margin"], faces["align"]) == (metadata.crop_margin, metadata.align)
    assert (faces["photos"], faces["face_crops"], faces["face_crops_by_reason"]) == (
        *(1, 1),
        {"small": 1},
    )


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ("1,2,0,10", "row 2: the box is empty: its width and height must be 1 or more"),
        ("1,2,10,-3", "row 2: the box is empty"),
        ("a,2,10,10", "row 2: the box x,y,width,height must be 4 numbers of pixels"),
        ("1,2,,10", "row 2: the box x,y,width,height must be 4 numbers of pixels"),
        ("1,2,nan,10", "row 2: the box x,y,width,height must be 4 numbers of pixels"),
        ("1,2,1e9,10", "row 2: the box x,y,width,height must be 4 numbers of pixels"),
        ("600,2,10,10", "row 2: the box 600,2,10,10 is outside a.png, which has 512x512 pixels"),
        ("-6,2,10,10", "row 2: the box -6,2,10,10 is outside a.png"),
        ("0,0,1000,1000", "row 2: the box 0,0,1000,1000 is outside a.png"),
    ],
)
@pytest.mark.parametrize("mode", ["auto", "boxes"])
def test_a_wrong_box_is_a_clear_error(tmp_path: Path, box: str, message: str, mode: str):
    upright(tmp_path)
    (tmp_path / "list.csv").write_text(
        f"path,label,split,x,y,width,height\na.png,happy,train,{box}\n"
    )
    out = tmp_path.with_name(f"{tmp_path.name}-out")
    with pytest.raises(DataError, match=r"list\.csv: row 2: ") as caught:
        prepare_data(tmp_path, out, PrepareOptions(faces=mode))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not out.exists()
