"""A run on the JAX backend, which the tests of backends and of distribution share."""

from pathlib import Path

import pytest
from helpers import backends


@pytest.fixture(scope="session")
def jax_run(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> backends.FinishedRun:
    """A run of one process with one device, where TensorFlow is not installed."""
    backends.needs("jax")
    folder = tmp_path_factory.mktemp("jax")
    variables = {"XLA_FLAGS": backends.QUICK, **backends.hiding("tensorflow")}
    done = backends.run("jax", [*backends.TRAIN, tiny_data], folder, **variables)
    return backends.FinishedRun(done, folder)
