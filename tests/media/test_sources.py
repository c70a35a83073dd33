"""Expansion of arguments to sources."""

import io
import os
import sys
from pathlib import Path

import pytest

from emorec import file_kinds
from emorec.frames import Frame
from emorec.media.sources import MediaSource, expand


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def touch(*names: str) -> None:
    for name in names:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def names(*arguments: str, pattern: str | None = None) -> list[str]:
    return [source.name for source in expand(arguments, pattern)]


def test_no_arguments():
    assert names() == []


def test_files_keep_their_order():
    assert names("b.txt", "a.jpg", "none") == ["b.txt", "a.jpg", "none"]


def test_a_folder_is_walked_in_order():
    touch("f/b.jpg", "f/a/2.PNG", "f/a/1.webp", "f/c.txt", "f/.hidden.jpg", "f/.git/x.jpg")
    touch("f/dir.jpg/inside.gif")
    assert names("f") == ["f/a/1.webp", "f/a/2.PNG", "f/b.jpg", "f/dir.jpg/inside.gif"]
    stems = [source.output_stem for source in expand(["f"])]
    assert stems == ["a/1", "a/2", "b", "dir.jpg/inside"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.txt", ["f/c.txt"]),
        ("a/*", ["f/a/1.jpg"]),
        ("*1*", ["f/a/1.jpg"]),
        ("*/1.jpg", ["f/a/1.jpg"]),
    ],
)
def test_glob(pattern, expected):
    touch("f/a/1.jpg", "f/b.jpg", "f/c.txt")
    assert names("f", pattern=pattern) == expected


@pytest.mark.parametrize("pattern", [None, "*.bmp"])
def test_a_folder_without_images_is_a_problem(pattern):
    Path("f.jpg").mkdir()
    touch("f.jpg/a.txt")
    (source,) = expand(["f.jpg"], pattern)
    assert source.name == "f.jpg"
    assert source.problem.startswith("no images")


def test_links():
    touch("f/a.jpg", "g/b.jpg")
    Path("f/loop").symlink_to("..")
    Path("f/self").symlink_to("self")
    Path("f/self.jpg").symlink_to("self.jpg")
    Path("f/other").symlink_to("../g")
    Path("f/dangling.jpg").symlink_to("nowhere")
    found = names("f")
    assert [name for name in found if name.startswith("f/loop/f")] == []
    assert {"f/a.jpg", "f/other/b.jpg", "f/dangling.jpg", "f/self.jpg"} <= set(found)
    assert len(found) == len(set(found)) <= 6


def test_a_pipe_is_listed_and_not_opened():
    touch("f/a.jpg")
    os.mkfifo("f/pipe.jpg")
    assert names("f") == ["f/a.jpg", "f/pipe.jpg"]


