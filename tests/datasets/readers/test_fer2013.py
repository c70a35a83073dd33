"""FER-2013's pixel CSV files: labels, votes of FERPlus, every packing, broken files."""

import gzip
import zipfile
from pathlib import Path

import cv2
import pytest
from helpers.checkouts import HAPPY, SAD, csv_text, tree
from helpers.pixel_files import NUMBERS, TEXTS, pixel_csv

from emorec.datasets.prepare import prepare_data
from emorec.datasets.prepare_options import PrepareOptions
from emorec.datasets.readers.rows import ReadOptions
from emorec.errors import ConfigError, DataError


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "fer2013.csv"
    path.write_text(pixel_csv())
    return path


def manifest(root: Path) -> list[str]:
    return (root / "manifest.csv").read_text().splitlines()


def test_the_labels_of_fer2013_are_used(source: Path, dest: Path) -> None:
    summary = prepare_data(source, dest).summary
    assert manifest(dest) == [
        "path,split,usage,label,source",
        "train/happy/fer2013-00000.png,train,Training,happy,fer2013",
        "train/angry/fer2013-00001.png,train,Training,angry,fer2013",
        "test/neutral/fer2013-00002.png,validation,PublicTest,neutral,fer2013",
        "test/sad/fer2013-00003.png,test,PrivateTest,sad,fer2013",
    ]
    image = cv2.imread(str(dest / "train/happy/fer2013-00000.png"), cv2.IMREAD_UNCHANGED)
    assert (image == NUMBERS[0].reshape(48, 48)).all()
    assert (summary["policy"], summary["classes"]) == (None, 7)
    assert summary["notes"] == []
    assert not prepare_data(source, dest).changed


