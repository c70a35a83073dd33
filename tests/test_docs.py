"""The pages of the documentation: their links, docs/index.md, and the hooks of the site."""

import re
from pathlib import Path

import _docs_site as site
import pytest

import emorec

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])


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
    listed = set(links((DOCS / "index.md").read_text("utf-8")))
    pages = {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}
    assert pages - {"index.md"} <= listed


def test_the_reference_has_every_public_name() -> None:
    pages = "".join(page.read_text("utf-8") for page in (DOCS / "api").glob("*.md"))
    named = re.findall(r"^::: emorec\.(\w+)$", pages, re.MULTILINE)
    assert sorted(named) == sorted(set(emorec.__all__) - {"__version__"})


def test_the_navigation_is_the_table_of_the_index() -> None:
    sections = site.navigation((DOCS / "index.md").read_text("utf-8"))
    names = [name for section in sections for name in section]
    assert names[0] == "Start"
    assert {"Tutorials", "Detect", "Train", "Python", "Develop"} < set(names)
    (train,) = (section["Train"] for section in sections if "Train" in section)
    assert isinstance(train, list)
    assert {"Training": "training.md"} in train
    assert {"Model card": "project/MODEL_CARD.md"} in train


@pytest.mark.parametrize(
    ("table", "sections"),
    [
        ("", [{"Start": ["index.md"]}]),
        (
            "| page | |\n| --- | --- |\n| **A** | |\n| [b.md](b.md) | b |\n| [C](c/d.md) | |\n",
            [{"Start": ["index.md"]}, {"A": ["b.md", {"C": "c/d.md"}]}],
        ),
        ("| [b](../README.md) | |", [{"Start": ["index.md", {"b": "project/README.md"}]}]),
        ("| **A** | |", [{"Start": ["index.md"]}]),
    ],
)
def test_navigation(table: str, sections: list[dict[str, object]]) -> None:
    assert site.navigation(table) == sections


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("", "docs/app.md", ""),
        ("[a](video.md#ids) ![b](app.png)", "docs/app.md", "[a](video.md#ids) ![b](app.png)"),
        ("[a](../README.md#install)", "docs/app.md", "[a](project/README.md#install)"),
        ("[a](../../README.md)", "docs/api/data.md", "[a](../project/README.md)"),
        ("[a](../configs)", "docs/app.md", "[a](project/configs/index.md)"),
        ("[a](docs/app.md) [b](LICENSE)", "README.md", "[a](../app.md) [b](LICENSE.md)"),
        ("[a](absent.md) [b](https://a.example/README.md)", "docs/app.md", None),
        ("[a](../../outside.md)", "docs/app.md", None),
    ],
)
def test_links_in_the_site(text: str, path: str, expected: str | None) -> None:
    assert site.with_site_links(text, path) == (text if expected is None else expected)


def test_pages_outside_of_docs() -> None:
    found = site.outside({"docs/a.md": "[x](../README.md) [y](../configs)"})
    assert {"README.md", "MODEL_CARD.md", "LICENSE", "configs"} <= set(found)
    assert "## quick.yaml" in found["configs"]
    assert found["LICENSE"].startswith("# LICENSE\n\n````text\nMIT License")
    assert not [path for path in found if path.startswith("docs")]
    assert site.outside({}) == {}


@pytest.mark.parametrize(
    ("html", "loaded"),
    [
        ("", []),
        ('<a href="https://a.example">a</a> <script src="assets/b.js"></script>', []),
        ('<script src="https://a.example/b.js"></script>', ["https://a.example/b.js"]),
        ('<link rel="stylesheet" href="//a.example/b.css">', ["//a.example/b.css"]),
        ('<img alt="a" src=http://a.example/b.png>', ["http://a.example/b.png"]),
    ],
)
def test_what_pages_load(html: str, loaded: list[str]) -> None:
    assert site.RESOURCE.findall(html) == loaded


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
