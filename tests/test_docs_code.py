"""The code of the documentation: every command line parses, and what can run does.

helpers/doc_blocks.py says what cannot be run, and why.
"""

import contextlib
import io
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import click
import cv2
import pytest
from click.testing import CliRunner
from helpers.app_server import running_app
from helpers.clips import write_clip
from helpers.doc_blocks import (
    EXAMPLE_MODELS,
    EXAMPLE_PHOTOS,
    EXAMPLE_RUNS,
    EXAMPLE_VIDEOS,
    EXAMPLES,
    PAGES,
    ROOT,
    SHELL,
    Block,
    blocks,
    calls,
    missing_lines,
    page_blocks,
    spans,
    steps,
    why_no_call,
    why_not_run,
)
from helpers.tiny_data import make_prepared

import emorec
from emorec import resources
from emorec.cli.main import main

APP = "http://127.0.0.1:8765"
"""Address of the app in the examples, which the tests replace by that of a running one."""

TESTED = "docs/python.md"
"""Its examples in Python run in tests/test_python_docs.py."""

SHORT = ("--head-epochs", "1", "--epochs", "1", "--limit", "60")
"""What the tests add to a training, whose output they do not compare."""

ALLOWED = ("curl", "cut", "head", "ls", "python")
"""Other programs in blocks of `console`."""


def parsed(words: list[str]) -> click.Context:
    """Parse a call of emorec, without running it: unknown options and wrong values are errors.

    Paths need not exist.
    """
    command: click.Command = main
    with pytest.MonkeyPatch.context() as patch:
        for kind in (click.Path, click.File):
            patch.setattr(kind, "convert", lambda self, value, param, ctx: value)
        context = main.make_context("emorec", list(words))
        while isinstance(command, click.Group):
            words = [*context._protected_args, *context.args]
            name, found, rest = command.resolve_command(context, words)
            assert name is not None
            assert found is not None
            command = found
            context = command.make_context(name, rest, parent=context)
    return context


def test_every_command_line_parses():
    wrong, results = [], Counter[str]()
    for block in (block for page in PAGES for block in page_blocks(page)):
        for words in calls(block.text) if block.language in SHELL else ():
            try:
                context = parsed(words)
            except click.ClickException as error:
                wrong.append(f"{block}: emorec {' '.join(words)}: {error.message}")
            else:
                console = block.language == "console"
                results["run" if console else why_no_call(context) or "run"] += 1
    assert wrong == []
    assert results.pop("run") >= 45
    print(results)
    assert set(results) == {
        "a camera, or a file of the reader",
        "a server, or the network",
        "a training, or what follows it",
        "a window, a cluster or a device",
        "several faces",
    }


def test_every_command_in_the_text_has_its_options():
    """There, arguments may be left out, and words in capitals stand for values."""
    wrong, count = [], 0
    for page in PAGES:
        for span in spans((ROOT / page).read_text("utf-8")):
            for words in calls(span.replace("...", "")):
                count += 1
                try:
                    parsed(words)
                except (click.exceptions.Exit, click.MissingParameter):  # Exit: --help
                    continue
                except click.ClickException as error:
                    left_out = "requires an argument" in error.message
                    if not left_out and not any(word.isupper() for word in words):
                        wrong.append(f"{page}: `{span}`: {error.message}")
    assert wrong == []
    assert count > 80


def test_examples_in_python_run_or_need_what_is_not_there():
    found = [block for page in PAGES for block in page_blocks(page) if block.language == "python"]
    results = Counter(why_not_run(block.text) for block in found)
    assert results.pop(None) >= 20
    print(results)
    assert set(results) == {"another library", "a camera"}


@pytest.mark.parametrize(
    ("page", "found"),
    [
        ("", []),
        ("text\n\n```python\nx = 1\n```\n", [("python", 4, "x = 1\n")]),
        ("    indented\n\ntext\n    no block\n", [("", 1, "indented\n")]),
        ("1. a\n\n   ```\n   b\n   ```\n", [("", 4, "b\n")]),
        ("````text\n```\na\n````\n", [("text", 2, "```\na\n")]),
    ],
)
def test_blocks(page: str, found: list[tuple[str, int, str]]):
    assert [(block.language, block.line, block.text) for block in blocks(page, "a.md")] == found


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("", []),
        ("emorec detect a.jpg  # a comment\nls", [["detect", "a.jpg"]]),
        ("$ A=b emorec app &\ncat x | emorec detect -", [["app"], ["detect", "-"]]),
        ("emorec detect \\\n  'a b'", [["detect", "a b"]]),
        ("emorec prepare-data X: 2.3 times as fast\nit's", []),
    ],
)
def test_calls(script: str, found: list[list[str]]):
    assert calls(script) == found


