"""What records look like when they are written."""

import csv
import json
import os
from pathlib import Path
from typing import Any

import pytest
from helpers.onnx_models import METADATA

from emorec import __version__
from emorec.batch.video_summary import VideoSummary
from emorec.errors import DataError, EmorecError
from emorec.outputs.formats import (
    FACE_COLUMNS,
    FRAME_COLUMNS,
    CsvWriter,
    JsonLinesWriter,
    JsonWriter,
)
from emorec.outputs.records import SCHEMA_VERSION, image_record
from emorec.types import Box, Face, FaceEmotion, Prediction

GOLDEN = Path(__file__).parent / "golden"
LABELS = ("happy", "sad")

FACE = FaceEmotion(Face(Box(1, 2, 3, 4), "haar", 5.5), Prediction({"happy": 0.75, "sad": 0.25}))
TRACKED = FaceEmotion(
    Face(Box(-5, 0, 30, 40), "yunet", 0.9), Prediction({"happy": 0.125, "sad": 0.875}), id=7
)
RECORDS = [
    image_record("a.jpg", (640, 480), [FACE, TRACKED]),
    image_record("none.jpg", (64, 48), []),
    image_record("bad\n\udcff,.jpg", None, [], error='bad.jpg: "text"'),
    image_record("clip.mp4", (1280, 720), [TRACKED], frame=12, time_s=0.5),
]


def summary() -> dict[str, Any]:
    """The summary of a video of one frame with one face."""
    made = VideoSummary("clip.mp4", frame_s=0.04)
    made.add([TRACKED], time_s=0.5)
    return made.record(made.finish())


SUMMARY = summary()


def write_all(folder: Path, records=RECORDS) -> dict[str, Path]:
    sinks = {
        "records.json": lambda path: JsonWriter(path, METADATA, LABELS),
        "records.jsonl": JsonLinesWriter,
        "records.csv": lambda path: CsvWriter(path, LABELS),
    }
    for name, make in sinks.items():
        with make(str(folder / name)) as sink:
            for record in records:
                sink.add(record)
            sink.add_video(SUMMARY)
    return {name: folder / name for name in sinks}


@pytest.mark.parametrize("name", ["records.json", "records.jsonl", "records.csv"])
def test_the_golden_files(tmp_path: Path, name: str):
    """A change here is a change of the schema: raise SCHEMA_VERSION, tell it in docs/output.md.

    `EMOREC_GOLDEN=1 pytest tests/media/test_sinks.py` writes the files anew.
    """
    text = write_all(tmp_path)[name].read_text("utf-8").replace(f'"{__version__}"', '"VERSION"')
    if os.environ.get("EMOREC_GOLDEN"):
        (GOLDEN / name).write_text(text, "utf-8")
    assert text == (GOLDEN / name).read_text("utf-8")


def test_all_formats_tell_the_same(tmp_path: Path):
    files = write_all(tmp_path)
    document = json.loads(files["records.json"].read_text())
    assert document["images"] == RECORDS
    lines = [json.loads(line) for line in files["records.jsonl"].read_text().splitlines()]
    assert [line.pop("schema_version") for line in lines] == [document["schema_version"]] * 4
    assert lines == RECORDS
    with files["records.csv"].open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["status"] for row in rows] == ["ok", "ok", "no_face", "unreadable", "ok"]
    assert [float(row["happy"]) for row in rows if row["happy"]] == [0.75, 0.125, 0.125]
    assert [row["face"] for row in rows] == ["1", "2", "", "", "1"]


def test_nothing_at_all(tmp_path: Path):
    files = write_all(tmp_path, [])
    assert json.loads(files["records.json"].read_text())["images"] == []
    assert files["records.jsonl"].read_text() == ""
    assert len(files["records.csv"].read_text().splitlines()) == 1


def test_lines_stand_in_the_file_at_once(tmp_path: Path):
    with (
        JsonLinesWriter(str(tmp_path / "a.jsonl")) as lines,
        CsvWriter(str(tmp_path / "a.csv"), LABELS) as t,
    ):
        for count, record in enumerate(RECORDS, 1):
            lines.add(record)
            t.add(record)
            assert (tmp_path / "a.jsonl").read_bytes().count(b"\n") == count
        assert (tmp_path / "a.csv").read_bytes().count(b"\n") == 6


def test_a_document_that_is_interrupted_is_whole(tmp_path: Path):
    path = tmp_path / "a.json"

    def interrupted():
        with JsonWriter(str(path), METADATA, LABELS) as sink:
            sink.add(RECORDS[0])
            assert not path.exists()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert json.loads(path.read_text())["images"] == RECORDS[:1]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("make", [JsonLinesWriter, lambda path: CsvWriter(path, LABELS)])
def test_a_full_disk(make):
    with (
        pytest.raises(DataError, match="/dev/full: cannot write: No space left"),
        make("/dev/full") as sink,
    ):
        sink.add(RECORDS[0])


def test_a_full_disk_leaves_the_old_document(tmp_path: Path):
    path = tmp_path / "a.json"
    path.write_text("old")
    sink = JsonWriter(str(path), METADATA, LABELS)

    def full():
        with sink:
            sink._text._file.close()
            sink._text._file = Path("/dev/full").open("w")  # noqa: SIM115
            sink.add(RECORDS[0])

    with pytest.raises(DataError, match="No space left"):
        full()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_documentation_has_every_field():
    text = (Path(__file__).parents[2] / "docs" / "output.md").read_text("utf-8")
    header = ",".join((*FRAME_COLUMNS, *FACE_COLUMNS))
    assert f"\n{header}\n" in text
    document = json.loads((GOLDEN / "records.json").read_text("utf-8"))
    (image, *_), (face, *_) = document["images"], document["images"][0]["faces"]
    ((video, (track,)),) = [(video, video["tracks"]) for video in document["videos"]]
    for field in (*document, *image, *face, *video, *track):
        assert f"`{field}`" in text, field
    assert f"\nSchema version {SCHEMA_VERSION}." in text
    assert f"| `schema_version` | {SCHEMA_VERSION} |" in text
    assert f"\n| {SCHEMA_VERSION} | " in text[text.index("## Schema versions") :]


def test_the_documentation_has_every_exit_code():
    text = (Path(__file__).parents[2] / "docs" / "output.md").read_text("utf-8")
    kinds = [EmorecError, *EmorecError.__subclasses__()]
    for code in {0, 2, 130, *(kind.exit_code for kind in kinds)}:
        assert f"\n| {code} | " in text
