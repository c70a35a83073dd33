"""Runs `emorec` in processes of another Keras backend, for the tests that need one."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

TRAIN = (
    *("train", "--arch", "compact", "--image-size", "24", "--epochs", "2", "--batch-size", "12"),
    *("--learning-rate", "0.01", "--set", "ema=0.9", "--out", "runs", "--data"),
)
"""A short training; the data set is its last argument."""

QUICK = "--xla_backend_optimization_level=0"
"""XLA_FLAGS for JAX: compiling takes most of such a short run."""


@dataclass(frozen=True)
class FinishedRun:
    """A process of `emorec train` that has ended, and its working folder."""

    done: subprocess.CompletedProcess[str]
    folder: Path


def needs(backend: str) -> None:
    """Skip the test where the backend is not installed; scripts/check installs all of them."""
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed: pip install 'emorec[{backend}]'")


def start(
    backend: str,
    words: Sequence[str | Path],
    folder: Path,
    program: Sequence[str] = ("-m", "emorec"),
    **variables: str,
) -> subprocess.Popen[str]:
    """Start `emorec`, or a program around it, in a folder, on a backend, with variables."""
    paths = [variables.pop("PYTHONPATH", ""), str(ROOT), os.environ.get("PYTHONPATH", "")]
    return subprocess.Popen(
        [sys.executable, *program, *map(str, words)],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "KERAS_BACKEND": backend,
            **variables,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(
    backend: str, words: Sequence[str | Path], folder: Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run `emorec` to its end."""
    process = start(backend, words, folder, **variables)
    stdout, stderr = process.communicate(timeout=300)
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


def hiding(*packages: str) -> dict[str, str]:
    """Environment variables that hide installed packages."""
    return {"HIDDEN": ",".join(packages), "PYTHONPATH": str(ROOT / "tests" / "hiding")}
