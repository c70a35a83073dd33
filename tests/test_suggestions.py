import pytest

from emorec.suggestions import close_names, did_you_mean, unknown_name

COMMANDS = ("datasets", "prepare-data", "data-report", "detect", "train")


@pytest.mark.parametrize(
    ("name", "close"),
    [
        ("", []),
        ("x", []),
        ("detct", ["detect"]),
        ("DETECT", ["detect"]),
        ("trian", ["train"]),
        ("prepare", ["prepare-data"]),
        ("report", ["data-report"]),
        ("te", []),
        ("zebra", []),
    ],
)
def test_close_names(name: str, close: list[str]) -> None:
    assert close_names(name, COMMANDS) == close


def test_names_keep_their_case() -> None:
    assert close_names("surprice", ["Surprise"]) == ["Surprise"]


def test_the_most_similar_name_is_first() -> None:
    assert close_names("vgg61", ["vgg13", "vgg16", "xception"], 2) == ["vgg16", "vgg13"]


def test_did_you_mean() -> None:
    assert did_you_mean("trian", COMMANDS) == "did you mean 'train'?"
    assert did_you_mean("zebra", COMMANDS) == ""


def test_unknown_names_are_described_with_the_known_ones() -> None:
    assert unknown_name("layout", "zip", ["csv"]) == "unknown layout 'zip'; choose one of csv"
    assert unknown_name("layout", "cvs", ["csv", "ckplus"]) == (
        "unknown layout 'cvs'; did you mean 'csv'? choose one of csv, ckplus"
    )
