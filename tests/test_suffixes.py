from pathlib import Path

import pytest

from emorec.suffixes import suffix_problem

FITTING = ["", "out", "a.csv", "A.CSV", "a.txt", "a.json.csv", "a.v2", "/dev/fd/3"]


@pytest.mark.parametrize("name", FITTING)
def test_names_that_fit(name: str):
    assert suffix_problem(Path(name), (".csv",)) is None


@pytest.mark.parametrize(
    ("name", "own", "suffix", "better"),
    [
        ("out.xlsx", (".csv",), ".xlsx", "out.csv"),
        ("d/x.CSV", (".json",), ".CSV", "x.json"),
        ("x.json", (".jsonl", ".ndjson"), ".json", "x.jsonl"),
        ("x.jpg", (".png",), ".jpg", "x.png"),
    ],
)
def test_names_of_another_format(name: str, own: tuple[str, ...], suffix: str, better: str):
    assert suffix_problem(Path(name), own) == (
        f"{name}: the suffix {suffix} belongs to another format; name it {better}"
    )
