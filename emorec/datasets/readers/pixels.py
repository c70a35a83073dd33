"""Reads CSV files with 48x48 images as decimal numbers, such as fer2013.csv."""

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from emorec.datasets.readers.image_files import PixelImage, RawImage
from emorec.datasets.readers.table import (
    MAX_LINE,
    UNPACKING_ERRORS,
    column_names,
    find_delimiter,
    open_unpacked,
)
from emorec.errors import DataError
from emorec.interrupts import deliver_pending_interrupt, hold_interrupts, wait_for_result

SIDE = 48
PIXELS = SIDE * SIDE

MAX_BYTES = 2**30
"""Largest size of the unpacked text in bytes; fer2013.csv has 300 MB."""

MAX_LINES = 1_000_000
"""Largest number of lines; fer2013.csv has 35,888."""

_BLOCK = 2**19
"""Bytes read at once: about sixty rows, which fit the processor cache when parsed."""

_BLANK, _ZERO = np.uint8(32), np.uint8(48)

Pixels = npt.NDArray[np.uint8]


@dataclass
class PixelRows:
    """The rows of a pixel CSV file, as columns of n values each.

    Attributes:
        blocks: Grey images, each block of shape (k, 48, 48), uint8; n images in all.
        columns: Values of the other columns by lower-case name.
        lines: Line number of each row in the file.
        faults: Reason why a row has no image, by row.
    """

    blocks: list[Pixels] = field(default_factory=list)
    columns: dict[str, list[str]] = field(default_factory=dict)
    lines: list[int] = field(default_factory=list)
    faults: dict[int, str] = field(default_factory=dict)

    def images(self, location: str) -> list[PixelImage]:
        """Return the image of each row; `location` is the file, for messages."""
        images = (image for block in self.blocks for image in block)
        return [
            PixelImage(f"{location}: row {line}", image, self.faults.get(row, ""))
            for row, (line, image) in enumerate(zip(self.lines, images, strict=True))
        ]


def read_pixels(file: RawImage) -> PixelRows:
    """Read a pixel CSV file in bounded memory, on all processor cores.

    Rows with wrong pixels (another count, a value above 255, no numbers) are recorded as faults.

    Args:
        file: The file; gzip-compressed if its name ends in .gz.

    Raises:
        DataError: The file is not a pixel CSV file, or it or one of its lines is too long.
    """
    rows = PixelRows()
    with hold_interrupts(), open_unpacked(file) as stream, ThreadPoolExecutor() as pool:
        running: deque[Future[tuple[Pixels, dict[int, str]]]] = deque()
        parsed = 0

        def collect() -> None:
            nonlocal parsed
            block, faults = wait_for_result(running.popleft())
            deliver_pending_interrupt()
            rows.blocks.append(block.reshape(-1, SIDE, SIDE))
            rows.faults.update((parsed + row, fault) for row, fault in faults.items())
            parsed += len(block)

        for fields in _blocks(file.location, stream, rows):
            running.append(pool.submit(parse_pixels, fields))
            if len(running) > 2 * (os.cpu_count() or 1):
                collect()
        while running:
            collect()
    if not rows.lines:
        raise DataError(f"{file.location}: the file has a header and no rows")
    return rows


def _blocks(location: str, stream: BinaryIO, rows: PixelRows) -> Iterator[list[bytes]]:
    """Yield the pixel fields of some rows at a time and append the other columns to `rows`."""
    names: list[str] = []
    number = pixels = 0
    delimiter = b","
    others: list[tuple[int, list[str]]] = []
    for lines in _lines(location, stream):
        fields: list[bytes] = []
        for line in lines:
            number += 1
            if not line.strip():
                continue
            if not names:
                names = column_names(line)
                delimiter = find_delimiter(line.decode("utf-8", "replace")).encode()
                if names.count("pixels") != 1:
                    found = ", ".join(names)
                    raise DataError(f"{location}: needs one column 'pixels'; found: {found!r:.200}")
                pixels = names.index("pixels")
                rows.columns.update({name: [] for name in names if name != "pixels"})
                others = [(i, rows.columns[n]) for i, n in enumerate(names) if n != "pixels"]
                continue
            values = line.split(delimiter)
            if len(values) != len(names):
                raise DataError(
                    f"{location}: row {number} has {len(values)} values; the header names "
                    f"{len(names)} columns"
                )
            fields.append(values[pixels].strip(b' \t\r"'))
            rows.lines.append(number)
            for index, column in others:
                column.append(values[index].decode("utf-8", "replace").strip(' \t\r"'))
        if fields:
            yield fields
    if not names:
        raise DataError(f"{location}: the file is empty")


