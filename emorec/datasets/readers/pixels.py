"""Reads CSV files that hold 48x48 images as numbers: fer2013.csv, icml_face_data.csv and kin."""

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from emorec.datasets.readers.image_files import RawImage
from emorec.datasets.readers.table import UNPACKING_ERRORS, opened
from emorec.errors import DataError
from emorec.interrupts import deliver_pending_interrupt, hold_interrupts, wait_for_result

SIDE = 48
PIXELS = SIDE * SIDE

MAX_BYTES = 2**30
"""Most bytes of text that are read, unpacked; fer2013.csv has 300 MB."""

MAX_LINES = 1_000_000

MAX_LINE = 2**16
"""Most bytes of a line; 2,304 numbers of three digits take 9 KiB."""

_BLOCK = 2**19
"""Bytes read at once: about sixty rows, which fit the processor's cache when parsed."""

_BLANK, _ZERO = np.uint8(32), np.uint8(48)

Pixels = npt.NDArray[np.uint8]


@dataclass
class PixelRows:
    """The rows of a pixel CSV file, as columns of n values each.

    Attributes:
        blocks: Grey images, each block of shape (k, 48, 48); n in all.
        columns: Values of the other columns by lower-case name.
        lines: Line of the file on which each row stands.
        faults: Why a row has no image, by row.
    """

    blocks: list[Pixels] = field(default_factory=list)
    columns: dict[str, list[str]] = field(default_factory=dict)
    lines: list[int] = field(default_factory=list)
    faults: dict[int, str] = field(default_factory=dict)


def header_of(file: RawImage) -> list[str]:
    """Give the column names of a CSV file, lower-case; empty where the first line is no header.

    Raises:
        DataError: The file cannot be read.
    """
    with opened(file) as stream:
        try:
            line = stream.readline(MAX_LINE)
        except UNPACKING_ERRORS as error:
            raise DataError(f"{file.label}: cannot read: {error}") from error
    return _names(line)


def _names(line: bytes) -> list[str]:
    text = line.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    return [name.strip(' \t\r\n"').lower() for name in text.split(",")]


def read_pixels(file: RawImage) -> PixelRows:
    """Read a pixel CSV file, in bounded memory and with all processors.

    Rows whose pixels are wrong (another count, a value above 255, no numbers) are kept as faults.

    Args:
        file: The file; packed if its name ends in .gz.

    Raises:
        DataError: The file is no such file, or a line or the whole is far too long.
    """
    rows = PixelRows()
    with hold_interrupts(), opened(file) as stream, ThreadPoolExecutor() as pool:
        running: deque[Future[tuple[Pixels, dict[int, str]]]] = deque()
        parsed = 0

        def collect() -> None:
            nonlocal parsed
            block, faults = wait_for_result(running.popleft())
            deliver_pending_interrupt()
            rows.blocks.append(block.reshape(-1, SIDE, SIDE))
            rows.faults.update((parsed + row, fault) for row, fault in faults.items())
            parsed += len(block)

        for fields in _blocks(file.label, stream, rows):
            running.append(pool.submit(parse_pixels, fields))
            if len(running) > 2 * (os.cpu_count() or 1):
                collect()
        while running:
            collect()
    if not rows.lines:
        raise DataError(f"{file.label}: the file has a header and no rows")
    return rows


def _blocks(label: str, stream: BinaryIO, rows: PixelRows) -> Iterator[list[bytes]]:
    """Give the pixel fields of some rows at a time; fill in the other columns."""
    names: list[str] = []
    number = pixels = 0
    others: list[tuple[int, list[str]]] = []
    for lines in _lines(label, stream):
        fields: list[bytes] = []
        for line in lines:
            number += 1
            if not line.strip():
                continue
            values = line.split(b",")
            if not names:
                names = _names(line)
                if names.count("pixels") != 1:
                    found = ", ".join(names)
                    raise DataError(f"{label}: needs one column 'pixels'; found: {found!r:.200}")
                pixels = names.index("pixels")
                rows.columns.update({name: [] for name in names if name != "pixels"})
                others = [(i, rows.columns[n]) for i, n in enumerate(names) if n != "pixels"]
                continue
            if len(values) != len(names):
                raise DataError(
                    f"{label}: row {number} has {len(values)} values; the header names "
                    f"{len(names)} columns"
                )
            fields.append(values[pixels].strip(b' \t\r"'))
            rows.lines.append(number)
            for index, column in others:
                column.append(values[index].decode("utf-8", "replace").strip(' \t\r"'))
        if fields:
            yield fields
    if not names:
        raise DataError(f"{label}: the file is empty")


def _lines(label: str, stream: BinaryIO) -> Iterator[list[bytes]]:
    rest, total, number = b"", 0, 0
    while True:
        try:
            block = stream.read(_BLOCK)
        except UNPACKING_ERRORS as error:
            raise DataError(f"{label}: cannot read: {error}") from error
        total += len(block)
        if total > MAX_BYTES:
            raise DataError(f"{label}: over {MAX_BYTES // 2**20} MiB of text; fer2013.csv has 287")
        lines = (rest + block).split(b"\n")
        rest = lines.pop()
        if block and not lines and len(rest) <= MAX_LINE:
            continue
        for line in (*lines, rest):
            number += 1
            if len(line) > MAX_LINE:
                raise DataError(
                    f"{label}: row {number} is over {MAX_LINE // 2**10} KiB long; 2,304 pixels "
                    "take 9"
                )
        number -= 1
        if number > MAX_LINES:
            raise DataError(f"{label}: over {MAX_LINES:,} lines; fer2013.csv has 35,888")
        if not block:
            yield [*lines, rest]
            return
        yield lines


def parse_pixels(fields: list[bytes]) -> tuple[Pixels, dict[int, str]]:
    """Turn rows of decimal numbers into pixels.

    Args:
        fields: For each row, 2,304 numbers from 0 to 255 with blanks between them.

    Returns:
        Pixels, shape (n, 2304), uint8, and why a row is wrong, by its index; such a row is 0.
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
    """Parse rows that are all right; None if one is not.

    Works on all bytes at once, in arithmetic of eight bits: at the last digit of each number
    stands digit + 10 * the one before + 100 * the one before that, where a blank counts as 0.
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
    # Three digits in a row: what stands before a blank is of another number.
    hundreds = digits[:-2] * (is_digit[1:-1] & is_digit[2:]).view(np.uint8)
    if (hundreds > 2).any():
        return None
    hundreds *= np.uint8(100)
    values = digits[1:-1] * np.uint8(10)
    values += digits[2:]
    values += hundreds
    if (values < hundreds).any():  # it went over 255 and began again at 0
        return None
    # Indexing by the mask itself would take most of the time of it all.
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
