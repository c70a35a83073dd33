import json
from pathlib import Path

import pytest
from helpers.example_records import LABELS, RECORDS, SUMMARY
from helpers.onnx_models import METADATA

from emorec.errors import DataError
from emorec.outputs.json_format import JsonWriter


@pytest.mark.parametrize("count", range(len(RECORDS) + 1))
def test_the_document(tmp_path: Path, count: int):
    path = tmp_path / "a.json"
    with JsonWriter(str(path), METADATA, LABELS) as writer:
        for record in RECORDS[:count]:
            writer.add(record)
        writer.add_video(SUMMARY)
        assert not path.exists()
    document = json.loads(path.read_text())
    assert (document["images"], document["videos"]) == (RECORDS[:count], [SUMMARY])
    assert document["model"] == {"name": "tiny", "version": "1", "labels": list(LABELS)}


def test_a_full_disk_leaves_the_old_document(tmp_path: Path):
    path = tmp_path / "a.json"
    path.write_text("old")
    writer = JsonWriter(str(path), METADATA, LABELS)

    def full():
        with writer:
            writer._text._file.close()
            writer._text._file = Path("/dev/full").open("w")  # noqa: SIM115
            writer.add(RECORDS[0])

    with pytest.raises(DataError, match="No space left"):
        full()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
