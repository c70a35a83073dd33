"""The images of a raw data set: in files, in a zip archive or as pixel values."""

import functools
import io
import os
import stat
import struct
import zipfile
import zlib
from typing import IO, BinaryIO, NamedTuple, Protocol, cast

import cv2
import numpy as np

from emorec.errors import DataError
from emorec.headers import Header
from emorec.images import MAX_FILE_BYTES, Image, decode_image

_PNG = b"\x89PNG\r\n\x1a\n"

_OPEN = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Non-blocking, because a named pipe among the files must not block the run."""


class RawImage(Protocol):
    """One file of a raw data set: an image, or a file of labels."""

    @property
    def location(self) -> str:
        """Path or place of the file, for messages."""
        ...

    @property
    def size(self) -> int:
        """Size in bytes; 0 where it is known only after reading."""
        ...

    @property
    def stamp(self) -> int:
        """Number that changes when the file changes."""
        ...

    @property
    def path(self) -> str | None:
        """Path to link to; None where the image is not a file of its own."""
        ...

    def open(self) -> BinaryIO:
        """Open the file for reading, as bytes."""
        ...

    def read(self) -> bytes:
        """Return the encoded content of the file.

        Raises:
            DataError: It is not a regular file, unreadable, empty or over `MAX_FILE_BYTES`.
        """
        ...


class FileImage(NamedTuple):
    """An image in a file of its own."""

    path: str
    size: int
    stamp: int

    @property
    def location(self) -> str:
        """Path of the file."""
        return self.path

    def open(self) -> BinaryIO:
        """Open the file for reading, as bytes."""
        try:
            descriptor = os.open(self.path, _OPEN)
        except OSError as error:
            raise DataError(f"{self.path}: {error.strerror or error}") from error
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise DataError(f"{self.path}: not a regular file")
        return os.fdopen(descriptor, "rb")

    def read(self) -> bytes:
        """Return the encoded content of the file."""
        try:
            descriptor = os.open(self.path, _OPEN)
            try:
                status = os.fstat(descriptor)
                if not stat.S_ISREG(status.st_mode):
                    raise DataError(f"{self.path}: not a regular file")
                check_size(self.path, status.st_size)
                data = os.read(descriptor, status.st_size)
                while len(data) < status.st_size and (more := os.read(descriptor, 2**20)):
                    data += more
                return data
            finally:
                os.close(descriptor)
        except OSError as error:
            raise DataError(f"{self.path}: {error.strerror or error}") from error


class ZippedImage(NamedTuple):
    """An image in a zip archive, which is read without unpacking."""

    archive: zipfile.ZipFile
    info: zipfile.ZipInfo
    location: str

    @property
    def path(self) -> str | None:
        """None, because there is no file to link to."""
        return None

    @property
    def size(self) -> int:
        """Size in bytes."""
        return self.info.file_size

    @property
    def stamp(self) -> int:
        """CRC-32 of the content."""
        return self.info.CRC

    def open(self) -> BinaryIO:
        """Open the file for reading, as bytes."""
        try:
            return cast(BinaryIO, _Checked(self.archive.open(self.info), self.location))
        except _ZIP_ERRORS as error:
            raise DataError(f"{self.location}: cannot read it ({error})") from error

    def read(self) -> bytes:
        """Return the encoded content of the file."""
        check_size(self.location, self.info.file_size)
        try:
            # zipfile never returns more than the archive's list states, which is checked above.
            return self.archive.read(self.info)
        except _ZIP_ERRORS as error:
            raise DataError(f"{self.location}: cannot read it ({error})") from error


_ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError, OSError)
"""Errors of zipfile for damaged, encrypted and unsupported members."""


class _Checked(io.RawIOBase):
    """A member of an archive that reports damage as a `DataError`."""

    def __init__(self, member: IO[bytes], location: str) -> None:
        self._member, self._location = member, location

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        try:
            return self._member.read(size)
        except _ZIP_ERRORS as error:
            raise DataError(f"{self._location}: cannot read it ({error})") from error

    def close(self) -> None:
        self._member.close()
        super().close()


class PixelImage(NamedTuple):
    """An image given as pixel values; `read` encodes it as PNG.

    Attributes:
        location: File and row, for messages.
        pixels: Grey, shape (height, width), uint8.
        fault: Reason why there is no image; "" where there is one.
    """

    location: str
    pixels: Image
    fault: str

    @property
    def path(self) -> str | None:
        """None, because there is no file to link to."""
        return None

    @property
    def size(self) -> int:
        """0, because the encoded size is unknown."""
        return 0

    @property
    def stamp(self) -> int:
        """0, because the pixel file itself has a stamp."""
        return 0

    def open(self) -> BinaryIO:
        """Open the file for reading, as bytes."""
        return io.BytesIO(self.read())

    def read(self) -> bytes:
        """Return the encoded content of the file."""
        if self.fault:
            raise DataError(f"{self.location}: {self.fault}")
        return encode_gray_png(self.pixels)


def encode_gray_png(image: Image) -> bytes:
    """Encode a grey image as uncompressed PNG.

    A file of 48x48 takes one disk block either way, and this is ten times as fast.

    Args:
        image: Shape (height, width), uint8.
    """
    height, width = image.shape
    rows = np.zeros((height, width + 1), np.uint8)  # each row begins with its filter type, 0
    rows[:, 1:] = image
    data = _chunk(b"IDAT", zlib.compress(rows.tobytes(), 0))
    return b"".join((_png_begin(height, width), data, _PNG_END))


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(data, zlib.crc32(kind))
    return b"".join((struct.pack(">I", len(data)), kind, data, struct.pack(">I", checksum)))


@functools.lru_cache
def _png_begin(height: int, width: int) -> bytes:
    return _PNG + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))


_PNG_END = _chunk(b"IEND", b"")


def check_size(location: str, size: int) -> None:
    """Check the size of an image file in bytes.

    Raises:
        DataError: It is empty, or over `MAX_FILE_BYTES`.
    """
    if size == 0:
        raise DataError(f"{location}: the file is empty (0 bytes)")
    if size > MAX_FILE_BYTES:
        limit = MAX_FILE_BYTES // 2**20
        raise DataError(f"{location}: {size / 2**20:.0f} MiB; the limit for images is {limit} MiB")


def check_readable(location: str, data: bytes, header: Header | None) -> None:
    """Check that the content of an image file is complete.

    A still PNG file counts as complete if all its checksums are right, which takes a tenth of the
    time of decoding it; other files are decoded.

    Args:
        location: File name for messages.
        data: Bytes of the file.
        header: Their header, if it is a known one.

    Raises:
        DataError: The image is damaged.
    """
    is_plain_png = header is not None and header.trusted and data.startswith(_PNG)
    if not (is_plain_png and _is_complete_png(data)):
        decode_gray(location, data)


def _is_complete_png(data: bytes) -> bool:
    position = len(_PNG)
    while position + 12 <= len(data):
        end = position + 8 + int.from_bytes(data[position : position + 4], "big")
        if zlib.crc32(data[position + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            return False
        if data[position + 4 : position + 8] == b"IEND":
            return True
        position = end + 4
    return False


def decode_gray(location: str, data: bytes) -> Image:
    """Decode the content of an image file as grey.

    Returns:
        Shape (height, width), uint8, 0..255.

    Raises:
        DataError: The image is damaged or of an unsupported format.
    """
    return decode_image(location, data, cv2.IMREAD_GRAYSCALE)
