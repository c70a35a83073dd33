"""A run killed at any byte goes on to the same files as one that was not."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emorec.errors import DataError
from emorec.media.sources import MediaSource
from emorec.outputs.formats import CsvWriter, JsonLinesWriter
from emorec.outputs.records import image_record
from emorec.outputs.resume import resume
from emorec.types import Box, Face, FaceEmotion, Prediction

LABELS = ("happy", "sad")
FACE = FaceEmotion(Face(Box(1, 2, 3, 4), "haar", 5.5), Prediction({"happy": 0.75, "sad": 0.25}))

BATCH = {
    "a.jpg": [image_record("a.jpg", (640, 480), [FACE, FACE])],
    "none.jpg": [image_record("none.jpg", (64, 48), [])],
    'bad\n\udcff,".jpg': [image_record('bad\n\udcff,".jpg', None, [], error="bad")],
    "move.gif": [
        image_record("move.gif", (4, 4), [FACE] * (n % 3), frame=n, time_s=n / 10) for n in range(5)
    ],
    "é.jpg": [image_record("é.jpg", (64, 48), [FACE])],
}
"""Records by the name of their source."""

NAMES = [*BATCH, "a.jpg", "a.jpg"]
SOURCES = [MediaSource(name, name) for name in NAMES]


def write_all(folder: Path, sources=SOURCES, resumed: bool = False) -> dict[str, Path]:
    files = {"jsonl": folder / "x.jsonl", "csv": folder / "x.csv"}
    with (
        JsonLinesWriter(str(files["jsonl"]), resumed) as lines,
        CsvWriter(str(files["csv"]), LABELS, resumed) as table,
    ):
        for source in sources:
            for record in BATCH[source.name]:
                lines.add(record)
                table.add(record)
    return files


def test_nothing_to_resume(tmp_path: Path):
    left, failed = resume(SOURCES, tmp_path / "x.jsonl", tmp_path / "x.csv", LABELS)
    assert (left, failed) == (SOURCES, False)
    assert list(tmp_path.iterdir()) == []


@given(jsonl_share=st.floats(0, 1), csv_share=st.floats(0, 1))
def test_killed_anywhere(tmp_path_factory, jsonl_share: float, csv_share: float):
    folder = tmp_path_factory.mktemp("killed")
    files = write_all(folder)
    whole = {name: path.read_bytes() for name, path in files.items()}
    for name, share in (("jsonl", jsonl_share), ("csv", csv_share)):
        files[name].write_bytes(whole[name][: int(share * len(whole[name]))])
    left, failed = resume(SOURCES, files["jsonl"], files["csv"], LABELS)
    done = len(SOURCES) - len(left)
    assert left == SOURCES[done:]
    assert failed == (done > 2)
    write_all(folder, left, resumed=True)
    assert {name: path.read_bytes() for name, path in files.items()} == whole


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_one_file_alone(tmp_path: Path, kind: str):
    files = write_all(tmp_path)
    whole = files[kind].read_bytes()
    chosen = {"jsonl": None, "csv_file": None}
    chosen["jsonl" if kind == "jsonl" else "csv_file"] = files[kind]
    left, failed = resume(SOURCES, **chosen, labels=LABELS)
    assert (left, failed) == (SOURCES[-1:], True)
    assert whole.startswith(files[kind].read_bytes())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"text\n", "did not write"),
        (b"{}\n", "did not write"),
        (b"[" * 100_000 + b"\n", "did not write"),
        (b'{"schema_version": 1, "source": "a", "frame": null, "status": "ok"}\n', "version 1"),
    ],
)
def test_json_lines_of_another_kind(tmp_path: Path, content: bytes, message: str):
    path = tmp_path / "x.jsonl"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        resume(SOURCES, path, None, LABELS)
    assert path.read_bytes() == content


def test_csv_of_other_labels(tmp_path: Path):
    files = write_all(tmp_path)
    before = files["csv"].read_bytes()
    with pytest.raises(DataError, match="columns are not those of this run"):
        resume(SOURCES, None, files["csv"], ("happy",))
    assert files["csv"].read_bytes() == before
