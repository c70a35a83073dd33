import json
from pathlib import Path

import pytest
from helpers.example_records import FACE

from emorec.errors import EmorecError
from emorec.outputs.csv_format import FACE_COLUMNS, FRAME_COLUMNS
from emorec.outputs.records import SCHEMA_VERSION, ImageResult, image_record

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
    for field in (*document, *image, *face, *video, *track):
        assert f"`{field}`" in OUTPUT_PAGE, field
    assert f"\nSchema version {SCHEMA_VERSION}." in OUTPUT_PAGE
    assert f"| `schema_version` | {SCHEMA_VERSION} |" in OUTPUT_PAGE
    assert f"\n| {SCHEMA_VERSION} | " in OUTPUT_PAGE[OUTPUT_PAGE.index("## Schema versions") :]


def test_the_documentation_has_every_exit_code():
    kinds = [EmorecError, *EmorecError.__subclasses__()]
    for code in {0, 2, 130, *(kind.exit_code for kind in kinds)}:
        assert f"\n| {code} | " in OUTPUT_PAGE
