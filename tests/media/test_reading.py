"""Reading of still and animated images of every format."""

import io
import os
import struct
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.odd_media import apng
from PIL import Image as PilImage

from emorec.decoder_process import DecoderProcess, DecodingError
from emorec.errors import DataError
from emorec.file_kinds import IMAGE_SUFFIXES
from emorec.images import write_image
from emorec.media import reading
from emorec.media.reading import decode_still, read_frames
from emorec.media.sources import MediaSource


def scene(height: int = 40, width: int = 60) -> np.ndarray:
    """An image with a different colour in each corner, smooth enough for JPEG."""
    across = np.linspace(0, 255, width)[None, :].repeat(height, axis=0)
    down = np.linspace(0, 255, height)[:, None].repeat(width, axis=1)
    return np.stack([across, down, 255 - across], axis=2).astype(np.uint8)


GRAY_SUFFIXES = (".pgm", ".pbm")
"""Suffixes of formats that hold grey images only."""


def source(path: Path) -> MediaSource:
    return MediaSource(str(path), path.stem)


def animation(suffix: str, durations=(120, 80, 100)) -> bytes:
    made = cv2.Animation()
    made.frames = [np.roll(scene(), 20 * i, axis=1) for i in range(len(durations))]
    made.durations = list(durations)
    done, data = cv2.imencodeanimation(suffix, made)
    assert done
    return data.tobytes()


@pytest.mark.parametrize("suffix", sorted(set(IMAGE_SUFFIXES) - {".pxm"}))
def test_every_suffix(tmp_path: Path, suffix: str):
    # OpenCV writes these formats under their usual names only.
    written = {".jfif": ".jpg", ".mpo": ".jpg", ".apng": ".png"}.get(suffix, suffix)
    write_image(tmp_path / f"a{written}", scene()[:, :, 0] if suffix in GRAY_SUFFIXES else scene())
    path = (tmp_path / f"a{written}").rename(tmp_path / f"a{suffix}")
    (frame,) = read_frames(source(path)).frames
    assert (frame.image_bgr.shape, frame.image_bgr.dtype) == ((40, 60, 3), np.uint8)
    assert (frame.size_wh, frame.number, frame.time_s) == ((60, 40), None, None)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
def test_pixel_formats(tmp_path: Path, mode: str):
    rgb = PilImage.fromarray(scene()[:, :, ::-1].copy())
    path = tmp_path / ("a.jpg" if mode == "CMYK" else "a.png")
    if mode == "I;16":
        PilImage.fromarray(scene()[:, :, 1].astype(np.uint16) * 257).save(path)
    else:
        rgb.convert(mode).save(path)
    (frame,) = read_frames(source(path)).frames
    assert frame.image_bgr.shape == (40, 60, 3)
    if mode in ("CMYK", "RGBA"):
        assert np.abs(frame.image_bgr.astype(int) - scene()).mean() < 8


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
def test_animations(tmp_path: Path, suffix: str):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(animation(suffix))
    found = read_frames(source(path))
    assert found.problem is None
    assert [frame.number for frame in found.frames] == [0, 1, 2]
    assert [frame.time_s for frame in found.frames] == [0, 0.12, 0.2]
    for number, frame in enumerate(found.frames):
        expected = np.roll(scene(), 20 * number, axis=1).astype(int)
        assert np.abs(frame.image_bgr.astype(int) - expected).mean() < 20
        assert frame.size_wh == (60, 40)


@pytest.mark.parametrize("default_is_frame", [False, True])
def test_an_animated_png_has_a_record_per_frame(tmp_path: Path, default_is_frame: bool):
    path = tmp_path / "a.png"
    path.write_bytes(apng(frames=3, default_is_frame=default_is_frame))
    found = read_frames(source(path))
    assert [frame.number for frame in found.frames] == [0, 1, 2]
    assert len({frame.image_bgr[0, 0].tobytes() for frame in found.frames}) == 3


def test_a_crash_of_the_animation_decoder_is_not_repeated(tmp_path: Path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(apng())
    calls = []

    def crash(self, request, data):
        calls.append(request)
        raise DecodingError("the decoder crashed")

    monkeypatch.setattr(DecoderProcess, "_request", crash)
    with pytest.raises(
        DataError, match=r"a\.png: not a readable animation \(the decoder crashed\)"
    ):
        read_frames(source(path))
    assert len(calls) == 1


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".gif"])
def test_a_still_image_is_the_first_frame_of_a_file(tmp_path: Path, suffix: str):
    path = tmp_path / f"a{suffix}"
    if suffix == ".gif":
        path.write_bytes(animation(".gif"))
    else:
        write_image(path, scene())
    frame = decode_still(path, path.read_bytes())
    first = read_frames(source(path)).frames[0]
    np.testing.assert_array_equal(frame.image_bgr, first.image_bgr)
    assert frame.size_wh == first.size_wh


def test_content_that_is_no_image_cannot_be_decoded():
    for data in (b"", b"\x89PNG", b"text"):
        with pytest.raises(DataError, match=r"a\.png: "):
            decode_still("a.png", data)


@pytest.mark.parametrize("pages", [1, 3])
def test_pages_of_a_tiff(tmp_path: Path, pages: int):
    path = tmp_path / "a.tif"
    made = [PilImage.fromarray(np.full((40, 60, 3), value, np.uint8)) for value in range(pages)]
    made[0].save(path, save_all=True, append_images=made[1:])
    found = read_frames(source(path))
    assert len(found.frames) == 1
    assert found.frames[0].image_bgr.max() == 0
    assert found.problem is None
    assert found.notes == ((f"{path}: page 1 of 3 was read",) if pages == 3 else ())


