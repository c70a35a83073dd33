"""An installation whose packages a test can change."""

import importlib.metadata
from pathlib import Path

import pytest

from emorec import resources
from emorec.environment import DEVICE_VARIABLE

HEALTHY = {"numpy": "2.1.0", "opencv-python": "4.14.0.94", "onnxruntime": "1.20.1"}
REQUIREMENTS = ["numpy>=1.26", "onnxruntime>=1.20", "opencv-python<5,>=4.12"]


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch) -> dict[str, str]:
    """Versions of the packages that appear to be installed; nothing is downloaded."""
    monkeypatch.setenv(resources.CACHE_VARIABLE, str(tmp_path / "data"))
    monkeypatch.delenv(DEVICE_VARIABLE, raising=False)
    versions = dict(HEALTHY)

    def version(name: str) -> str:
        if name not in versions:
            raise importlib.metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(importlib.metadata, "version", version)
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: list(REQUIREMENTS))
    return versions


@pytest.fixture
def require(monkeypatch):
    """Return a function that adds requirements to those of emorec."""

    def add(*requirements: str) -> None:
        everything = [*REQUIREMENTS, *requirements]
        monkeypatch.setattr(importlib.metadata, "requires", lambda name: everything)

    return add
