"""The Dockerfile: its lint, and the files that it copies."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def copied(dockerfile: str) -> list[str]:
    """Return the paths in the checkout that the COPY lines name."""
    lines = re.findall(r"^COPY (?!--from)(.+)$", dockerfile, re.M)
    return [path for line in lines for path in line.split()[:-1]]


def ignored(path: str, rules: str) -> bool:
    """Return whether a .dockerignore of whole paths and `!` leaves a path out of the build."""
    found = False
    for rule in rules.splitlines():
        pattern = rule.removeprefix("!")
        if pattern == "*" or path == pattern or path.startswith(f"{pattern}/"):
            found = not rule.startswith("!")
    return found


def test_lint(tmp_path: Path):
    hadolint = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if hadolint is None:
        pytest.skip("hadolint is not installed")
    done = subprocess.run(
        [hadolint, ROOT / "Dockerfile"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(
    ("dockerfile", "paths"),
    [
        ("", []),
        ("FROM a\nCOPY b c d/\nCOPY --from=a /e /f\n", ["b", "c"]),
    ],
)
def test_copied(dockerfile: str, paths: list[str]):
    assert copied(dockerfile) == paths


def test_what_the_wheel_is_built_from_exists_and_is_copied():
    paths = copied(DOCKERFILE)
    assert [path for path in paths if not (ROOT / path).exists()] == []
    rules = (ROOT / ".dockerignore").read_text("utf-8")
    assert [path for path in paths if ignored(path, rules)] == []
    assert ignored("runs", rules)
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    hook = PROJECT["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    needed = [
        *("pyproject.toml", *wheel["packages"], *wheel["force-include"]),
        *PROJECT["project"]["license-files"],
        *(fragment["path"] for fragment in hook["fragments"]),
    ]
    lacking = [
        need
        for need in needed
        if not any(need == path or need.startswith(f"{path}/") for path in paths)
    ]
    assert lacking == []


def test_the_headless_opencv_has_the_bounds_of_the_package():
    (bounds,) = [
        line.removeprefix("opencv-python")
        for line in PROJECT["project"]["dependencies"]
        if line.startswith("opencv-python")
    ]
    assert f'"opencv-python-headless{bounds}"' in DOCKERFILE


def test_the_container_runs_without_rights():
    last_user = re.findall(r"^USER (.+)$", DOCKERFILE, re.M)[-1]
    assert int(last_user) > 0
    extras = re.findall(r"^ARG EXTRAS=(.+)$", DOCKERFILE, re.M)[0].split(",")
    assert set(extras) <= set(PROJECT["project"]["optional-dependencies"])
