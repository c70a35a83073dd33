"""What all tests share: quiet, deterministic back ends and the place of the real data."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Before any test module imports keras, tensorflow or matplotlib.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["MPLBACKEND"] = "Agg"

# A busy machine is no reason for a property to fail.
settings.register_profile("emorec", deadline=None)
settings.load_profile("emorec")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data; its README says what is there."""
    path = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not path.is_dir():
        pytest.skip("../shared/data is not here")
    return path
