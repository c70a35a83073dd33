"""Reading and writing images."""

import contextlib
import io
import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pillow_heif
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emorec import images
from emorec.decoder_process import DecoderProcess, DecodingError
from emorec.errors import DataError
from emorec.images import read_bgr, read_bytes, read_gray, to_gray
from emorec.installation import install_command

LOSSLESS = (".bmp", ".png", ".ppm", ".tif", ".tiff")


def scene(height: int = 40, width: int = 60) -> np.ndarray:
    """An image with a different colour in each corner, smooth enough for JPEG."""
    across = np.linspace(0, 255, width)[None, :].repeat(height, axis=0)
    down = np.linspace(0, 255, height)[:, None].repeat(width, axis=1)
    return np.stack([across, down, 255 - across], axis=2).astype(np.uint8)


def encoded(suffix: str, image: np.ndarray) -> bytes:
    done, data = cv2.imencode(suffix, image)
    assert done
    return data.tobytes()


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    """Insert an EXIF block with only the orientation after the first marker of a JPEG."""
    tiff = b"MM\0*\0\0\0\x08\0\x01" + struct.pack(">HHIHHI", 0x0112, 3, 1, orientation, 0, 0)
    body = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


def png_claiming(width: int, height: int) -> bytes:
    """A tiny PNG file whose header claims this size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


PNG = encoded(".png", scene())
JPEG = encoded(".jpg", scene())

UNREADABLE = {
    "empty": b"",
    "text": b"this is not an image\n",
    "zeros": bytes(5000),
    "png-header": PNG[:20],
    "png-truncated": PNG[: len(PNG) // 2],
    "png-without-end": PNG[:-30],
    "png-huge": png_claiming(100_000, 100_000),
    "png-no-pixels": png_claiming(0, 0),
    "png-pixels-missing": png_claiming(2000, 2000),
    "jpeg-header": JPEG[:10],
    "jpeg-truncated": JPEG[: len(JPEG) // 2],
}


@pytest.mark.parametrize("name", UNREADABLE)
@pytest.mark.parametrize("read", [read_bgr, read_gray])
def test_unreadable_files_are_named(tmp_path: Path, name: str, read):
    path = tmp_path / f"{name}.png"
    path.write_bytes(UNREADABLE[name])
    with pytest.raises(DataError) as caught:
        read(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message


@given(content=st.binary(max_size=200), start=st.sampled_from([b"", PNG[:40], JPEG[:200]]))
def test_any_bytes_decode_or_raise_a_data_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, start: bytes
):
    path = tmp_path_factory.getbasetemp() / "any.jpg"
    path.write_bytes(start + content)
    with contextlib.suppress(DataError):
        assert read_bgr(path).ndim == 3


def test_paths_that_are_not_files(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name, reason in [
        ("absent.png", "no such file"),
        ("", "not a regular file"),
        ("pipe", "not a regular file"),
        ("loop", "no such file|levels of symbolic links"),
        ("a\0b.png", "no such file"),
        ("x" * 300, "File name too long|no such file"),
    ]:
        with pytest.raises(DataError, match=reason):
            read_bgr(tmp_path / name)


def test_a_file_over_the_limit_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    monkeypatch.setattr(images, "MAX_FILE_BYTES", len(PNG) - 1)
    with pytest.raises(DataError, match="MiB"):
        read_bytes(path)
    monkeypatch.setattr(images, "MAX_FILE_BYTES", len(PNG))
    assert read_bytes(path).tobytes() == PNG


@pytest.mark.parametrize("suffix", LOSSLESS)
def test_lossless_formats_are_read_as_written(tmp_path: Path, suffix: str):
    path = tmp_path / f"a{suffix}"
    images.write_image(path, scene())
    np.testing.assert_array_equal(read_bgr(path), scene())
    np.testing.assert_array_equal(read_gray(path).shape, scene().shape[:2])


@pytest.mark.parametrize(
    "suffix",
    [".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"],
)
def test_every_suffix_can_be_written_and_read(tmp_path: Path, suffix: str):
    # PGM supports only grey, PPM only colour.
    written = to_gray(scene()) if suffix == ".pgm" else scene()
    path = tmp_path / f"a{suffix}"
    images.write_image(path, written)
    assert np.abs(read_gray(path).astype(int) - to_gray(scene())).max() <= 8
    assert read_bgr(path).shape == scene().shape


@pytest.mark.parametrize(
    ("orientation", "undo"),
    [
        (1, lambda image: image),
        (2, lambda image: image[:, ::-1]),
        (3, lambda image: image[::-1, ::-1]),
        (4, lambda image: image[::-1]),
        (5, lambda image: image.transpose(1, 0, 2)),
        (6, lambda image: np.rot90(image, -1)),
        (7, lambda image: np.rot90(image, 2).transpose(1, 0, 2)),
        (8, lambda image: np.rot90(image, 1)),
        (99, lambda image: image),
    ],
)
def test_images_are_upright(tmp_path: Path, orientation: int, undo):
    path = tmp_path / "a.jpg"
    path.write_bytes(with_orientation(JPEG, orientation))
    upright = undo(cv2.imdecode(np.frombuffer(JPEG, np.uint8), cv2.IMREAD_COLOR))
    np.testing.assert_array_equal(read_bgr(path), upright)
    assert read_gray(path).shape == upright.shape[:2]


@pytest.mark.real
@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_real_photos_are_upright(shared_data: Path, orientation: int):
    photos = shared_data / "photos"
    first = cv2.resize(read_gray(photos / "exif_orientation_1.jpg"), (64, 64)).astype(int)
    other = cv2.resize(read_gray(photos / f"exif_orientation_{orientation}.jpg"), (64, 64))
    assert np.corrcoef(first.ravel(), other.ravel())[0, 1] > 0.95


def test_sixteen_bits_become_eight(tmp_path: Path):
    cv2.imwrite(str(tmp_path / "a.png"), scene().astype(np.uint16) * 257)
    np.testing.assert_array_equal(read_bgr(tmp_path / "a.png"), scene())


@pytest.mark.parametrize("suffix", [".png", ".tif", ".pgm"])
@pytest.mark.parametrize(
    ("largest", "expected"),
    [(255, 255), (256, 128), (1020, 255), (4080, 255), (4095, 255), (4096, 16), (65535, 255)],
)
def test_unused_upper_bits_are_shifted_out(tmp_path: Path, suffix: str, largest, expected):
    """Of 9 to 12 bits used, the upper 8 are kept; of more, the upper 8 of 16."""
    pixels = np.zeros((20, 30), np.uint16)
    pixels[5:, 5:] = largest
    path = tmp_path / f"a{suffix}"
    assert cv2.imwrite(str(path), pixels)
    assert (read_gray(path)[0, 0], read_gray(path)[9, 9]) == (0, expected)
    assert read_bgr(path)[9, 9].tolist() == [expected] * 3


def test_a_photo_of_12_bits_in_16(tmp_path: Path):
    gray = to_gray(scene())
    cv2.imwrite(str(tmp_path / "a.png"), gray.astype(np.uint16) * 16)
    np.testing.assert_array_equal(read_gray(tmp_path / "a.png"), gray)


def test_floating_point_tiff(tmp_path: Path):
    path = tmp_path / "a.tif"
    cv2.imwrite(str(path), scene().astype(np.float32) / 255)
    with pytest.raises(DataError, match=r"a\.tif: TIFF with 32-bit floating-point values; convert"):
        read_bgr(path)


def heic(image: np.ndarray, **options) -> bytes:
    file = io.BytesIO()
    heif = pillow_heif.from_bytes("RGB", image.shape[1::-1], image[:, :, ::-1].tobytes())
    heif.save(file, quality=95, **options)
    return file.getvalue()


@pytest.mark.parametrize("width", [60, 64])
def test_heic(tmp_path: Path, width: int):
    path = tmp_path / "a.bin"  # the content counts, not the suffix
    path.write_bytes(heic(scene(40, width)))
    assert np.abs(read_bgr(path).astype(int) - scene(40, width)).mean() < 6
    gray = to_gray(read_bgr(path))
    np.testing.assert_array_equal(read_gray(path), gray)


def test_heic_without_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "a.heic"
    path.write_bytes(heic(scene()))
    monkeypatch.setattr(images, "reads_heif", lambda: False)
    with pytest.raises(DataError) as caught:
        read_bgr(path)
    message = f"HEIC images need the extra heic; install it with: {install_command('heic')}"
    assert str(caught.value) == f"{path}: {message}"


def test_a_damaged_heic(tmp_path: Path):
    path = tmp_path / "a.heic"
    path.write_bytes(heic(scene())[:-200])
    with pytest.raises(DataError, match=r"a\.heic: not a readable image \(.+\)"):
        read_bgr(path)


@pytest.mark.parametrize("read", [read_bgr, read_gray])
def test_crash_hang_and_memory_are_named(tmp_path: Path, read, monkeypatch: pytest.MonkeyPatch):
    """The reason is in the message, and the next image is read."""
    (tmp_path / "a.webp").write_bytes(encoded(".webp", scene()))
    for reason in ("the decoder crashed", "decoding took longer than 20 s"):

        def refuse(*_: object, reason: str = reason) -> None:
            raise DecodingError(reason)

        with monkeypatch.context() as patched:
            patched.setattr(DecoderProcess, "decode", refuse)
            with pytest.raises(DataError, match=rf"a\.webp: not a readable image \({reason}\)"):
                read(tmp_path / "a.webp")
        assert read(tmp_path / "a.webp").shape[:2] == (40, 60)


def test_trusted_content_needs_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(DecoderProcess, "_request", None)
    for suffix in (".jpg", ".png", ".bmp"):
        images.write_image(tmp_path / f"a{suffix}", scene())
        assert read_bgr(tmp_path / f"a{suffix}").shape == (40, 60, 3)
    images.write_image(tmp_path / "a.webp", scene())
    with pytest.raises(TypeError):
        read_bgr(tmp_path / "a.webp")


def test_alpha_is_dropped(tmp_path: Path):
    alpha = np.zeros(scene().shape[:2], np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), np.dstack([scene(), alpha]))
    np.testing.assert_array_equal(read_bgr(tmp_path / "a.png"), scene())


def test_to_gray_of_colour_and_grey():
    np.testing.assert_array_equal(to_gray(scene()), cv2.cvtColor(scene(), cv2.COLOR_BGR2GRAY))
    gray = scene()[:, :, 0]
    assert to_gray(gray) is gray


def test_grey_files_are_replicated_to_three_channels(tmp_path: Path):
    gray = to_gray(scene())
    images.write_image(tmp_path / "a.png", gray)
    np.testing.assert_array_equal(read_bgr(tmp_path / "a.png"), np.dstack([gray] * 3))


@pytest.mark.parametrize("name", ["a", "a.txt", "a.xyz", "none/a.png", "x" * 300 + ".png"])
def test_a_failed_write_leaves_nothing(tmp_path: Path, name: str):
    with pytest.raises(DataError, match="cannot write"):
        images.write_image(tmp_path / name, scene())
    assert list(tmp_path.iterdir()) == []


def test_writing_replaces_the_old_file(tmp_path: Path):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    images.write_image(path, scene())
    np.testing.assert_array_equal(read_bgr(path), scene())
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_of_that_name_is_kept(tmp_path: Path):
    (tmp_path / "a.png").mkdir()
    with pytest.raises(DataError, match=r"a\.png: cannot write"):
        images.write_image(tmp_path / "a.png", scene())
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
