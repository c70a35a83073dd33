"""Rules that group images by their paths: folders, columns and regular expressions."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emorec.datasets import grouping
from emorec.datasets.grouping import parse_rule
from emorec.errors import ConfigError, DataError

PLACE = Path("photos")
PATHS = ["happy/anna/1.png", "sad/anna/2.png", "sad/bob/3.png"]


def groups(rule: str, paths: list[str], **columns: list[str]) -> list[str]:
    return parse_rule(rule).groups(PLACE, paths, columns)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("folder:1", ["happy", "sad", "sad"]),
        ("folder:2", ["anna", "anna", "bob"]),
        ("folder:-1", ["anna", "anna", "bob"]),
        ("folder:-2", ["happy", "sad", "sad"]),
        ("column:who", ["A", "", "B"]),
        (r"anna|bob", ["anna", "anna", "bob"]),
        (r"(?P<person>[a-z]+)/\d", ["anna", "anna", "bob"]),
        (r"/(?P<person>anna)|$", ["anna", "anna", ""]),
        (r"(\w+)/\d", ["anna/1", "anna/2", "bob/3"]),
    ],
)
def test_the_group_of_a_path(rule: str, expected: list[str]) -> None:
    assert groups(rule, PATHS, path=PATHS, who=["A", "", "B "]) == expected


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("", "1 to 1000 characters; received 0"),
        ("x" * 1001, "1 to 1000 characters; received 1,001"),
        ("S(", r"--group-by 'S\(': not a regular expression: .*unterminated.* at character 2"),
        ("(?P<person>a)(?P<person>b)", "not a regular expression: redefinition"),
        ("a{99999999999999999999}", "too complex for a regular expression"),
        ("(" * 999, "too complex|not a regular expression"),
        ("folder:0", "the level of a folder is 1 for the outermost one"),
        ("folder:one", "received 'one'"),
        ("folder:", "received ''"),
        ("column: ", "the name of the column is missing"),
    ],
)
def test_a_wrong_rule_is_refused(rule: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        parse_rule(rule)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("folder:3", "photos: 3 of 3 paths do not match --group-by 'folder:3', such as 'happy/an"),
        ("anna", "1 of 3 paths do not match --group-by 'anna', such as 'sad/bob/3.png'; correct"),
        ("[.]png", "puts all 3 images into one group, '.png'"),
        ("(?P<person>zoe)?", "finds no group in any of 3 images"),
    ],
)
def test_a_rule_that_does_not_fit_the_paths_is_refused(rule: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        groups(rule, PATHS)


def test_a_column_must_exist() -> None:
    with pytest.raises(ConfigError, match="no such column; its columns are path, label"):
        groups("column:who", PATHS, path=PATHS, label=[])
    with pytest.raises(ConfigError, match="no such column; it has no list of images"):
        groups("column:who", PATHS)


def test_one_image_is_a_group() -> None:
    assert groups("anna", PATHS[:1]) == ["anna"]


def test_a_search_that_does_not_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "TIMEOUT_S", 0.5)
    with pytest.raises(ConfigError, match=r"in 2 paths did not end within 0\.5 s; simplify"):
        groups("(a+)+$", ["a" * 60 + "!", "b"])


@given(st.lists(st.sampled_from(["a", "b", "c c", "ä"]), min_size=1, max_size=5))
def test_levels_count_from_both_ends(folders: list[str]) -> None:
    path = "/".join([*folders, "1.png"])
    for level, folder in enumerate(folders, start=1):
        for number in (level, level - len(folders) - 1):
            assert groups(f"folder:{number}", [path]) == [folder]


def test_paths_of_any_text_are_searched() -> None:
    paths = ["ä/\u2028 1.png", os.fsdecode(b"\xff/2.png"), '"/3.png']
    assert groups("^[^/]+", paths) == ["ä", os.fsdecode(b"\xff"), '"']
