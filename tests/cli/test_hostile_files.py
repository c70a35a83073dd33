"""Hostile models, cascades and configurations on the command line.

Each ends with its exit code and one line, in little time and memory.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
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
    make, suffix, code = KINDS[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "files").mkdir()
    for name, content in make().items():
        (folder / "files" / f"{name}{suffix}").write_bytes(content)
    done = subprocess.run(
        [sys.executable, hostile_runner.__file__, request.param, folder / "files"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return code, json.loads(done.stdout), [p.name for p in folder.iterdir()]


def _wrong(code: int, outcomes: dict[str, Any]) -> Iterator[str]:
    for name, outcome in outcomes.items():
        lines = outcome["stderr"].splitlines()
        one_line = len(lines) == 1 and lines[0].startswith("error: /") and name in lines[0]
        if outcome["code"] != code or not one_line or len(lines[0]) > 600:
            yield f"{name}: exit code {outcome['code']}, {outcome['stderr'][-2000:]}"
        if outcome["seconds"] > MAX_SECONDS or outcome["bytes"] > MAX_BYTES:
            yield f"{name}: {outcome['seconds']:.1f} s, {outcome['bytes'] / 2**20:.0f} MiB"


def test_each_file_is_refused_in_one_line(outcomes):
    code, found, left = outcomes
    assert list(_wrong(code, found)) == []
    assert left == ["files"]


def test_there_are_enough_files():
    assert sum(len(make()) for make, _, _ in KINDS.values()) >= 60
