"""Hooks of mkdocs.yml: the navigation, and pages for what docs/ links to outside of it.

A link from a page to a file that is not in docs/, such as ../README.md, works on GitHub. In the
site it leads to a page below project/, which shows the file: Markdown as it is, a folder as a list
of its files with their text, anything else as text. Links of these pages are followed in the same
way.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]

LINK = re.compile(r"\]\(([^)\s]+)\)")

LANGUAGES = {".csv": "text", ".json": "json", ".py": "python", ".sh": "sh", ".yaml": "yaml"}

RESOURCE = re.compile(r"<(?:script|link|img|iframe|source)\b[^>]*=\"?((?:https?:)?//[^\"\s>]+)")
"""What a page loads from another host; links to other hosts are no part of it."""

ROW = re.compile(r"^\| (?:\*\*(?P<section>[^*]+)\*\*|\[(?P<title>[^]]+)\]\((?P<target>[^)]+)\)) \|")
"""A section or a page in the table of docs/index.md."""


def targets(text: str, folder: str) -> Iterator[tuple[str, str]]:
    """Return each relative link of a page that leads to a file or folder of the repository.

    Args:
        text: Markdown.
        folder: Folder of the page in the repository.

    Yields:
        The link as it is written, without its anchor, and the path in the repository.
    """
    for link in LINK.findall(text):
        parts = urlsplit(link)
        if parts.scheme or not parts.path:
            continue
        path = os.path.normpath(PurePosixPath(folder, parts.path))
        if not path.startswith("..") and (ROOT / path).exists():
            yield parts.path, path


def place(path: str) -> str:
    """Return where the site has a file of the repository, relative to docs/."""
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    if (ROOT / path).is_dir():
        return f"project/{path}/index.md"
    return f"project/{path}" if path.endswith(".md") else f"project/{path}.md"


def page_text(path: str) -> str:
    """Return the page that shows a file or folder of the repository."""
    file = ROOT / path
    if file.is_dir():
        shown = [entry for entry in sorted(file.iterdir()) if entry.is_file()]
        return f"# {path}\n\n" + "\n".join(_as_code(entry) for entry in shown)
    if file.suffix == ".md":
        return file.read_text("utf-8")
    return f"# {file.name}\n\n{_as_code(file, heading=False)}"


def _as_code(file: Path, heading: bool = True) -> str:
    title = f"## {file.name}\n\n" if heading else ""
    return f"{title}````{LANGUAGES.get(file.suffix, 'text')}\n{file.read_text('utf-8')}\n````\n"


def outside(pages: dict[str, str]) -> dict[str, str]:
    """Collect what pages link to outside of docs/, and what that links to.

    Args:
        pages: Text of each page by its path in the repository.

    Returns:
        Text of each further page by its path in the repository.
    """
    found: dict[str, str] = {}
    waiting = dict(pages)
    while waiting:
        path, text = waiting.popitem()
        for _, target in targets(text, str(PurePosixPath(path).parent)):
            if not target.startswith("docs/") and target != "docs" and target not in found:
                waiting[target] = found[target] = page_text(target)
    return found


def with_site_links(text: str, path: str) -> str:
    """Replace the links of a page by those that work in the site.

    Args:
        text: Markdown of the page.
        path: Its path in the repository.
    """
    here = PurePosixPath(place(path)).parent
    places = {
        link: os.path.relpath(place(target), here)
        for link, target in targets(text, str(PurePosixPath(path).parent))
    }

    def replaced(match: re.Match[str]) -> str:
        link = urlsplit(match[1])
        if link.path not in places:
            return match[0]
        return f"]({link._replace(path=places[link.path]).geturl()})"

    return LINK.sub(replaced, text)


def navigation(index: str) -> list[dict[str, object]]:
    """Make the navigation from the table of docs/index.md, whose rows are sections and pages.

    The name of a page is the text of its link, unless that is its file name: then its heading.
    """
    entries: list[object] = ["index.md"]
    sections: list[dict[str, object]] = [{"Start": entries}]
    for line in index.splitlines():
        match = ROW.match(line)
        if match is None:
            continue
        if match["section"]:
            entries = []
            sections.append({match["section"]: entries})
        else:
            page = place(os.path.normpath(PurePosixPath("docs", match["target"])))
            named = match["title"] != match["target"]
            entries.append({match["title"]: page} if named else page)
    return [section for section in sections if all(section.values())]


def on_config(config: MkDocsConfig) -> None:
    """Set the navigation."""
    config.nav = navigation(Path(config.docs_dir, "index.md").read_text("utf-8"))


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Add the pages outside of docs/."""
    pages = {f"docs/{file.src_uri}": file.content_string for file in files.documentation_pages()}
    for path, text in outside(pages).items():
        files.append(File.generated(config, place(path), content=with_site_links(text, path)))


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let the links of a page of docs/ work in the site."""
    path = page.file.src_uri
    return markdown if path.startswith("project/") else with_site_links(markdown, f"docs/{path}")


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> None:
    """Check that a page loads nothing from other hosts.

    Raises:
        PluginError: It does.
    """
    if loaded := RESOURCE.findall(output):
        raise PluginError(f"{page.file.src_uri} loads from another host: {', '.join(loaded)}")
