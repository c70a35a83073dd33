"""What scripts/check_wheel.py finds in archives; scripts/check runs it on the real ones."""

import pytest
from check_wheel import (
    EXPECTED,
    IN_SOURCE,
    LICENCES,
    description_faults,
    source_faults,
    wheel_faults,
)

from emorec import __version__

DESCRIBED = f"emorec-{__version__}.dist-info"
WHEEL = {*EXPECTED, "emorec/__init__.py", f"{DESCRIBED}/METADATA"} | {
    f"{DESCRIBED}/licenses/{name}" for name in LICENCES
}
SOURCE = {*IN_SOURCE, "PKG-INFO", ".gitignore"}
LINKED = "text " * 300


@pytest.mark.parametrize(
    ("removed", "added", "fault"),
    [
        ("", "", None),
        ("emorec/models/SHA256SUMS", "", "lacks emorec/models/SHA256SUMS"),
        (f"{DESCRIBED}/licenses/LICENSE", "", "lacks"),
        ("", "notebooks/photo.ipynb", "contains notebooks beside emorec"),
        ("", "emorec/__pycache__/labels.cpython-311.pyc", "the cache emorec/__pycache__"),
        ("", "emorec/app/static/fer0000001.png", "the image emorec/app/static/fer0000001.png"),
    ],
)
def test_faults_of_a_wheel(removed: str, added: str, fault: str | None):
    found = wheel_faults((WHEEL - {removed}) | ({added} - {""}))
    assert len(found) == (fault is not None)
    assert fault is None or fault in found[0]


@pytest.mark.parametrize(
    ("removed", "added", "fault"),
    [
        ("", "", None),
        ("LICENSE", "", "lacks LICENSE"),
        ("", "docs/notes.txt", "docs/notes.txt, which git does not track"),
        ("", "tests/data/fer0000001.png", "the image tests/data/fer0000001.png"),
    ],
)
def test_faults_of_a_source_archive(removed: str, added: str, fault: str | None):
    tracked = {*SOURCE, "tests/data/fer0000001.png"}
    found = source_faults((SOURCE - {removed}) | ({added} - {""}), tracked)
    assert len(found) == (fault is not None)
    assert fault is None or fault in found[0]


def test_outside_of_git_no_file_is_a_stray():
    assert source_faults({*SOURCE, "docs/notes.txt"}, None) == []


def test_caches_in_a_source_archive():
    found = source_faults({*SOURCE, "tests/.pytest_cache/README.md"}, None)
    assert found == ["the source archive contains the cache tests/.pytest_cache/README.md"]


@pytest.mark.parametrize(
    ("version", "text", "faults"),
    [
        (__version__, "", ["the description is not the README"]),
        (__version__, LINKED, []),
        (__version__, f"{LINKED}[a](https://example.org)", []),
        (__version__, f"{LINKED}[a](docs/a.md)", ["the description links to docs/a.md"]),
        ("0.0.1", LINKED, ["the version is 0.0.1"]),
    ],
)
def test_faults_of_a_description(version: str, text: str, faults: list[str]):
    found = description_faults(f"Name: emorec\nVersion: {version}\n\n{text}".encode())
    assert len(found) == len(faults)
    assert all(line.startswith(fault) for line, fault in zip(found, faults, strict=True))