@pytest.mark.parametrize("orientation", [1, 6])
def test_the_size_of_a_rotated_avif(tmp_path: Path, orientation: int):
    path = tmp_path / "a.avif"
    with_orientation(path, orientation, scene())
    (frame,) = read_frames(source(path)).frames
    assert frame.size_wh == ((60, 40) if orientation == 1 else (40, 60))
    (small,) = read_frames(source(path), max_side=30).frames
    assert small.size_wh == frame.size_wh
    assert small.image_bgr.shape[:2] == tuple(side // 2 for side in frame.size_wh[::-1])


def test_an_animation_above_the_limit_is_truncated(tmp_path: Path, monkeypatch):
    path = tmp_path / "a.gif"
    path.write_bytes(animation(".gif"))
    monkeypatch.setattr(reading, "MAX_PIXELS", 2 * 40 * 60)
    found = read_frames(source(path))
    assert len(found.frames) == 2
    assert "only the first 2 frames" in found.problem


def test_a_truncated_animation_returns_its_first_frames_or_raises(tmp_path: Path):
    data = animation(".gif")
    path = tmp_path / "a.gif"
    counts = set()
    for length in range(20, len(data), 97):
        path.write_bytes(data[:length])
        try:
            counts.add(len(read_frames(source(path)).frames))
        except DataError:
            counts.add(0)
    assert counts <= {0, 1, 2, 3}
    assert 0 in counts


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_max_side(tmp_path: Path, suffix: str):
    path = tmp_path / f"a{suffix}"
    write_image(path, scene(400, 600))
    (frame,) = read_frames(source(path), max_side=100).frames
    assert frame.image_bgr.shape == (67, 100, 3)
    assert frame.size_wh == (600, 400)
    expected = cv2.resize(scene(400, 600), (100, 67), interpolation=cv2.INTER_AREA)
    assert np.abs(frame.image_bgr.astype(int) - expected).max() < 12
    (frame,) = read_frames(source(path), max_side=600).frames
    assert frame.image_bgr.shape == (400, 600, 3)


def with_orientation(path: Path, orientation: int, image: np.ndarray) -> None:
    exif = PilImage.Exif()
    exif[0x0112] = orientation
    PilImage.fromarray(image).save(path, exif=exif)


@pytest.mark.parametrize("shape", [(401, 603), (603, 401), (400, 401)])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_jpeg_decoded_at_reduced_size_is_upright(tmp_path: Path, shape, orientation: int):
    path = tmp_path / "a.jpg"
    with_orientation(path, orientation, scene(*shape))
    (whole,) = read_frames(source(path)).frames
    (part,) = read_frames(source(path), max_side=50).frames
    assert max(part.image_bgr.shape) == 50
    assert np.abs(np.subtract(part.size_wh, whole.size_wh)).max() <= (1 if shape[0] == 400 else 0)


def test_too_large_jpegs_are_downscaled_and_others_rejected(tmp_path: Path, monkeypatch):
    for module in (reading, sys.modules["emorec.images"]):
        monkeypatch.setattr(module, "MAX_PIXELS", 20_000)
    write_image(tmp_path / "a.jpg", scene(400, 600))
    (frame,) = read_frames(source(tmp_path / "a.jpg")).frames
    assert frame.image_bgr.shape == (100, 150, 3)
    assert frame.size_wh == (600, 400)
    for suffix in (".png", ".gif", ".webp", ".bmp", ".tif"):
        write_image(tmp_path / f"a{suffix}", scene(400, 600))
        with pytest.raises(DataError, match=r"600x400 pixels; the limit is .* megapixels"):
            read_frames(source(tmp_path / f"a{suffix}"))


BOMBS = {
    "a.ppm": b"P6\n30000 30000\n255\n",
    "a.pbm": b"P4\n200000 200000\n",
    "a.hdr": b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 30000 +X 30000\n",
    "a.pfm": b"PF\n30000 30000\n-1.0\n",
    "a.sr": struct.pack(">8I", 0x59A66A95, 30000, 30000, 24, 0, 1, 0, 0),
    "a.bmp": b"BM" + struct.pack("<IHHIIiiHHI", 154, 0, 0, 54, 40, 30000, 30000, 1, 24, 0),
    "a.gif": b"GIF89a" + struct.pack("<HHBBB", 30000, 30000, 0x80, 0, 0),
    "a.png": b"\x89PNG\r\n\x1a\n"
    + struct.pack(">I4sIIBBBBB", 13, b"IHDR", 30000, 30000, 8, 2, 0, 0, 0),
}
"""Small files that claim a side of 30,000 pixels."""


def test_decompression_bombs_take_no_memory(tmp_path: Path):
    """Run like the command, with the limit of OpenCV for formats whose header is not parsed."""
    for name, data in BOMBS.items():
        (tmp_path / name).write_bytes(data + bytes(100))
    code = (
        "import sys\n"
        "from emorec.cli.main import run\n"
        "try: run(['detect', '.', '--no-save', '--jsonl', '-'])\n"
        # Unlike ru_maxrss, this excludes the memory of the parent process.
        "finally: print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0], "
        "file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    *errors, peak_kib = done.stderr.splitlines()
    assert len(errors) == len(BOMBS)
    assert all("the limit is 134 megapixels" in error for error in errors)
    assert int(peak_kib) < 400 * 1024


class Stdin:
    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)


def test_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", Stdin(cv2.imencode(".png", scene())[1].tobytes()))
    (frame,) = read_frames(MediaSource("-", "stdin")).frames
    np.testing.assert_array_equal(frame.image_bgr, scene())
    with pytest.raises(DataError, match="standard input is empty"):
        read_frames(MediaSource("-", "stdin"))


def test_the_problem_of_a_source_is_raised():
    with pytest.raises(DataError, match=r"^x: no images in this folder$"):
        read_frames(MediaSource("x", "x", problem="no images in this folder"))
