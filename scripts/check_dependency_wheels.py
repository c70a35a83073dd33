"""Checks for which systems and versions of Python the packages of each extra have wheels.

python scripts/check_dependency_wheels.py resolves the requirements of pyproject.toml with uv
(pip install uv), which asks the package index and downloads no wheel, and prints the tables of
docs/platforms.md. A cell says "yes", what the markers of pyproject.toml leave out, or the package
that has no wheel. Only wheels count, and of the packages of pyproject.toml only finished releases.
With --ignore-markers it checks whether the markers are still needed.
"""

import argparse
import os
import re
import subprocess
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]

PYTHONS = ("3.11", "3.12", "3.13", "3.14")

SYSTEMS = {
    "Linux, x86_64": ("x86_64-manylinux_2_28", "linux"),
    "Windows, x86_64": ("x86_64-pc-windows-msvc", "win32"),
    "macOS 14, arm64": ("aarch64-apple-darwin", "darwin"),
}
"""The name that uv has for a system, and that of `sys.platform`."""

LEFT_OUT = ("dev", "keras")
"""Extras for developers, and one that others contain."""

NO_WHEELS = re.compile(r"([\w.-]+)(?:\[[^\]]*\])?(?:[<>=!~][^ ]*|\s+)?\s*ha(?:s|ve) no wheels")


def requirements_of(project: dict[str, object], extra: str) -> list[str]:
    """Return the requirements of emorec and of an extra, "" for none, with those it contains."""
    optional: dict[str, list[str]] = project["optional-dependencies"]  # type: ignore[assignment]
    base: list[str] = project["dependencies"]  # type: ignore[assignment]
    found = list(base)
    pending = list(optional[extra]) if extra else []
    while pending:
        requirement = Requirement(text := pending.pop())
        if requirement.name == "emorec":
            for inner in requirement.extras:
                pending += optional[inner]
        else:
            found.append(text)
    return found


def without_wheels(messages: str) -> str:
    """Return the package without wheels that uv names in its messages."""
    text = " ".join(messages.split())
    found = NO_WHEELS.search(text)
    return found[1] if found else text[:200]


def problem(requirements: list[str], python: str, system: str) -> str | None:
    """Resolve requirements for a system and a version of Python; return what has no wheel."""
    command = ["uv", "pip", "compile", "-", "--quiet", "--no-header", "--no-annotate"]
    command += ["--only-binary", ":all:", "--prerelease", "if-necessary"]
    command += ["--python-version", python, "--python-platform", SYSTEMS[system][0]]
    done = subprocess.run(
        command,
        input="\n".join(requirements),
        env={**os.environ, "MACOSX_DEPLOYMENT_TARGET": "14.0"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return without_wheels(done.stderr) if done.returncode else prerelease(requirements, done.stdout)


def prerelease(requirements: list[str], resolved: str) -> str | None:
    """Return a package of the requirements of which only a pre-release was found; None without.

    Packages of other packages may be published as pre-releases alone, such as those of
    OpenTelemetry.

    Args:
        requirements: What was resolved.
        resolved: What uv prints: lines such as "numpy==2.0".
    """
    own = {canonicalize_name(Requirement(text).name) for text in requirements}
    found = map(Requirement, filter(None, resolved.splitlines()))
    versions = {each.name: Version(next(iter(each.specifier)).version) for each in found}
    unfinished = (name for name, version in versions.items() if version.is_prerelease)
    return next((name for name in unfinished if name in own), None)


def left_out(requirements: list[str], python: str, system: str) -> list[str]:
    """Return the packages that markers exclude for a system and a version of Python."""
    environment = {"python_version": python, "sys_platform": SYSTEMS[system][1]}
    parsed = map(Requirement, requirements)
    return sorted({r.name for r in parsed if r.marker and not r.marker.evaluate(environment)})


def column(requirements: dict[str, list[str]], python: str, system: str) -> list[str]:
    """Return the cell of each extra."""
    everything = sorted({text for texts in requirements.values() for text in texts})
    together = problem(everything, python, system)
    cells = []
    for texts in requirements.values():
        # What resolves with all others resolves alone.
        missing = together and problem(texts, python, system)
        without = ", ".join(left_out(texts, python, system))
        cells.append(f"no: {missing}" if missing else f"without {without}" if without else "yes")
    return cells


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ignore-markers", action="store_true", help="ignore markers of versions")
    options = parser.parse_args()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [name for name in project["optional-dependencies"] if name not in LEFT_OUT]
    requirements = {extra: requirements_of(project, extra) for extra in ("", *extras)}
    if options.ignore_markers:
        for extra, texts in requirements.items():
            requirements[extra] = [text.partition(";")[0] for text in texts]
    for system in SYSTEMS:
        columns = [column(requirements, python, system) for python in PYTHONS]
        print(f"\n| {system} | {' | '.join(PYTHONS)} |\n| --- |{' --- |' * len(PYTHONS)}")
        for extra, *cells in zip(requirements, *columns, strict=True):
            print(f"| {extra or '(no extra)'} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