VARIANTS = {
    "CRLF": pixel_csv(end="\r\n"),
    "byte order mark": "\ufeff" + pixel_csv(),
    "both": "\ufeff" + pixel_csv(end="\r\n"),
    "no last line end": pixel_csv().rstrip("\n"),
    "blank lines": pixel_csv().replace("\n", "\n\n"),
    "quotes": "emotion,pixels,Usage\n"
    + "".join('"' + line.replace(",", '","') + '"\n' for line in pixel_csv().splitlines()[1:]),
    "blanks in the header": pixel_csv(header="emotion, pixels, Usage"),
    "semicolons": pixel_csv().replace(",", ";"),
    "tabs": pixel_csv().replace(",", "\t"),
    "blanks around values": pixel_csv().replace(",PublicTest", ", PublicTest "),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_spelling_of_the_file_is_the_same_data(
    source: Path, dest: Path, variant: str
) -> None:
    prepare_data(source, dest.with_name("expected"))
    source.write_text(VARIANTS[variant], encoding="utf-8", newline="")
    prepare_data(source, dest)
    expected = tree(dest.with_name("expected"))
    assert {p: d for p, d in tree(dest).items() if p != "summary.json"} == {
        p: d for p, d in expected.items() if p != "summary.json"
    }


def test_utf_16_is_the_same_data(source: Path, dest: Path) -> None:
    prepare_data(source, dest.with_name("expected"))
    source.write_bytes(pixel_csv().encode("utf-16"))
    prepare_data(source, dest)
    manifest = (dest / "manifest.csv").read_bytes()
    assert manifest == (dest.with_name("expected") / "manifest.csv").read_bytes()


def test_icml_face_data_has_another_order(tmp_path: Path, dest: Path) -> None:
    path = tmp_path / "icml_face_data.csv"
    lines = [line.split(",") for line in pixel_csv().splitlines()[1:]]
    rows = [f"{emotion}, {usage}, {numbers}" for emotion, numbers, usage in lines]
    path.write_text("\n".join(["emotion, Usage, pixels", *rows]))
    prepare_data(path, dest)
    assert [line.split(",")[1:4] for line in manifest(dest)[1:]] == [
        ["train", "Training", "happy"],
        ["train", "Training", "angry"],
        ["validation", "PublicTest", "neutral"],
        ["test", "PrivateTest", "sad"],
    ]


def test_train_csv_holds_out_some_and_test_csv_has_no_labels(tmp_path: Path, dest: Path) -> None:
    folder = tmp_path / "challenge"
    folder.mkdir()
    rows = [f"3,{TEXTS[i % 6]}" for i in range(20)]
    (folder / "train.csv").write_text("\n".join(["emotion,pixels", *rows]))
    (folder / "test.csv").write_text(f"pixels\n{TEXTS[0]}\n")
    summary = prepare_data(folder, dest).summary
    assert {split: counts["happy"] for split, counts in summary["kept"].items()} == {
        "train": 18,
        "validation": 2,
        "test": 0,
    }
    assert summary["unlabelled"]["test"] == {"no label in the source": 1}
    assert summary["notes"] == ["1 rows have no emotion, as in test.csv"]
    # Held-out images stay in train/, as FER-2013 users expect.
    assert len(list((dest / "train/happy").iterdir())) == 20


def votes_file(tmp_path: Path, usages: list[str]) -> Path:
    path = tmp_path / "fer2013new.csv"
    rows = [(usage, f"fer{i:07}.png", HAPPY if i % 2 else SAD) for i, usage in enumerate(usages)]
    path.write_text(csv_text(rows))
    return path


USAGES = ["Training", "Training", "PublicTest", "PrivateTest"]


def test_votes_are_joined_by_row(source: Path, tmp_path: Path, dest: Path) -> None:
    votes = votes_file(tmp_path, USAGES)
    summary = prepare_data(source, dest, read_options=ReadOptions(ferplus_csv=votes)).summary
    assert [line.split(",")[0] for line in manifest(dest)[1:]] == [
        "train/sad/fer0000000.png",
        "train/happy/fer0000001.png",
        "test/sad/fer0000002.png",
        "test/happy/fer0000003.png",
    ]
    image = cv2.imread(str(dest / "train/happy/fer0000001.png"), cv2.IMREAD_UNCHANGED)
    assert (image == NUMBERS[1].reshape(48, 48)).all()
    assert (summary["source"], summary["policy"]) == ("ferplus", "dominant")
    # A checkout that holds both files needs no option.
    folder = tmp_path / "FERPlus"
    folder.mkdir()
    source.rename(folder / "fer2013.csv")
    votes.rename(folder / "fer2013new.csv")
    prepare_data(folder, dest.with_name("checkout"))
    assert manifest(dest.with_name("checkout")) == manifest(dest)


def test_rows_without_pixels_are_counted(source: Path, tmp_path: Path, dest: Path) -> None:
    votes = votes_file(tmp_path, [*USAGES, "PrivateTest", "PrivateTest"])
    summary = prepare_data(source, dest, read_options=ReadOptions(ferplus_csv=votes)).summary
    note = "2 rows of fer2013new.csv have no pixels: fer2013.csv ends before them"
    assert [gap["note"] for gap in summary["gaps"]] == [note]
    assert summary["dropped"]["test"]["no pixels"] == 2
    with pytest.raises(DataError, match=f"strict: {note}"):
        prepare_data(
            source, dest, PrepareOptions(strict=True), read_options=ReadOptions(ferplus_csv=votes)
        )


@pytest.mark.parametrize(
    ("usages", "message"),
    [
        (USAGES[:3], "do not belong together: 4 rows of pixels, 3 of votes"),
        (
            ["Training", "PublicTest", "PublicTest", "PrivateTest"],
            "do not belong together: row 3 is Training in one and PublicTest in the other",
        ),
    ],
)
def test_files_that_do_not_belong_together_are_refused(
    source: Path, tmp_path: Path, dest: Path, usages: list[str], message: str
) -> None:
    votes = votes_file(tmp_path, usages)
    with pytest.raises(DataError, match=message):
        prepare_data(source, dest, read_options=ReadOptions(ferplus_csv=votes))
    assert not dest.exists()


def test_votes_for_anything_else_are_refused(source: Path, tmp_path: Path, dest: Path) -> None:
    with pytest.raises(DataError, match="no such folder or file"):
        prepare_data(source, dest, read_options=ReadOptions(ferplus_csv=tmp_path / "none.csv"))
    with pytest.raises(ConfigError, match="must name the file"):
        prepare_data(source, dest, read_options=ReadOptions(ferplus_csv=tmp_path))


def test_hostile_rows_are_skipped_and_named(source: Path, dest: Path) -> None:
    source.write_text(pixel_csv().replace(TEXTS[1], TEXTS[1] + " 300"))
    summary = prepare_data(source, dest).summary
    assert [image["name"] for image in summary["unreadable_images"]] == ["fer2013-00001.png"]
    assert "2,305 pixel values" in summary["unreadable_images"][0]["error"]
    assert summary["dropped"]["train"]["image unreadable"] == 1
    with pytest.raises(DataError, match="strict: unreadable images: 1"):
        prepare_data(source, dest, PrepareOptions(strict=True))


BROKEN = {
    "empty": ("", "the file is empty"),
    "no rows": ("emotion,pixels,Usage\n", "a header and no rows"),
    "two pixel columns": ("emotion,pixels,pixels\n", "needs one column 'pixels'"),
    "fields missing": ("emotion,pixels,Usage\n3\n", "row 2 has 1 values"),
    "unknown usage": (pixel_csv([(3, "Dev")]), "row 2: unknown usage 'Dev'"),
    "unknown emotion": (pixel_csv([(7, "Training")]), "row 2: the emotion must be a number"),
    "bomb": ("emotion,pixels,Usage\n3," + "1 " * 3_000_000 + ",Training\n", "over 64 KiB long"),
    "bomb without end": ("emotion,pixels,Usage\n3," + "1 " * 3_000_000, "over 64 KiB long"),
    "bomb after a row": (pixel_csv() + "9" * 3_000_000, "row 6 is over 64 KiB long"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_files_are_refused(source: Path, dest: Path, case: str) -> None:
    content, message = BROKEN[case]
    source.write_text(content)
    with pytest.raises(DataError, match=message) as caught:
        prepare_data(source, dest)
    assert len(str(caught.value)) < 400 + len(str(source))
    assert not dest.exists()


def test_gzip_and_zip_hold_the_same_data(source: Path, tmp_path: Path, dest: Path) -> None:
    prepare_data(source, dest)
    compressed = tmp_path / "fer2013.csv.gz"
    compressed.write_bytes(gzip.compress(source.read_bytes()))
    archive = tmp_path / "fer2013.csv.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.write(source, "fer2013.csv")
    nested = tmp_path / "archive.zip"
    with zipfile.ZipFile(nested, "w", zipfile.ZIP_DEFLATED) as file:
        file.write(source, "fer2013/fer2013.csv")
        file.writestr("__MACOSX/fer2013/._fer2013.csv", b"\0\5\x16\7")
    for number, path in enumerate((compressed, archive, nested)):
        other = tmp_path / f"out{number}"
        prepare_data(path, other)
        assert manifest(other) == manifest(dest)
        assert [d for p, d in tree(other).items() if p.endswith(".png")] == [
            d for p, d in tree(dest).items() if p.endswith(".png")
        ]


@pytest.mark.parametrize("damage", ["cut", "garbled", "no gzip"])
def test_a_damaged_gzip_is_refused(source: Path, tmp_path: Path, dest: Path, damage: str) -> None:
    compressed = tmp_path / "fer2013.csv.gz"
    data = bytearray(gzip.compress(source.read_bytes()))
    if damage == "garbled":
        data[len(data) // 2 : len(data) // 2 + 40] = b"\xff" * 40
    compressed.write_bytes({"cut": data[:-2000], "garbled": data, "no gzip": b"PK"}[damage])
    with pytest.raises(DataError, match=r"fer2013\.csv\.gz: "):
        prepare_data(compressed, dest)
    assert not dest.exists()


def test_pixels_cannot_be_linked_to(source: Path, dest: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be linked to"):
        prepare_data(source, dest, PrepareOptions(link="hard"))
