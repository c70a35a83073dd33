"""Tests that are skipped: for a missing program, which fails in CI, and on Windows."""

import os
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).with_name("conftest.py")

pytest_plugins = ["pytester"]

TESTS = """
import pytest
import shutil

def test_a():
    pytest.skip("zebra is not installed")

@pytest.mark.skipif(True, reason="no zebra; on Debian: apt-get install zebra")
def test_b():
    pass

def test_c():
    pytest.importorskip("zebra_module")

def test_d():
    pytest.skip("this system has no named pipes")

def test_e():
    pass
"""


@pytest.mark.parametrize(
    ("ci", "outcomes"),
    [
        ("", {"passed": 1, "skipped": 4}),
        ("true", {"passed": 1, "skipped": 1, "failed": 2, "errors": 1}),
    ],
)
def test_skips_for_a_missing_program(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, ci: str, outcomes: dict[str, int]
) -> None:
    monkeypatch.setenv("CI", ci)
    monkeypatch.syspath_prepend(CONFTEST.parent)
    pytester.makeconftest(CONFTEST.read_text("utf-8"))
    pytester.makepyfile(TESTS)
    result = pytester.runpytest("-p", "no:cacheprovider")
    found = {name: n for name, n in result.parseoutcomes().items() if name != "warnings"}
    assert found == outcomes


@pytest.mark.parametrize(("platform", "skipped"), [("linux", []), ("win32", ["test_fifo"])])
def test_tests_of_posix_are_skipped_on_windows(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    platform: str,
    skipped: list[str],
) -> None:
    def test_fifo() -> None:
        os.mkfifo("fifo")

    def test_file() -> None:
        Path("file").touch()

    items = [
        pytest.Function.from_parent(request.node.parent, name=function.__name__, callobj=function)
        for function in (test_fifo, test_file)
    ]
    conftest = request.config.pluginmanager.get_plugin(str(CONFTEST))
    monkeypatch.setattr(sys, "platform", platform)
    conftest.pytest_collection_modifyitems(items=items)
    assert [item.name for item in items if item.get_closest_marker("skip")] == skipped
