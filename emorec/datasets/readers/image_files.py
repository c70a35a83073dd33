"""The pictures of a raw data set, wherever they stand: in files, in an archive or as pixels."""

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
import numpy.typing as npt

from emorec.errors import DataError
from emorec.images import MAX_FILE_BYTES, Image

_PNG = b"\x89PNG\r\n\x1a\n"

_OPEN = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""A named pipe among the files must not block the run."""


class RawImage(Protocol):
    """One file of a raw data set; a list of labels is one too."""

    @property
    def label(self) -> str:
        """Where it stands, for messages."""
        ...

    @property
    def size(self) -> int:
        """Bytes of the file; 0 where only reading tells."""
        ...

    @property
    def stamp(self) -> int:
        """Changes when the file does."""
        ...

    @property
    def path(self) -> str | None:
        """The file itself where it can be linked to."""
        ...

    def open(self) -> BinaryIO:
        """Open the file for reading, as bytes."""
        ...

    def read(self) -> bytes:
        """Give the content of the file, as bytes of a picture format.

        Raises:
            DataError: It is no regular file, unreadable, empty or over `MAX_FILE_BYTES`.
        """
        ...


class FileImage(NamedTuple):
    """A picture in a file of its own."""

    path: str
    size: int
    stamp: int

    @property
    def label(self) -> str:
        """Where it stands."""
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
        """Give the content of the file."""
        try:
            descriptor = os.open(self.path, _OPEN)
            try:
                status = os.fstat(descriptor)
                if not stat.S_ISREG(status.st_mode):
                    raise DataError(f"{self.path}: not a regular file")
                _check_size(self.path, status.st_size)
                data = os.read(descriptor, status.st_size)
                while len(data) < status.st_size and (more := os.read(descriptor, 2**20)):
                    data += more
                return data
            finally:
                os.close(descriptor)
        except OSError as error:
            raise DataError(f"{self.path}: {error.strerror or error}") from error


class ZippedImage(NamedTuple):
    """A picture in a zip archive; it is read from there, nothing is unpacked."""

    archive: zipfile.ZipFile
    info: zipfile.ZipInfo
    label: str

    @property
    def path(self) -> str | None:
        """None, for there is no file to link to."""
        return None

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self.info.file_size

    @property
    def stamp(self) -> int:
        """Changes when the file does."""
        return self.info.CRC

    def open(self) -> BinaryIO:
        """Open the file for reading, as bytes."""
        try:
            return cast(BinaryIO, _Checked(self.archive.open(self.info), self.label))
        except _ZIP_ERRORS as error:
            raise DataError(f"{self.label}: cannot read it ({error})") from error

    def read(self) -> bytes:
        """Give the content of the file."""
        _check_size(self.label, self.info.file_size)
        try:
            # No more is ever given than the archive's list says, which the check has bounded.
            return self.archive.read(self.info)
        except _ZIP_ERRORS as error:
            raise DataError(f"{self.label}: cannot read it ({error})") from error


_ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError, OSError)
"""What zipfile raises for damaged, encrypted and exotic members."""


class _Checked(io.RawIOBase):
    """A member of an archive, whose damage is told as a `DataError`."""

    def __init__(self, member: IO[bytes], label: str) -> None:
        self._member, self._label = member, label

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        try:
            return self._member.read(size)
        except _ZIP_ERRORS as error:
            raise DataError(f"{self._label}: cannot read it ({error})") from error

    def close(self) -> None:
        self._member.close()
        super().close()


class PixelImage(NamedTuple):
    """A picture given as numbers; `read` makes a PNG of it.

    Attributes:
        pixels: Grey, shape (height, width), uint8.
        fault: Why there is no picture; "" where there is one.
    """

    label: str
    pixels: Image
    fault: str

    @property
    def path(self) -> str | None:
        """None, for there is no file to link to."""
        return None

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return 0

    @property
    def stamp(self) -> int:
        """Changes when the file does."""
        return 0

    def open(self) -> BinaryIO:
        """Open the file for reading, as bytes."""
        return io.BytesIO(self.read())

    def read(self) -> bytes:
        """Give the content of the file."""
        if self.fault:
            raise DataError(f"{self.label}: {self.fault}")
        return encode_gray_png(self.pixels)


def encode_gray_png(image: Image) -> bytes:
    """Give the bytes of a PNG file with a grey picture, not compressed.

    A file of 48x48 takes one block of the disk either way, and this is ten times as fast.

    Args:
        image: Shape (height, width), uint8.
    """
    height, width = image.shape
    rows = np.zeros((height, width + 1), np.uint8)  # each begins with the filter's number, 0
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


def _check_size(label: str, size: int) -> None:
    if size == 0:
        raise DataError(f"{label}: the file is empty (0 bytes)")
    if size > MAX_FILE_BYTES:
        limit = MAX_FILE_BYTES // 2**20
        raise DataError(f"{label}: {size / 2**20:.0f} MiB; pictures up to {limit} MiB are read")


def check_readable(label: str, data: bytes) -> None:
    """Check that the content of a picture file is whole.

    A PNG file is taken to be whole if all its checksums are right, which takes a tenth of the
    time of decoding it; other pictures are decoded.

    Raises:
        DataError: It is not.
    """
    if not (data.startswith(_PNG) and _is_whole_png(data)):
        decode_gray(label, data)


def _is_whole_png(data: bytes) -> bool:
    position = len(_PNG)
    while position + 12 <= len(data):
        end = position + 8 + int.from_bytes(data[position : position + 4], "big")
        if zlib.crc32(data[position + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            return False
        if data[position + 4 : position + 8] == b"IEND":
            return True
        position = end + 4
    return False


def decode_gray(label: str, data: bytes) -> Image:
    """Decode the content of a picture file as grey; shape (height, width), uint8.

    Raises:
        DataError: It is no readable picture.
    """
    try:
        content: npt.NDArray[np.uint8] = np.frombuffer(data, np.uint8)
        image = cv2.imdecode(content, cv2.IMREAD_GRAYSCALE)
    except cv2.error as error:
        raise DataError(f"{label}: not a readable picture ({error.err or error})") from error
    if image is None or image.size == 0:
        raise DataError(f"{label}: not a readable picture; is it damaged or of another type?")
    return image.astype(np.uint8, copy=False)
