"""The files that travel with emorec."""

import hashlib
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from emorec import resources
from emorec.errors import EmorecError

LINE = re.compile(
    r"^\| (\S+\.xml) \| (\d+)x(\d+) \| (\d+) \| [^|]+ \| ([0-9a-f]{64}) \|$", re.MULTILINE
)


def sources() -> dict[str, tuple[int, int, int, str]]:
    """Window width and height, stages and SHA-256 of each cascade, from SOURCES.md."""
    text = (resources.folder("cascades") / "SOURCES.md").read_text(encoding="utf-8")
    return {
        name: (int(width), int(height), int(stages), digest)
        for name, width, height, stages, digest in LINE.findall(text)
    }


def test_sources_name_every_cascade():
    files = {path.name for path in resources.folder("cascades").glob("*.xml")}
    assert files == set(sources())
    assert {"haarcascade_frontalface_default.xml", "haarcascade_frontalface_alt2.xml"} <= files


def test_the_default_cascade_is_the_one_of_opencv_4():
    assert sources()["haarcascade_frontalface_default.xml"] == (
        24,
        24,
        25,
        "0f7d4527844eb514d4a4948e822da90fbb16a34a0bbbbc6adc6498747a5aafb0",
    )


@pytest.mark.parametrize("name", sorted(sources()))
def test_cascades_are_what_sources_say(name: str):
    path = resources.folder("cascades") / name
    cascade = ElementTree.parse(path).getroot().find("cascade")
    assert cascade is not None
    stages = cascade.find("stages")
    assert stages is not None
    assert cascade.findtext("stageNum") == str(len(stages))
    assert sources()[name] == (
        int(cascade.findtext("width", "")),
        int(cascade.findtext("height", "")),
        len(stages),
        hashlib.sha256(path.read_bytes()).hexdigest(),
    )
    assert "Intel License Agreement" in path.read_text(encoding="utf-8")[:3000]


def test_an_incomplete_installation_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path / "emorec")
    with pytest.raises(EmorecError, match=r"'cascades' is missing from .*; reinstall emorec"):
        resources.folder("cascades")
    (tmp_path / "cascades").mkdir()
    assert resources.folder("cascades") == tmp_path / "cascades"
    inside = tmp_path / "emorec" / "cascades"
    inside.mkdir(parents=True)
    assert resources.folder("cascades") == inside


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {}, "home/.cache/emorec"),
        ("linux", {"XDG_CACHE_HOME": ""}, "home/.cache/emorec"),
        ("linux", {"XDG_CACHE_HOME": "xdg"}, "xdg/emorec"),
        ("darwin", {}, "home/Library/Caches/emorec"),
        ("win32", {"LOCALAPPDATA": "local"}, "local/emorec/cache"),
        ("win32", {}, "home/AppData/Local/emorec/cache"),
        ("linux", {"EMOREC_CACHE": "mine", "XDG_CACHE_HOME": "xdg"}, "mine"),
    ],
)
def test_the_cache_folder(monkeypatch, platform, variables, expected):
    for name in ("EMOREC_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(Path, "home", lambda: Path("home"))
    assert resources.cache_folder().as_posix() == expected
