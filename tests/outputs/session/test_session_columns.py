import pytest

from emorec.outputs.session.session_columns import TABLES, columns, header

LABELS = ("happy", "sad")


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("baseline", [False, True])
def test_each_column_has_one_name_and_a_meaning(table: str, baseline: bool):
    found = columns(table, LABELS, baseline)
    names = [column.name for column in found]
    assert len(names) == len(set(names)) > 5
    assert all(column.meaning and column.type for column in found)
    assert not any("EMOTION" in column.name + column.meaning for column in found)


@pytest.mark.parametrize(
    ("table", "part"),
    [
        ("frames.csv", ["sharpness", "happy", "sad"]),
        ("bins.csv", ["frames", "mean_happy", "mean_sad", "peak_happy", "peak_sad", "share_happy"]),
        ("openface.csv", ["frame", "face_id", "timestamp", "confidence", "success"]),
    ],
)
def test_order(table: str, part: list[str]):
    names = header(table, LABELS)
    start = names.index(part[0])
    assert names[start : start + len(part)] == part


def test_columns_of_a_baseline_are_there_with_one_only():
    assert not [name for name in header("people.csv", LABELS) if "diff" in name]
    with_baseline = header("people.csv", LABELS, baseline=True)
    assert with_baseline[-3:] == ["baseline_seen_s", "diff_happy", "diff_sad"]