def _lines(location: str, stream: BinaryIO) -> Iterator[list[bytes]]:
    rest, total, number = b"", 0, 0
    while True:
        try:
            block = stream.read(_BLOCK)
        except UNPACKING_ERRORS as error:
            raise DataError(f"{location}: cannot read: {error}") from error
        total += len(block)
        if total > MAX_BYTES:
            raise DataError(
                f"{location}: over {MAX_BYTES // 2**20} MiB of text; fer2013.csv has 287 MiB"
            )
        lines = (rest + block).split(b"\n")
        rest = lines.pop()
        if block and not lines and len(rest) <= MAX_LINE:
            continue
        for line in (*lines, rest):
            number += 1
            if len(line) > MAX_LINE:
                raise DataError(
                    f"{location}: row {number} is over {MAX_LINE // 2**10} KiB long; 2,304 pixels "
                    "take 9 KiB"
                )
        number -= 1
        if number > MAX_LINES:
            raise DataError(f"{location}: over {MAX_LINES:,} lines; fer2013.csv has 35,888")
        if not block:
            yield [*lines, rest]
            return
        yield lines


def parse_pixels(fields: list[bytes]) -> tuple[Pixels, dict[int, str]]:
    """Parse rows of decimal numbers as pixels.

    Args:
        fields: For each row, 2,304 numbers from 0 to 255 separated by blanks.

    Returns:
        Pixels, shape (n, 2304), uint8, and the fault of each wrong row by its index; the pixels
        of such a row are 0.
    """
    fast = _parse_good(fields)
    if fast is not None:
        return fast, {}
    pixels = np.zeros((len(fields), PIXELS), np.uint8)
    faults: dict[int, str] = {}
    for row, text in enumerate(fields):
        good = _parse_good([text])
        if good is None:
            faults[row] = _fault(text)
        else:
            pixels[row] = good[0]
    return pixels, faults


def _parse_good(fields: list[bytes]) -> Pixels | None:
    """Parse rows without faults; return None if a row has one.

    All bytes are processed at once in 8-bit arithmetic: the value at the last digit of a number
    is that digit + 10 * the byte before + 100 * the byte before that; a blank counts as 0.
    """
    text = np.frombuffer(b" ".join([b"  ", *fields, b""]), np.uint8)
    digits = text - _ZERO
    is_digit = digits < 10
    if not (is_digit | (text == _BLANK)).all():
        return None
    # Numbers of four digits.
    if (is_digit[3:] & is_digit[2:-1] & is_digit[1:-2] & is_digit[:-3]).any():
        return None
    ends = is_digit[:-1] > is_digit[1:]
    begin = 3
    for length in map(len, fields):
        if np.count_nonzero(ends[begin : begin + length]) != PIXELS:
            return None
        begin += length + 1
    digits *= is_digit.view(np.uint8)
    # Three digits in a row: a digit before a blank belongs to another number.
    hundreds = digits[:-2] * (is_digit[1:-1] & is_digit[2:]).view(np.uint8)
    if (hundreds > 2).any():
        return None
    hundreds *= np.uint8(100)
    values = digits[1:-1] * np.uint8(10)
    values += digits[2:]
    values += hundreds
    if (values < hundreds).any():  # the sum exceeded 255 and wrapped around
        return None
    # Indexing by the mask itself would take most of the total time.
    return values.take(np.flatnonzero(ends[2:])).reshape(len(fields), PIXELS)


def _fault(text: bytes) -> str:
    values = text.split()
    strange = [value for value in values if not value.isdigit()]
    if strange:
        received = strange[0].decode("ascii", "backslashreplace")
        return f"a pixel must be a whole number from 0 to 255; received {received!r:.40}"
    if len(values) != PIXELS:
        return f"has {len(values):,} pixel values instead of {PIXELS:,}"
    large = next((value for value in values if len(value) > 3 or int(value) > 255), b"a tab")
    return f"a pixel must be a whole number from 0 to 255; received {large.decode()!r:.40}"
