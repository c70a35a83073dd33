import pytest

from emorec.errors import ConfigError
from emorec.outputs.session.person_names import check_persons, default_person, parse_persons

VIDEOS = ["a.mp4", "a-2.mp4", "odd:1=x.mp4"]
SOURCES = ["x/a.mp4", "y/a.mp4", "odd:1=x.mp4"]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], {}),
        (["a.mp4:1=Anna"], {("a.mp4", 1): "Anna"}),
        (["y/a.mp4:2= Ben "], {("a-2.mp4", 2): "Ben"}),
        (["2:3=x=y:4=z"], {("a-2.mp4", 3): "x=y:4=z"}),
        (["a.mp4:1="], {("a.mp4", 1): ""}),
        (["a.mp4:1=A", "2:1=A"], {("a.mp4", 1): "A", ("a-2.mp4", 1): "A"}),
    ],
)
def test_assignments(texts: list[str], expected: dict):
    assert parse_persons(texts, VIDEOS, SOURCES) == expected


def test_one_video_needs_no_name():
    assert parse_persons(["4=Anna"], ["a.mp4"]) == {("a.mp4", 4): "Anna"}


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["Anna"], "VIDEO:ID=NAME"),
        (["a.mp4=Anna"], "VIDEO:ID=NAME"),
        (["1=Anna"], "there are 3"),
        (["b.mp4:1=Anna"], "no video 'b.mp4'"),
        (["4:1=Anna"], "no video '4'"),
        (["a.mp4:1=A", "1:1=B"], "twice"),
        (["a.mp4:1=A\nB"], "printable"),
        (["a.mp4:1=" + "x" * 101], "100"),
        (["a.mp4:1=(all)"], "not"),
    ],
)
def test_texts_that_are_none(texts: list[str], message: str):
    with pytest.raises(ConfigError, match=message):
        parse_persons(texts, VIDEOS, SOURCES)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({("a.mp4", 9): "Anna"}, "no face 9; its faces: 1, 2"),
        ({("b.mp4", 1): "Anna"}, "no face was found"),
        ({("a.mp4", 1): "a.mp4-2"}, "face 2 of a.mp4"),
    ],
)
def test_names_without_a_face(names: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        check_persons(names, {"a.mp4": {2, 1}})


def test_names_that_fit():
    check_persons(
        {("a.mp4", 1): "Anna", ("a.mp4", 2): default_person("a.mp4", 2)}, {"a.mp4": {1, 2}}
    )
