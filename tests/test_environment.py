"""The package reads the environment variables that docs/command-line.md lists, and no others."""

import re
from pathlib import Path

from emorec.environment import VARIABLES

ROOT = Path(__file__).resolve().parents[1]
NAME = re.compile(r"\bEMOREC_[A-Z_]+\b")


def test_the_variables() -> None:
    names = ["EMOREC_MODEL", "EMOREC_DETECTOR", "EMOREC_DEVICE", "EMOREC_CACHE", "EMOREC_APP_TOKEN"]
    assert list(VARIABLES) == names


def test_no_module_names_another_variable() -> None:
    for path in (ROOT / "emorec").rglob("*.py"):
        assert set(NAME.findall(path.read_text("utf-8"))) <= VARIABLES.keys(), path


def test_the_page_lists_them() -> None:
    text = (ROOT / "docs" / "command-line.md").read_text("utf-8")
    rows = re.findall(r"^\| `(EMOREC_\w+)` \| (.+) \|$", text, re.MULTILINE)
    assert [name for name, _ in rows] == list(VARIABLES)
