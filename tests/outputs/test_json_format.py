import json
from pathlib import Path

import pytest
from helpers.example_records import LABELS, RECORDS, SETTINGS, SUMMARY
from helpers.onnx_models import METADATA

from emorec.errors import DataError
from emorec.outputs.json_format import JsonWriter


@pytest.mark.parametrize("count", range(len(RECORDS) + 1))
def test_the_document(tmp_path: Path, count: int):
    path = tmp_path / "a.json"
    with JsonWriter(str(path), METADATA, LABELS, SETTINGS) as writer:
        for record in RECORDS[:count]:
            writer.add(record)
        writer.add_video(SUMMARY)
        assert not path.exists()
    document = json.loads(path.read_text())
    assert (document["images"], document["videos"]) == (RECORDS[:count], [SUMMARY])
    assert document["model"] == {
        "name": "tiny",
        "version": "1",
        "labels": list(LABELS),
        "calibrated": None,
    }


def test_a_full_disk_leaves_the_old_document(tmp_path: Path):
    path = tmp_path / "a.json"
    path.write_text("old")
    writer = JsonWriter(str(path), METADATA, LABELS, SETTINGS)

    def full():
        with writer:
            writer._text._file.close()
            writer._text._file = Path("/dev/full").open("w")  # noqa: SIM115
            writer.add(RECORDS[0])

    with pytest.raises(DataError, match="No space left"):
        full()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_created_is_named_as_the_user_did(tmp_path: Path):
    target = tmp_path / "missing" / "a.json"
    with pytest.raises(DataError) as caught, JsonWriter(str(target), METADATA, LABELS, SETTINGS):
        pass
    assert str(caught.value) == f"{target}: cannot write: No such file or directory"


def test_a_disk_that_is_full_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    plain_open = Path.open

    def full(self: Path, *args, **options):
        return plain_open(Path("/dev/full") if ".partial-" in self.name else self, *args, **options)

    monkeypatch.setattr(Path, "open", full)
    target = tmp_path / "a.json"
    with pytest.raises(DataError) as caught, JsonWriter(str(target), METADATA, LABELS, SETTINGS):
        pass
    assert str(caught.value) == f"{target}: cannot write: No space left on device"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "count", "kept"),
    [(OSError, 0, True), (OSError, 1, False), (KeyboardInterrupt, 0, False)],
)
def test_an_error_before_the_first_record_keeps_the_old_document(
    tmp_path: Path, error: type[BaseException], count: int, kept: bool
):
    path = tmp_path / "a.json"
    path.write_text("old")

    def work() -> None:
        with JsonWriter(str(path), METADATA, LABELS, SETTINGS) as writer:
            for record in RECORDS[:count]:
                writer.add(record)
            raise error

    with pytest.raises(error):
        work()
    if kept:
        assert path.read_text() == "old"
    else:
        assert json.loads(path.read_text())["images"] == RECORDS[:count]
    assert list(tmp_path.iterdir()) == [path]
