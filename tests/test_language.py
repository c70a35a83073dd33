"""Words that the project does not use: in help, messages, documentation, docstrings and comments.

A failure names file, line and word. The field's words are image, fix, again and so on.
"""

import ast
import io
import json
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from emorec.cli.main import COMMANDS, main

ROOT = Path(__file__).resolve().parents[1]

BANNED = re.compile(r"\b(pictures?|mend(?:s|ed|ing)?|anew|told|missions?)\b", re.IGNORECASE)

ALLOWED: dict[tuple[str, str], str] = {}
"""Words that stay, by file and word, with the reason."""

SOURCES = sorted((ROOT / "emorec").rglob("*.py"))
DOCUMENTS = [
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "configs").glob("*.yaml")),
    *sorted((ROOT / "examples").glob("*.md")),
    *sorted((ROOT / "cascades").glob("*.md")),
    *sorted((ROOT / "emorec" / "models").glob("*.md")),
]

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def banned_words(text: str) -> Iterator[tuple[int, str]]:
    """Find the banned words of a text, with their line from 1."""
    for number, line in enumerate(text.splitlines(), 1):
        for match in BANNED.finditer(line):
            yield number, match[1].lower()


def prose(source: str) -> Iterator[tuple[int, str]]:
    """Return the comments and the strings of Python code, docstrings included, with their lines."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def findings(path: Path, texts: Iterator[tuple[int, str]]) -> list[str]:
    """List the banned words of a file as "file:line: word"."""
    place = path.relative_to(ROOT).as_posix()
    return [
        f"{place}:{line + number - 1}: {word}"
        for line, text in texts
        for number, word in banned_words(text)
        if (place, word) not in ALLOWED
    ]


def commands(group: click.Group = main) -> Iterator[tuple[str, click.Command]]:
    """Return every command with its full name, those of groups too."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield name, command
        if isinstance(command, click.Group):
            for below, entry in commands(command):
                yield f"{name} {below}", entry


def test_code() -> None:
    found = [line for path in SOURCES for line in findings(path, prose(path.read_text("utf-8")))]
    assert not found, "\n".join(["words to replace:", *found])


def test_documents() -> None:
    assert len(DOCUMENTS) > 20
    found = [
        line for path in DOCUMENTS for line in findings(path, iter([(1, path.read_text("utf-8"))]))
    ]
    assert not found, "\n".join(["words to replace:", *found])


def test_notebooks() -> None:
    found = [
        line
        for path in NOTEBOOKS
        for cell in json.loads(path.read_text("utf-8"))["cells"]
        for line in findings(path, iter([(1, "".join(cell["source"]))]))
    ]
    assert not found, "\n".join(["words to replace:", *found])


def test_help() -> None:
    """It also covers texts that are put together at run time, such as lists of choices."""
    found = [
        f"emorec {name} --help: {word}"
        for name, command in commands()
        for _, word in banned_words(command.get_help(click.Context(command, info_name=name)))
    ]
    found += [f"emorec --help: {word}" for _, word in banned_words(" ".join(COMMANDS.values()))]
    assert not found, "\n".join(["words to replace:", *found])


def test_allowed_words_occur() -> None:
    for (place, word), reason in ALLOWED.items():
        assert reason
        assert word in (ROOT / place).read_text("utf-8").lower()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("an image is fixed again", []),
        ("amended, recommended, emission, permission", []),
        ("Pictures are\nmended anew", [(1, "pictures"), (2, "mended"), (2, "anew")]),
        ("it is told", [(1, "told")]),
    ],
)
def test_banned_words(text: str, words: list[tuple[int, str]]) -> None:
    assert list(banned_words(text)) == words


def test_prose_of_code() -> None:
    source = '"""Doc."""\nx = f"a {1} b"  # why\n'
    assert sorted(prose(source)) == [(1, "Doc."), (2, " b"), (2, "# why"), (2, "a ")]
