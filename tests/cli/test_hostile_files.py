"""Hostile models, cascades and configurations on the command line.

Each ends with its exit code and one line, in little time and memory.
"""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from helpers import hostile_models, hostile_runner, hostile_texts

MAX_SECONDS = 10
MAX_BYTES = 2**30

KINDS = {
    "onnx": (hostile_models.onnx_files, ".onnx", 5),
    "foreign": (hostile_models.foreign_files, ".onnx", 5),
    "detector": (hostile_models.detector_files, ".onnx", 5),
    "cascade": (hostile_texts.cascade_files, ".xml", 5),
    "keras": (hostile_models.keras_files, ".keras", 5),
    "yaml": (hostile_texts.yaml_files, ".yaml", 3),
}

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


PARAMS = [pytest.param(k, marks=[pytest.mark.slow] if k == "keras" else []) for k in KINDS]


@pytest.fixture(scope="module", params=PARAMS)
def outcomes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Run the command of one kind on all its files."""
    make, _, code = KINDS[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    return code, outcomes_of(request.param, make(), folder), [p.name for p in folder.iterdir()]


def outcomes_of(kind: str, files: Mapping[str, bytes], folder: Path) -> dict[str, Any]:
    """Write files into a new folder `files`, and run the command of a kind on each."""
    (folder / "files").mkdir()
    for name, content in files.items():
        (folder / "files" / f"{name}{KINDS[kind][1]}").write_bytes(content)
    done = subprocess.run(
        [sys.executable, hostile_runner.__file__, kind, folder / "files"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def _wrong(code: int, outcomes: dict[str, Any]) -> Iterator[str]:
    for name, outcome in outcomes.items():
        lines = outcome["stderr"].splitlines()
        one_line = len(lines) == 1 and lines[0].startswith("error: /") and name in lines[0]
        if outcome["code"] != code or not one_line or len(lines[0]) > 600:
            yield f"{name}: exit code {outcome['code']}, {outcome['stderr'][-2000:]}"
        yield from _excess(name, outcome)


def _excess(name: str, outcome: dict[str, Any]) -> Iterator[str]:
    if outcome["seconds"] > MAX_SECONDS or outcome["bytes"] > MAX_BYTES:
        yield f"{name}: {outcome['seconds']:.1f} s, {outcome['bytes'] / 2**20:.0f} MiB"


def test_each_file_is_refused_in_one_line(outcomes):
    code, found, left = outcomes
    assert list(_wrong(code, found)) == []
    assert left == ["files"]


@pytest.mark.slow
def test_there_are_enough_files():
    assert sum(len(make()) for make, _, _ in KINDS.values()) >= 60


VARIANTS = 4


def changed(content: bytes, chance: random.Random) -> bytes:
    """Change 1 to 5 bytes, or cut the content off."""
    if chance.random() < 0.25:
        return content[: chance.randrange(1, len(content))]
    data = bytearray(content)
    for _ in range(chance.randint(1, 5)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_changed_files_are_read_or_refused_in_one_line(kind: str, tmp_path: Path):
    chance = random.Random(0)
    files = {
        f"{name}-{number}": changed(content, chance)
        for name, content in KINDS[kind][0]().items()
        for number in range(VARIANTS)
        if content
    }
    found = outcomes_of(kind, files, tmp_path)
    assert len(found) == len(files)
    wrong = []
    for name, outcome in found.items():
        lines = outcome["stderr"].splitlines()
        refused = outcome["code"] in (1, 2, 3, 4, 5) and lines[-1].startswith("error: ")
        if not refused and outcome["code"] != 0:
            wrong.append(f"{name}: exit code {outcome['code']}, {outcome['stderr'][-2000:]}")
        wrong.extend(_excess(name, outcome))
    assert wrong == []
