"""A skip for a missing program fails in CI."""

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
