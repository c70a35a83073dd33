"""Writing images: copies, postponed and unreadable ones."""

from pathlib import Path

import pytest
from helpers.checkouts import make_images, noise_png, tree

from emorec.datasets.image_writing import ImageWriter, write_new_file
from emorec.datasets.prepare_options import PrepareOptions
from emorec.datasets.readers.registry import read_source
from emorec.datasets.selection import select
from emorec.headers import Header


@pytest.fixture
def writer(tmp_path: Path) -> ImageWriter:
    root = make_images(tmp_path / "mine", {"happy": 2, "sad": 2})
    (root / "sad/001.png").write_bytes(b"\x89PNG")
    return ImageWriter(select(read_source(root), PrepareOptions()), tmp_path / "out", "copy")


def test_no_image_is_written(writer: ImageWriter, tmp_path: Path):
    assert writer.write([]) == []
    assert tree(tmp_path / "out") == {}
    assert (writer.sizes, writer.unreadable) == ({}, {})


def test_some_images_are_postponed(writer: ImageWriter, tmp_path: Path):
    headers: dict[int, Header | None] = {}

    def postpones(index: int, header: Header | None) -> bool:
        headers[index] = header
        return index == 1

    assert writer.write(range(4), postpones=postpones) == [1]
    assert headers[0] is not None
    assert (headers[0].size_wh, headers[3]) == ((48, 48), None)
    assert writer.sizes == {0: len(noise_png(0)), 2: len(noise_png(0))}
    assert list(writer.unreadable) == [3]
    assert writer.write([1]) == []
    assert len(tree(tmp_path / "out")) == 3


def test_a_file_is_never_replaced(tmp_path: Path):
    target = tmp_path / "a.png"
    write_new_file(str(target), b"x" * 100_000)
    assert target.read_bytes() == b"x" * 100_000
    with pytest.raises(FileExistsError):
        write_new_file(str(target), b"y")
