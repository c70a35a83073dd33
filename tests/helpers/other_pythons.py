"""Makes requirements evaluate as with another version of Python."""

import packaging.markers
import pytest


def pretend_python(monkeypatch: pytest.MonkeyPatch, minor: int) -> None:
    """Evaluate the markers of requirements as Python 3.`minor` does."""
    version = f"3.{minor}"
    environment = {**packaging.markers.default_environment(), "python_version": version}
    monkeypatch.setattr(packaging.markers, "default_environment", lambda: dict(environment))
