from pathlib import Path

import click
import pytest

from emorec.cli.detect.session_options import SessionOptions
from emorec.errors import ConfigError
from emorec.media.sources import MediaSource

VIDEO = MediaSource("in/a.mp4", "a", is_video=True)
IMAGE = MediaSource("in/b.jpg", "b")


def options(folder: str | None = "out", **changes: object) -> SessionOptions:
    values = {"bin_s": None, "baseline": None, "persons": (), **changes}
    return SessionOptions(None if folder is None else Path(folder), **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "option"),
    [
        ({"bin_s": 1.0}, "--bin"),
        ({"baseline": (0.0, 1.0)}, "--baseline"),
        ({"persons": ("1=A",)}, "--person"),
    ],
)
def test_they_need_a_session(changes: dict, option: str):
    with pytest.raises(click.UsageError, match=f"{option} is for sessions"):
        options(None, **changes)


def test_without_a_session_everything_goes():
    options(None).check([IMAGE], [Path("out/x.csv")])


@pytest.mark.parametrize(
    ("sources", "outputs", "message"),
    [
        ([VIDEO, IMAGE], [], r"in/b\.jpg is not one"),
        ([VIDEO], ["out/x.csv"], "is in out"),
        ([VIDEO], ["out"], "is in out"),
    ],
)
def test_wrong_uses(sources: list[MediaSource], outputs: list[str], message: str):
    with pytest.raises(click.UsageError, match=message):
        options().check(sources, map(Path, outputs))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bin_s": 0.0}, "a bin has"),
        ({"persons": ("b.mp4:1=A",)}, "no video"),
        ({"persons": ("x",)}, "VIDEO:ID=NAME"),
    ],
)
def test_wrong_settings(changes: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        options(**changes).check([VIDEO], [])


def test_library_settings():
    found = options(bin_s=0.5, baseline=(0.0, 2.0), persons=("1=A", "a.mp4:2=")).derivation(
        ["in/a.mp4"]
    )
    assert (found.bin_s, found.baseline_s) == (0.5, (0.0, 2.0))
    assert found.persons == {("a.mp4", 1): "A"}
    assert options().derivation(["in/a.mp4"]).bin_s == 1.0
