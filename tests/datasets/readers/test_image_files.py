"""The images of raw data: encoded pixels, members of archives, unreadable files."""

import subprocess
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.checkouts import make_images, noise_png, zipped
from helpers.odd_media import CRASHES, apng, crashing_png

from emorec.datasets.inspection import inspect
from emorec.datasets.loading import load_images
from emorec.datasets.prepare import prepare_data
from emorec.datasets.readers import image_files
from emorec.datasets.readers.image_files import check_readable, decode_gray, encode_gray_png
from emorec.decoder_process import DecoderProcess, DecodingError
from emorec.errors import DataError
from emorec.headers import read_header

TWO_CLASSES = {"happy": 10, "sad": 10}


@pytest.mark.parametrize("shape", [(1, 1), (48, 48), (3, 5), (300, 300)])
def test_encoded_png_files_hold_the_pixels(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(2).integers(0, 256, shape, np.uint8)
    data = encode_gray_png(image)
    check_readable("it", data, read_header(data))
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert (decoded == image).all()
    assert decoded.dtype == np.uint8
    with pytest.raises(DataError):
        check_readable("it", data[:-13], read_header(data[:-13]))


def test_an_image_that_unpacks_to_too_much_is_unreadable(
    tmp_path: Path, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_files, "MAX_FILE_BYTES", 2**20)
    root = make_images(tmp_path / "data", TWO_CLASSES)
    (root / "happy/bomb.png").write_bytes(bytes(2**22))
    archive = zipped(root, tmp_path / "data.zip", zipfile.ZIP_DEFLATED)
    assert archive.stat().st_size < 2**17
    (unreadable,) = prepare_data(archive, dest).summary["unreadable_images"]
    assert unreadable["name"] == "happy/bomb.png"
    assert "4 MiB; the limit for images is 1 MiB" in unreadable["error"]


def test_an_archive_that_lies_about_sizes_is_read_up_to_the_stated_size(
    tmp_path: Path, dest: Path
) -> None:
    root = make_images(tmp_path / "data", TWO_CLASSES)
    size = 0x00FEDCBA
    (root / "happy/bomb.png").write_bytes(bytes(size))
    archive = zipped(root, tmp_path / "data.zip", zipfile.ZIP_DEFLATED)
    data = archive.read_bytes()
    real, claimed = (number.to_bytes(4, "little") for number in (size, 3000))
    assert data.count(real) == 2
    archive.write_bytes(data.replace(real, claimed))
    (unreadable,) = prepare_data(archive, dest).summary["unreadable_images"]
    assert unreadable["name"] == "happy/bomb.png"
    assert "Bad CRC" in unreadable["error"]


def test_a_garbled_member_is_unreadable(tmp_path: Path, dest: Path) -> None:
    archive = zipped(make_images(tmp_path / "data", TWO_CLASSES), tmp_path / "data.zip")
    data = archive.read_bytes()
    archive.write_bytes(data.replace(noise_png(3)[200:220], b"\0" * 20, 1))
    summary = prepare_data(archive, dest).summary
    assert [image["name"] for image in summary["unreadable_images"]] == ["happy/003.png"]


@pytest.mark.skipif(
    subprocess.run(["sh", "-c", "command -v zip"], capture_output=True).returncode != 0,
    reason="the program zip is not here",
)
def test_an_encrypted_archive_is_a_clear_error(tmp_path: Path, dest: Path) -> None:
    root = make_images(tmp_path / "data", TWO_CLASSES)
    archive = tmp_path / "data.zip"
    subprocess.run(["zip", "-q", "-r", "-P", "x", archive, root.name], cwd=tmp_path, check=True)
    with pytest.raises(DataError, match=r"no image is readable; the first: .*encrypted"):
        prepare_data(archive, dest)


def test_an_image_that_crashes_its_decoder_is_unreadable(
    tmp_path: Path, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All checksums of the file are right, but that proves nothing about an animation."""

    def crash(*_: object) -> None:
        raise DecodingError("the decoder crashed")

    monkeypatch.setattr(DecoderProcess, "_request", crash)
    root = make_images(tmp_path / "data", TWO_CLASSES)
    (root / "happy/animation.png").write_bytes(apng())
    result = prepare_data(root, dest).summary
    assert result["unreadable_images"] == [
        {
            "name": "happy/animation.png",
            "error": "not a readable image (the decoder crashed)",
        }
    ]
    assert result["dropped"]["train"]["image unreadable"] == 1
    assert len(list(dest.glob("*/*/*.png"))) == 20


def test_a_hostile_image_of_a_prepared_data_set_is_reported(tmp_path: Path, dest: Path) -> None:
    """A file of the kind that crashes OpenCV, put among prepared images."""
    prepare_data(make_images(tmp_path / "data", TWO_CLASSES), dest)
    hostile = next(dest.glob("train/happy/*.png"))
    hostile.write_bytes(crashing_png())
    unreadable = inspect(dest).facts["suspicious"]["unreadable"]
    with pytest.raises(DataError) as caught:
        load_images(sorted(dest.glob("train/happy/*.png")), 48, "gray", "area")
    if CRASHES:
        reason = "not a readable image (the decoder crashed)"
        assert unreadable == {f"train/happy/{hostile.name}": reason}
        assert str(caught.value) == f"{hostile}: {reason}"


@pytest.mark.parametrize("shift", [0, 4, 8])
def test_values_of_12_bits_are_decoded_as_by_detect(tmp_path: Path, shift: int) -> None:
    pixels = np.arange(256, dtype=np.uint16).reshape(16, 16) << shift
    data = cv2.imencode(".png", pixels)[1].tobytes()
    assert decode_gray("it", data).tolist() == np.arange(256).reshape(16, 16).tolist()