@pytest.mark.parametrize(
    ("shown", "output", "missing"),
    [
        ([], "", []),
        (["a", "...", "c 2.0"], "a\nb\nc   2.0\n", []),
        (["b", "a"], "a\nb\n", ["a"]),
        (["happy 99.9%, 12 ms"], "happy 99.8%, 12 ms", []),
        (["happy 99.9%"], "happy 61.0%", ["happy 99.9%"]),
        (["happy 0.9"], "sad 0.9", ["happy 0.9"]),
    ],
)
def test_missing_lines(shown: list[str], output: str, missing: list[str]):
    assert missing_lines(shown, output) == missing


def call(words: list[str]) -> str:
    """Run emorec; return its output."""
    done = CliRunner().invoke(main, words, catch_exceptions=False)
    assert done.exit_code == 0, f"emorec {' '.join(words)}: {done.output}"
    return done.output


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the examples of the documentation read."""
    folder = tmp_path_factory.mktemp("examples")
    shutil.copytree(ROOT / "examples", folder / "examples")
    photo = cv2.imread(str(ROOT / "examples" / "astronaut.jpg"))[:320, :320]
    for name in ("photos", "face-crops", *EXAMPLE_RUNS):
        (folder / name).mkdir(parents=True)
    for name in (*EXAMPLE_PHOTOS, "face-crops/face.jpg"):
        cv2.imwrite(str(folder / name), photo)
    for name in EXAMPLE_VIDEOS:
        write_clip(folder / name, [photo] * 15, fps=10)
    for name in (*EXAMPLE_MODELS, *(f"{run}/model.onnx" for run in EXAMPLE_RUNS)):
        shutil.copy(resources.shipped_model(), folder / name)
    make_prepared(folder / "FERPlus")
    with contextlib.chdir(folder):
        emorec.prepare_data("FERPlus", "FER-2013", policy="crossentropy", classes=8)
        call(["detect", "a.mp4", "b.mp4", "--no-save", "--session", "study"])
        call(["detect", "talk.mp4", "--no-save", "--session", "talk"])
        assert [name for name in EXAMPLES if not list(folder.glob(name))] == []
    return folder


class Page:
    """Runs the blocks of a page in the current folder, one after another."""

    def __init__(self, app: str) -> None:
        self.app = app
        self.output: str | None = None

    def run(self, block: Block) -> None:
        """Run a block if that is possible; of `text`, check that the block before prints it."""
        text = block.text.replace(APP, self.app)
        if block.language == "text" and self.output is not None:
            lacking = missing_lines(text.splitlines(), self.output)
            assert lacking == [], f"{block}: printed was\n{self.output}"
        self.output = None
        if block.language == "python" and block.page != TESTED and why_not_run(text) is None:
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(text, str(block), "exec"), {"__name__": "__main__"})
            self.output = printed.getvalue()
        elif block.language == "console":
            for line, shown in steps(text):
                output = self.command(line)
                lacking = missing_lines([] if is_training(line) else shown, output)
                assert lacking == [], f"{block}: {line} printed\n{output}"
        elif block.language in SHELL:
            for words in calls(text):
                if why_no_call(parsed(words)) is None:
                    call(globbed(words))

    def command(self, line: str) -> str:
        """Run a line of `console`; return its output."""
        if line.startswith("emorec ") and "|" not in line:
            words = globbed(calls(line)[0])
            return call([*words, *SHORT] if is_training(line) else words)
        assert line.split()[0] in ALLOWED
        shell = f'emorec() {{ python -m emorec "$@"; }}; python() {{ "{sys.executable}" "$@"; }}\n'
        done = subprocess.run(
            ["bash", "-c", f"{shell}{line}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{line}: {done.stdout}"
        return done.stdout


def is_training(line: str) -> bool:
    return line.startswith("emorec train ")


def globbed(words: list[str]) -> list[str]:
    """Replace patterns for images by the files that they match, as a shell does."""
    return [
        name
        for word in words
        for name in (sorted(map(str, Path().glob(word))) if word == "*.jpg" else [word])
    ]


def runs(page: str) -> bool:
    """Whether anything of a page is run."""
    return any(
        block.language in ("console", "python") if page != TESTED else block.language == "console"
        for block in page_blocks(page)
    ) or any(calls(block.text) for block in page_blocks(page) if block.language in SHELL)


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if runs(page)])
def test_page(page: str, examples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = shutil.copytree(examples, tmp_path / "page")
    monkeypatch.chdir(folder)
    found = page_blocks(page)
    needs_app = any(APP in block.text for block in found if block.language in ("python", "console"))
    with running_app(tmp_path) if needs_app else contextlib.nullcontext() as app:
        if app:
            monkeypatch.setenv("EMOREC_APP_TOKEN", app.token)
        page_run = Page(app.base if app else APP)
        for block in found:
            page_run.run(block)