def test_a_folder_that_cannot_be_read(monkeypatch):
    touch("f/a/1.jpg", "f/b.jpg")
    real = os.scandir

    def scandir(path):
        if str(path).endswith("a"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    closed, open_one = expand(["f"])
    assert (closed.name, closed.problem) == ("f/a", "Permission denied")
    assert open_one.name == "f/b.jpg"


def test_names_that_are_not_unicode():
    touch(os.fsdecode(b"f/\xff.jpg"))
    (name,) = names("f")
    assert os.fsencode(name) == b"f/\xff.jpg"


def test_a_list():
    touch("f/a.jpg", "x y.jpg")
    Path("list.txt").write_bytes(b"x y.jpg\r\n\nf\n\xff.jpg\n@list.txt\n")
    found = list(expand(["@list.txt", "z.jpg"]))
    assert [source.name for source in found] == [
        *("x y.jpg", "f/a.jpg", os.fsdecode(b"\xff.jpg"), "@list.txt", "z.jpg")
    ]
    assert [source.listed for source in found] == [True, True, True, True, False]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_encodings_of_windows_lists(encoding):
    """PowerShell 5 writes UTF-16, Notepad an optional mark of UTF-8."""
    Path("list.txt").write_bytes("é.jpg\r\nb.jpg\r\n".encode(encoding))
    assert names("@list.txt") == ["é.jpg", "b.jpg"]


def test_a_list_on_standard_input(monkeypatch):
    class Stdin:
        buffer = io.BytesIO(b"a.jpg\nb.jpg\n")

    monkeypatch.setattr(sys, "stdin", Stdin)
    assert names("@-") == ["a.jpg", "b.jpg"]


@pytest.mark.parametrize("make", [None, os.mkfifo, os.mkdir])
def test_a_list_that_cannot_be_read(make):
    if make:
        make("list.txt")
    (source,) = expand(["@list.txt"])
    assert source.problem.startswith("cannot read the list")


def test_a_file_with_an_at_sign():
    touch("@a.jpg")
    assert names("@a.jpg") == ["@a.jpg"]


def test_outputs_of_equal_names_are_numbered():
    found = list(expand(["a/x.jpg", "b/X.png", "x.gif", "y.jpg", "-", ".."]))[:5]
    outputs = [source.output_name("-emotions.jpg") for source in found]
    expected = ["x-emotions.jpg", "X-emotions-2.jpg", "x-emotions-3.jpg", "y-emotions.jpg"]
    assert outputs == [*expected, "stdin-emotions.jpg"]


def test_outputs_of_frames():
    import numpy as np

    frame = Frame(np.zeros((1, 1, 3), np.uint8), (1, 1), 12, 0.5)
    source = MediaSource("x", "a/x", 2)
    assert source.output_name("-face1.png", frame) == "a/x-frame000012-face1-2.png"


@pytest.mark.parametrize("stem", ["x" * 251, "é" * 125, "\udcff" * 251, "f/" + "x" * 251])
def test_long_names_of_outputs_are_shortened(stem: str):
    ending = "-emotions.jpg"
    name = MediaSource("x", stem, 2).output_name(ending)
    folder, _, last = name.rpartition("/")
    assert folder == ("f" if "/" in stem else "")
    assert 250 < len(os.fsencode(last)) <= 255
    assert last.endswith("-emotions-2.jpg")
    assert last[:100] == stem.rpartition("/")[2][:100]
    assert name == MediaSource("y", stem, 2).output_name(ending)
    assert name != MediaSource("x", stem + "x", 2).output_name(ending)


def test_names_of_outputs_that_fit_stay():
    stem = "x" * (255 - len("-emotions.jpg"))
    assert MediaSource("x", stem).output_name("-emotions.jpg") == f"{stem}-emotions.jpg"


def left_out(*arguments: str, pattern: str | None = None) -> list[str]:
    found: list[str] = []
    list(expand(arguments, pattern, found))
    return found


def test_other_files_of_folders_are_named():
    assert left_out() == []
    touch(
        "f/a.JFIF", "f/b.mpo", "f/c.txt", "f/sub/README", "f/clip.mp4", "f/Thumbs.db", "f/._a.jpg"
    )
    touch("f/._a.jpg", "f/__MACOSX/x.jpg", "f/.ipynb_checkpoints/y.jpg", "f/desktop.ini", "z.txt")
    assert names("f") == ["f/a.JFIF", "f/b.mpo"]
    assert left_out("f", "z.txt") == ["f/c.txt", "f/clip.mp4", "f/sub/README"]
    # A pattern says itself what to leave out.
    assert left_out("f", pattern="*.mpo") == []


@pytest.mark.parametrize("installed", [False, True])
def test_heif_in_a_folder_needs_its_extra(monkeypatch, installed):
    monkeypatch.setattr(file_kinds, "reads_heif", lambda: installed)
    touch("f/a.heic", "f/b.jpg")
    assert names("f") == (["f/a.heic", "f/b.jpg"] if installed else ["f/b.jpg"])
    assert left_out("f") == ([] if installed else ["f/a.heic"])


def test_a_folder_without_images_says_what_it_holds():
    touch("f/a.txt", "f/b.txt")
    (source,) = expand(["f"])
    assert source.problem == "no images in this folder; left out: 2 .txt"


@pytest.mark.parametrize(
    ("name", "content", "is_video"),
    [
        ("a.jpg", b"\0\0\0\x20ftypisom", True),
        ("a.mp4", b"\xff\xd8\xff\xe0", False),
        ("a.dat", b"RIFF\0\0\0\0AVI LIST", True),
        ("a.mp4", b"", True),
        ("a.jpg", b"", False),
    ],
)
def test_a_named_file_is_what_its_content_is(name, content, is_video):
    touch(f"f/{name}")
    Path("f", name).write_bytes(content)
    Path("list.txt").write_text(f"f/{name}\n")
    (named,) = expand([f"f/{name}"])
    (listed,) = expand(["@list.txt"])
    assert named.is_video is listed.is_video is is_video


@pytest.mark.parametrize(
    ("argument", "problem"),
    [
        ("webcam", "no such file; a camera is named by its number, such as 0"),
        ("Camera", "no such file; a camera is named by its number, such as 0"),
        ("photo", "no such file; did you mean 'photo.jpg'?"),
        ("phto.jpg", "no such file; did you mean 'photo.jpg'?"),
        ("sub/face", "no such file; did you mean 'sub/face.png'?"),
        ("none/a.png", None),
        ("zebra", None),
        ("photo.jpg", None),
        ("clip.mp4", None),
        ("x\0y", None),
        (
            "list.txt",
            "a text file, not an image; for the files that it lists, name it as @list.txt",
        ),
    ],
)
def test_names_that_are_no_images(argument: str, problem: str | None):
    touch("photo.jpg", "sub/face.png")
    Path("list.txt").write_text("photo.jpg\n")
    (source,) = expand([argument])
    assert source.problem == problem
    Path("paths").write_text(f"{argument}\n")
    assert [listed.problem for listed in expand(["@paths"])] == [None]
