"""The code of the documentation: its blocks and command lines, and what of it cannot be run."""

import math
import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[2]

GENERATED = "docs/cli.md"
"""Help texts, whose examples have tests of their own."""

PAGES = sorted(
    page.relative_to(ROOT).as_posix()
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    if page.relative_to(ROOT).as_posix() != GENERATED
)

SHELL = ("", "console", "sh")
"""Languages of blocks with command lines.

In `console` a command begins with "$ ", and its output follows. Blocks of `text` are output.
"""

PACKAGES = {"cv2", "emorec", "numpy", "onnxruntime", "pandas"}
"""What examples in Python import beside the standard library; other packages are not installed."""

EXAMPLE_PHOTOS = (
    "photo.jpg",
    "group.jpg",
    "other.jpg",
    "crowd.jpg",
    "photos/a.jpg",
    "photos/b.jpg",
)
EXAMPLE_VIDEOS = ("clip.mp4", "talk.mp4", "a.mp4", "b.mp4")
EXAMPLE_MODELS = ("model.onnx", "a.onnx", "b.onnx", "adopted.onnx")
EXAMPLE_RUNS = tuple(
    f"runs/20260101-120000-{name}" for name in ("compact", "compact-folds", "vgg16")
)
EXAMPLES = {
    *("*.jpg", "photos", "face-crops", "examples", "examples/astronaut.jpg"),
    *("talk", "study", "FERPlus", "FER-2013"),
    *(*EXAMPLE_PHOTOS, *EXAMPLE_VIDEOS, *EXAMPLE_MODELS, *EXAMPLE_RUNS),
}
"""Files and folders that the tests make for the examples of the documentation."""

MODELS = {"emorec-compact", "emorec-nano", "yunet"}

INPUTS = ("data", "datasets", "label_map", "relabel", "ferplus_csv", "model", "weights", "teacher")
"""Options of commands that name an input."""


def why_not_run(python: str) -> str | None:
    """Say why an example in Python cannot be run by the tests; None if it can."""
    imports = set(re.findall(r"^ *(?:from|import) (\w+)", python, re.M))
    if imports - PACKAGES - sys.stdlib_module_names:
        return "another library"
    return "a camera" if "stream(0" in python else None


def why_no_call(context: click.Context) -> str | None:
    """Say why a call of emorec, which is parsed, cannot be run by the tests; None if it can."""
    command, values = context.command, context.params
    if command.name in ("train", "tune", "export", "adopt"):
        return "a training, or what follows it"
    if command.name in ("app", "pull"):
        return "a server, or the network"
    if values.get("numbers") or values.get("persons"):
        return "several faces"
    if values.get("show") or values.get("ray") or values.get("device", "auto") != "auto":
        return "a window, a cluster or a device"
    inputs: list[str] = []
    for parameter in command.params:
        value = values.get(parameter.name or "")
        if value and (isinstance(parameter, click.Argument) or parameter.name in INPUTS):
            inputs += [value] if isinstance(value, str) else [str(item) for item in value]
    there = {"FERPlus"} if command.name == "prepare-data" else EXAMPLES | MODELS
    known = {name.strip("/") for name in inputs} <= there
    return None if known else "a camera, or a file of the reader"


@dataclass(frozen=True)
class Block:
    """A block of code.

    Attributes:
        page: Path of the page in the repository.
        line: Its first line of code, from 1.
        language: Language of the fence; "" if it has none, or if the block is indented.
        text: The code.
    """

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


FENCE = re.compile(r"^(?P<indent> *)(?P<marks>`{3,})(?P<language>\w*).*$")


def blocks(text: str, page: str) -> Iterator[Block]:
    """Find the blocks of code of a page: fenced ones, and those indented by four spaces."""
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        fence = FENCE.match(lines[number])
        begin = end = number + bool(fence)
        if fence:
            while end < len(lines) and lines[end].strip() != fence["marks"]:
                end += 1
            indent, language = fence["indent"], fence["language"]
        elif lines[number].startswith("    ") and not (number and lines[number - 1].strip()):
            while end < len(lines) and lines[end].startswith("    "):
                end += 1
            indent, language = "    ", ""
        else:
            number += 1
            continue
        code = [line.removeprefix(indent) for line in lines[begin:end]]
        yield Block(page, begin + 1, language, "\n".join(code) + "\n")
        number = end + bool(fence)


def page_blocks(page: str) -> list[Block]:
    """Read the blocks of a page of the repository."""
    return list(blocks((ROOT / page).read_text("utf-8"), page))


def calls(text: str) -> list[list[str]]:
    """Return the calls of emorec in a shell script, as lists of words without "emorec".

    A line with a word that ends in a colon is output.
    """
    found = []
    for line in text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line.removeprefix("$ "), posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        try:
            words = list(lexer)
        except ValueError:  # an apostrophe in output
            continue
        call: list[str] = []
        for word in [*words, ";"]:
            if set(word) <= set("();<>|&"):
                if call[:1] == ["emorec"] and not any(part.endswith(":") for part in call):
                    found.append(call[1:])
                call = []
            elif call or not re.match(r"\w+=", word):
                call.append(word)
    return found


def spans(text: str) -> list[str]:
    """Return the calls of emorec between backquotes in the text of a page."""
    outside = re.sub(r"^ *(`{3,}).*?^ *\1$", "", text, flags=re.M | re.S)
    return [" ".join(span.split()) for span in re.findall(r"`(emorec [^`]+)`", outside)]


def steps(console: str) -> list[tuple[str, list[str]]]:
    """Split a block of `console` into its commands, each with the lines of its output."""
    found: list[tuple[str, list[str]]] = []
    for line in console.replace("\\\n", " ").splitlines():
        if line.startswith("$ "):
            found.append((line.removeprefix("$ "), []))
        elif line.strip() not in ("", "..."):
            found[-1][1].append(line)
    return found


NUMBER = re.compile(r"\d+(?:\.\d+)?")

TOLERANCE = 0.02
"""Of a number, absolute and as a share of it: processors differ a little."""


def same(shown: str, printed: str) -> bool:
    """Compare two lines, apart from spaces, and numbers with a tolerance."""
    parts = [NUMBER.split(" ".join(line.split())) for line in (shown, printed)]
    if parts[0] != parts[1]:
        return False
    pairs = zip(NUMBER.findall(shown), NUMBER.findall(printed), strict=True)
    return all(
        math.isclose(float(one), float(two), rel_tol=TOLERANCE, abs_tol=TOLERANCE)
        for one, two in pairs
    )


def missing_lines(shown: list[str], output: str) -> list[str]:
    """Return the lines that are shown, and not printed in this order.

    Args:
        shown: Lines of the documentation; "..." and empty ones are passed over.
        output: What was printed, which may have more lines.
    """
    printed = iter(output.splitlines())
    return [
        line
        for line in shown
        if line.strip() not in ("", "...") and not any(same(line, other) for other in printed)
    ]
