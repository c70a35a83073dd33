"""The tables of wheels, with a package index of the test's own."""

import check_dependency_wheels as module
import pytest
from check_dependency_wheels import (
    column,
    left_out,
    prerelease,
    requirements_of,
    without_wheels,
)

PROJECT = {
    "dependencies": ["numpy>=1.26", "rich>=13"],
    "optional-dependencies": {
        "plots": ["matplotlib>=3.9"],
        "keras": ["keras>=3", "emorec[plots]"],
        "train": ["emorec[keras]", "tensorflow>=2; python_version < '3.14'"],
        "windows": ["pywin32; sys_platform == 'win32'"],
    },
}


@pytest.mark.parametrize(
    ("extra", "names"),
    [
        ("", ["numpy>=1.26", "rich>=13"]),
        ("plots", ["numpy>=1.26", "rich>=13", "matplotlib>=3.9"]),
        (
            "train",
            [
                *("numpy>=1.26", "rich>=13", "tensorflow>=2; python_version < '3.14'"),
                *("matplotlib>=3.9", "keras>=3"),
            ],
        ),
    ],
)
def test_extras_contain_others(extra: str, names: list[str]):
    assert requirements_of(PROJECT, extra) == names


@pytest.mark.parametrize(
    ("extra", "python", "system", "names"),
    [
        ("", "3.14", "Linux, x86_64", []),
        ("train", "3.13", "Linux, x86_64", []),
        ("train", "3.14", "Linux, x86_64", ["tensorflow"]),
        ("windows", "3.14", "Windows, x86_64", []),
        ("windows", "3.14", "macOS 14, arm64", ["pywin32"]),
    ],
)
def test_what_markers_leave_out(extra: str, python: str, system: str, names: list[str]):
    assert left_out(requirements_of(PROJECT, extra), python, system) == names


@pytest.mark.parametrize(
    ("messages", "package"),
    [
        ("", ""),
        ("error: no network", "error: no network"),
        (
            "cause: Because onnxruntime>=1.20.0,<=1.24.0.dev1 has no wheels with a matching Python "
            "ABI\n   tag (e.g., `cp314`)",
            "onnxruntime",
        ),
        ("Because all versions of tensorflow have no wheels with a matching tag", "tensorflow"),
        ("Because ray[data]>=2.40 has no wheels with a matching tag", "ray"),
    ],
)
def test_the_package_without_wheels(messages: str, package: str):
    assert without_wheels(messages) == package


@pytest.mark.parametrize(
    ("resolved", "package"),
    [
        ("", None),
        ("numpy==2.0\ntensorflow==2.21.0\n", None),
        ("numpy==2.0\ntensorflow==2.22.0rc0 ; sys_platform == 'linux'\n", "tensorflow"),
        ("opentelemetry-api==1.0\nopentelemetry-semantic-conventions==0.50b0\n", None),
    ],
)
def test_releases_that_are_not_finished(resolved: str, package: str | None):
    assert prerelease(["numpy>=1", "TensorFlow>=2.19,<3"], resolved) == package


def test_a_column(monkeypatch: pytest.MonkeyPatch):
    def problem(requirements: list[str], python: str, system: str) -> str | None:
        found = [text for text in requirements if text.startswith("matplotlib")]
        return "matplotlib" if found else None

    monkeypatch.setattr(module, "problem", problem)
    requirements = {extra: requirements_of(PROJECT, extra) for extra in ("", "plots", "windows")}
    assert column(requirements, "3.14", "Linux, x86_64") == [
        "yes",
        "no: matplotlib",
        "without pywin32",
    ]
    del requirements["plots"]
    assert column(requirements, "3.14", "Windows, x86_64") == ["yes", "yes"]
