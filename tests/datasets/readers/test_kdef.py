"""KDEF by its file names."""

from pathlib import Path

from helpers.checkouts import make_images, noise_png
from helpers.published_trees import make_kdef, write_images

from emorec.datasets.readers.registry import read_source, recognize
from emorec.datasets.readers.tree import read_tree


def test_nobody_is_in_two_splits_and_full_profiles_are_named(tmp_path: Path) -> None:
    make_kdef(tmp_path / "KDEF")
    rows = read_source(tmp_path)
    assert len({*zip(rows.groups or (), rows.usages, strict=True)}) == 3
    assert set(rows.groups or ()) == {"F01", "F02", "F03"}
    assert {Path(name).stem[6:] for name in rows.names} == {"S", "HL", "HR"}
    assert rows.notes == ["full profiles are not used: 36 (KDEF/AF01/AF01ANFL.JPG)"]
    assert rows.left_out == []


def test_every_expression_is_known(tmp_path: Path) -> None:
    codes = ("AF", "AN", "DI", "HA", "NE", "SA", "SU")
    write_images(tmp_path, [f"AM{p}{code}S.JPG" for p in (10, 11, 12) for code in codes])
    rows = read_source(tmp_path)
    labels = (rows.labels or [])[:7]
    assert labels == ["fear", "angry", "disgust", "happy", "neutral", "sad", "surprise"]
    assert rows.sources[0] == "kdef"


def test_averaged_faces_beside_it_are_skipped(tmp_path: Path) -> None:
    make_kdef(tmp_path / "KDEF")
    make_images(tmp_path, {"AKDEF": 1})
    (tmp_path / "AKDEF/000.png").write_bytes(noise_png(5))
    rows = read_source(tmp_path)
    assert len(rows.names) == 54
    assert rows.notes[1] == "images without a person in the name are skipped: 1 (AKDEF/000.png)"


def test_images_of_kdef_in_folders_of_emotions_are_folders(tmp_path: Path) -> None:
    write_images(tmp_path, ["angry/AF01ANS.JPG", "angry/AF02ANS.JPG", "happy/AF01HAS.JPG"])
    recognized = recognize(read_tree(tmp_path))
    assert recognized
    assert recognized[0] == "folders"
