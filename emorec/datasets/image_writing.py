"""Writes the images of a prepared data set: copies, links and the crops of faces."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from emorec.datasets.choices import COPY, HARD
from emorec.datasets.readers.image_files import PixelImage, check_readable
from emorec.datasets.selection import Selection
from emorec.errors import DataError
from emorec.headers import Header, read_header
from emorec.threads import ProgressCallback, run_in_threads

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)

Postpones = Callable[[int, Header | None], bool]
"""Whether an image is written later, by its index and its header, None for an unknown one."""


class ImageWriter:
    """Writes images of a selection into a folder.

    Args:
        selection: The images and their paths.
        folder: Folder of the prepared data set.
        link: One of `LINKS`.

    Attributes:
        sizes: Size in bytes of each image that was written, by its index in the selection.
        unreadable: Reason for each image that is unreadable, by its index.
    """

    def __init__(self, selection: Selection, folder: Path, link: str) -> None:
        self._selection, self._folder, self._link = selection, folder, link
        self.sizes: dict[int, int] = {}
        self.unreadable: dict[int, str] = {}
        labelled = {f"{top}/{name}" for top in ("train", "test") for name in selection.names}
        for path in labelled | {target.rpartition("/")[0] for target in selection.targets}:
            (folder / path).mkdir(parents=True, exist_ok=True)

    def write(
        self,
        indices: Sequence[int],
        progress: ProgressCallback | None = None,
        postpones: Postpones | None = None,
        *,
        checked: bool = False,
    ) -> list[int]:
        """Write images, in threads.

        Args:
            indices: Indices in the selection.
            progress: Called now and then with the number of images and their total.
            postpones: Tells which images to leave for later.
            checked: The images were decoded before, so they are readable.

        Returns:
            The postponed indices, sorted.
        """
        base = f"{self._folder}{os.sep}"
        postponed: list[int] = []

        def write(position: int) -> None:
            index = indices[position]
            image = self._selection.images[index]
            try:
                data = image.read()
                if not checked and not isinstance(image, PixelImage):  # that is encoded here
                    header = read_header(data)
                    if postpones and postpones(index, header):
                        postponed.append(index)
                        return
                    check_readable(image.location, data, header)
            except DataError as error:
                self.unreadable[index] = str(error).removeprefix(f"{image.location}: ")
                return
            self.sizes[index] = len(data)
            target = base + self._selection.targets[index]
            if self._link == COPY:
                write_new_file(target, data)
            elif self._link == HARD:
                os.link(image.path or "", target)
            else:
                Path(target).symlink_to(Path(image.path or "").absolute())

        run_in_threads(write, len(indices), progress)
        return sorted(postponed)


def write_new_file(target: str, data: bytes) -> None:
    """Write a new file, without the buffers of `open`, which slow down small files."""
    descriptor = os.open(target, _CREATE, 0o666)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    finally:
        os.close(descriptor)
