import json
from pathlib import Path

import pytest
from helpers.example_records import FACE, TRACKED

from emorec.errors import EmorecError
from emorec.outputs.record_table import FACE_COLUMNS, FRAME_COLUMNS
from emorec.outputs.records import (
    RESUMABLE_VERSIONS,
    SCHEMA_VERSION,
    ImageResult,
    image_record,
    record_of_version,
)
from emorec.types import LANDMARK_NAMES

OUTPUT_PAGE = (Path(__file__).parents[2] / "docs" / "output.md").read_text("utf-8")
GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize(
    ("size_wh", "faces", "status"),
    [(None, [], "unreadable"), ((640, 480), [], "no_face"), ((640, 480), [FACE], "ok")],
)
def test_status(size_wh, faces, status):
    record = image_record("a.jpg", size_wh, faces)
    assert record["status"] == status
    assert (record["width"], record["height"]) == (size_wh or (None, None))
    assert len(record["faces"]) == len(faces)


def test_landmarks_are_rounded_pairs_by_name():
    without, tracked = image_record("a.jpg", (640, 480), [FACE, TRACKED])["faces"]
    assert without["landmarks"] is None
    assert tuple(tracked["landmarks"]) == LANDMARK_NAMES
    assert tracked["landmarks"]["right_eye"] == [-0.12, 12]
    assert tracked["landmarks"]["right_mouth"] == [1.01, 28]


@pytest.mark.parametrize("version", RESUMABLE_VERSIONS)
def test_a_record_of_an_earlier_version(version: int):
    record = image_record("a.jpg", (640, 480), [FACE, TRACKED])
    converted = record_of_version(record, version)
    assert converted.keys() == record.keys()
    for face, before in zip(converted["faces"], record["faces"], strict=True):
        removed = {"landmarks"} if version < 3 else set()
        assert face == {name: before[name] for name in before if name not in removed}
    assert "landmarks" in record["faces"][0]


def test_an_unreadable_source():
    result = ImageResult.unreadable("a.jpg", "a.jpg: no such file")
    assert result.problems == ("a.jpg: no such file",)
    assert (result.record["status"], result.record["error"]) == ("unreadable", result.problems[0])


def test_the_documentation_has_every_field():
    header = ",".join((*FRAME_COLUMNS, *FACE_COLUMNS))
    assert f"\n{header}\n" in OUTPUT_PAGE
    document = json.loads((GOLDEN / "records.json").read_text("utf-8"))
    (image, *_), (face, *_) = document["images"], document["images"][0]["faces"]
    ((video, (track,)),) = [(video, video["tracks"]) for video in document["videos"]]
    for field in (*document, *image, *face, *video, *track, *LANDMARK_NAMES):
        assert f"`{field}`" in OUTPUT_PAGE, field
    assert f"\nSchema version {SCHEMA_VERSION}." in OUTPUT_PAGE
    assert f"| `schema_version` | {SCHEMA_VERSION} |" in OUTPUT_PAGE
    assert f"\n| {SCHEMA_VERSION} | " in OUTPUT_PAGE[OUTPUT_PAGE.index("## Schema versions") :]


def test_the_documentation_has_every_exit_code():
    kinds = [EmorecError, *EmorecError.__subclasses__()]
    for code in {0, 2, 130, *(kind.exit_code for kind in kinds)}:
        assert f"\n| {code} | " in OUTPUT_PAGE
