"""Listing folders and archives: links, devices, strange names, hostile archives."""

import os
import stat
import zipfile
from pathlib import Path

import pytest
from helpers.checkouts import make_checkout, noise_png, tree, zipped

from emorec.datasets.manifest import read_prepared
from emorec.datasets.prepare import prepare_data
from emorec.datasets.prepare_options import PrepareOptions
from emorec.datasets.readers import tree as trees
from emorec.datasets.readers.tree import is_file_name, is_image, read_folder, read_tree
from emorec.errors import DataError


def make_folders(root: Path, count: int = 10) -> Path:
    """A folder of images for two emotions."""
    for emotion in ("happy", "sad"):
        (root / emotion).mkdir(parents=True)
        for number in range(count):
            (root / emotion / f"{number}.png").write_bytes(noise_png(number))
    return root


def names_of(root: Path) -> set[str]:
    return {path.rpartition("/")[2] for path in tree(root) if path.endswith(".png")}


def test_an_empty_folder_has_no_files(tmp_path: Path) -> None:
    assert read_tree(tmp_path).files == {}
    with pytest.raises(DataError, match="no such folder or file"):
        read_tree(tmp_path / "none")


@pytest.mark.parametrize("name", ["fer2013.tar.gz", "archive.rar", "x.7z"])
def test_other_archives_must_be_unpacked_first(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(DataError, match="unpack it and name the folder"):
        read_tree(tmp_path / name)


@pytest.mark.parametrize(
    ("path", "image"),
    [
        ("a.png", True),
        ("happy/A.JPG", True),
        ("a.txt", False),
        (".a.png", False),
        ("happy/._a.png", False),
        (".cache/a.png", False),
        ("__MACOSX/a.png", False),
        ("png", False),
    ],
)
def test_images_are_recognised_by_their_names(path: str, image: bool) -> None:
    assert is_image(path) == image


def test_links_are_followed_inside_only(tmp_path: Path, dest: Path) -> None:
    root = make_folders(tmp_path / "data")
    secret = tmp_path / "secret.png"
    secret.write_bytes(noise_png(77))
    (root / "happy/out.png").symlink_to(secret)
    (root / "happy/up.png").symlink_to("../../secret.png")
    (root / "happy/gone.png").symlink_to("nowhere.png")
    (root / "happy/in.png").symlink_to("../sad/3.png")
    (root / "happy/loop.png").symlink_to("loop.png")
    (root / "fear").symlink_to(tmp_path)
    listed = read_folder(root)
    assert set(listed.skipped) == {
        "fear",
        "happy/gone.png",
        "happy/loop.png",
        "happy/out.png",
        "happy/up.png",
    }
    prepared = prepare_data(root, dest)
    assert names_of(dest) >= {"in.png"}
    assert not names_of(dest) & {"out.png", "up.png", "gone.png", "loop.png", "secret.png"}
    assert noise_png(77) not in tree(dest).values()
    assert prepared.summary["notes"] == [
        "a link to a folder or out of the data set is not used: 5 (such as 'fear')"
    ]
    with pytest.raises(DataError, match="strict: a link to a folder or out of the data set"):
        prepare_data(root, dest, PrepareOptions(strict=True, overwrite=True))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_pipes_and_devices_are_no_images(tmp_path: Path, dest: Path) -> None:
    root = make_folders(tmp_path / "data")
    os.mkfifo(root / "happy/pipe.png")
    devices = ["pipe.png"]
    if os.geteuid() == 0:
        os.mknod(root / "sad/zero.png", stat.S_IFCHR | 0o666, os.makedev(1, 5))
        devices.append("zero.png")
    summary = prepare_data(root, dest).summary
    unreadable = {image["name"].rpartition("/")[2]: image for image in summary["unreadable_images"]}
    assert sorted(unreadable) == devices
    assert {image["error"] for image in unreadable.values()} <= {
        "not a regular file",
        "Permission denied",  # of a device, where devices are forbidden
    }
    with pytest.raises(DataError, match="not a folder and not a regular file"):
        read_tree(root / "happy/pipe.png")


@pytest.mark.parametrize(
    "name", ["línea.png", "笑顔 1.png", "a b.png", "=cmd().png", "a,b.png", "a'b\"c.png", "é.png"]
)
def test_unusual_names_are_kept(tmp_path: Path, dest: Path, name: str) -> None:
    root = make_folders(tmp_path / "data")
    (root / "happy" / name).write_bytes(noise_png(50))
    prepare_data(root, dest)
    kept = [path for path, data in tree(dest).items() if data == noise_png(50)]
    assert len(kept) == 1
    assert kept[0].endswith(name.replace('"', "_"))
    assert kept[0] in read_prepared(dest).paths
    assert not prepare_data(root, dest).changed


@pytest.mark.parametrize("name", [b"a\nb.png", b"a\x1b[31m.png", b"a\xff.png", b"a\rb.png"])
def test_names_that_cannot_be_printed_are_skipped(tmp_path: Path, dest: Path, name: bytes) -> None:
    root = make_folders(tmp_path / "data")
    Path(os.fsdecode(os.fsencode(root / "happy") + b"/" + name)).write_bytes(noise_png(50))
    summary = prepare_data(root, dest).summary
    assert noise_png(50) not in tree(dest).values()
    (note,) = summary["notes"]
    assert note.startswith("a name with characters that cannot be printed is not used: 1")
    assert note.isprintable()


def test_an_archive_is_read_like_its_folder(tmp_path: Path, dest: Path) -> None:
    root = make_checkout(tmp_path / "FERPlus")
    archive = zipped(root, tmp_path / "FERPlus.zip", zipfile.ZIP_DEFLATED)
    prepare_data(root, dest)
    prepare_data(archive, dest.with_name("zipped"))
    ours, theirs = tree(dest), tree(dest.with_name("zipped"))
    del ours["summary.json"], theirs["summary.json"]
    assert ours == theirs
    assert not prepare_data(archive, dest.with_name("zipped")).changed


@pytest.mark.parametrize(
    "name",
    ["../x.png", "/etc/x.png", "a/../../x.png", "C:\\x.png", "a\\..\\x.png", "happy/a:b.png"],
)
def test_an_archive_with_a_name_that_leaves_it_is_refused(
    tmp_path: Path, dest: Path, name: str
) -> None:
    archive = zipped(make_folders(tmp_path / "data"), tmp_path / "data.zip")
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr(name, noise_png(0))
    before = tree(tmp_path)
    with pytest.raises(DataError, match=r"unsafe name .* in the archive; nothing was read"):
        prepare_data(archive, dest)
    assert tree(tmp_path) == before


def test_links_in_an_archive_are_skipped(tmp_path: Path, dest: Path) -> None:
    archive = zipped(make_folders(tmp_path / "data"), tmp_path / "data.zip")
    link = zipfile.ZipInfo("data/happy/link.png")
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr(link, "/etc/passwd")
    summary = prepare_data(archive, dest).summary
    assert "link.png" not in names_of(dest)
    assert summary["notes"][0].startswith("a link to a folder or out of the data set")


def test_an_archive_of_too_much_is_refused(
    tmp_path: Path, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = zipped(make_folders(tmp_path / "data"), tmp_path / "data.zip")
    monkeypatch.setattr(trees, "MAX_UNPACKED", 2**14)
    with pytest.raises(DataError, match="would unpack to"):
        prepare_data(archive, dest)
    monkeypatch.undo()
    monkeypatch.setattr(trees, "MAX_FILES", 5)
    with pytest.raises(DataError, match="would unpack to"):
        prepare_data(archive, dest)
    with pytest.raises(DataError, match="over 5 files"):
        prepare_data(tmp_path / "data", dest)


def test_a_pixel_bomb_in_an_archive_is_refused(tmp_path: Path, dest: Path) -> None:
    archive = tmp_path / "fer2013.csv.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("fer2013.csv", "emotion,pixels,Usage\n3," + "0 " * 2**24)
    with pytest.raises(DataError, match="row 2 is over 64 KiB long"):
        prepare_data(archive, dest)


DAMAGES = {
    "no archive": lambda data: b"PK\3\4" + b"x" * 100,
    "empty": lambda data: b"",
    "cut": lambda data: data[: len(data) // 2],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_archive_is_refused(tmp_path: Path, dest: Path, damage: str) -> None:
    archive = zipped(make_folders(tmp_path / "data"), tmp_path / "data.zip")
    archive.write_bytes(DAMAGES[damage](archive.read_bytes()))
    with pytest.raises(DataError, match="cannot read the archive"):
        prepare_data(archive, dest)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("", False),
        (".hidden", False),
        ("..", False),
        ("photo.jpg", True),
        ("a-b_c.1.png", True),
        ("a b.png", True),
        ("日本.png", True),
        ("a.", False),
        ("a ", False),
        ("a:b", False),
        ("a/b", False),
        ("a\\b", False),
        ("con", False),
        ("NUL.png", False),
        ("nul .tar.gz", False),
        ("com1", False),
        ("LPT9.txt", False),
        ("com10", True),
        ("console", True),
        ("auxiliary.png", True),
        ("a" * 255, True),
        ("a" * 256, False),
    ],
)
def test_names_that_every_system_allows(name: str, plain: bool) -> None:
    assert is_file_name(name) == plain
