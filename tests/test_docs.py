"""The pages of the documentation link to files that exist, and docs/index.md lists every page."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def links(text: str) -> list[str]:
    """Return the relative targets of the links of a page, without anchors."""
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    paths = [target.partition("#")[0] for target in targets if "://" not in target]
    return [path for path in paths if path]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_to_files(page: Path) -> None:
    targets = [page.parent / link for link in links(page.read_text("utf-8"))]
    assert [str(target) for target in targets if not target.exists()] == []


def test_the_index_lists_every_page() -> None:
    listed = set(links((ROOT / "docs" / "index.md").read_text("utf-8")))
    assert {page.name for page in (ROOT / "docs").glob("*.md")} - {"index.md"} <= listed


def test_contributing_names_existing_files() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    paths = re.findall(r"\b(?:emorec|tests|scripts|configs|docs)/[\w./-]*\w", text)
    assert len(paths) > 10
    real = [path for path in paths if not re.search("NAME|PACKAGE", path)]
    assert [path for path in real if not (ROOT / path).exists()] == []


def test_the_architecture_has_every_package_and_existing_modules() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `([\w/]+)` \|.*\| `(\w+\.py)` \|$", text, re.MULTILINE))
    packages = {path.parent.name for path in (ROOT / "emorec").glob("*/__init__.py")}
    assert packages == {name for name in rows if "/" not in name}
    modules = [ROOT / "emorec" / package / module for package, module in rows.items()]
    assert [str(path) for path in modules if not path.is_file()] == []


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("", []),
        ("[a](b.md) and [c](../d/e.md#part)", ["b.md", "../d/e.md"]),
        ("[a](https://example.org/x) [b](#part)", []),
    ],
)
def test_links(text: str, targets: list[str]) -> None:
    assert links(text) == targets
