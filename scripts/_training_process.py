"""Runs training pipelines in processes of their own, with oneDNN on or off.

TensorFlow reads the setting of oneDNN once, while it is imported.
"""

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Self

ONEDNN = "TF_ENABLE_ONEDNN_OPTS"

LIMIT = "ONEDNN_MAX_CPU_ISA"
"""Environment variable of oneDNN, which also computes TensorFlow's matrix products if the setting
is off; with "AVX2", this processor computes as one without AVX-512 does."""


@dataclasses.dataclass(frozen=True)
class Work:
    """What a process trains.

    Attributes:
        arch: Name of the architecture.
        size: Side of the input in pixels.
        images: Number of training images, a multiple of the batch size.
        precision: "float32" or "bfloat16", of emorec's pipelines; Keras's own compute in float32.
        data: A prepared data set; None for random images.
    """

    arch: str
    size: int
    images: int
    precision: str = "float32"
    data: str | None = None


class TrainingProcess:
    """A process that trains an epoch of a pipeline on request."""

    def __init__(self, work: Work, onednn: bool | None) -> None:
        """Start the process.

        Args:
            work: What it trains.
            onednn: Whether oneDNN is on; None for TensorFlow's default.
        """
        environment = {name: value for name, value in os.environ.items() if name != ONEDNN}
        if onednn is not None:
            environment[ONEDNN] = str(int(onednn))
        script = Path(__file__).with_name("_training_pipelines.py")
        self._process = subprocess.Popen(
            [sys.executable, str(script), json.dumps(dataclasses.asdict(work))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def seconds(self, pipeline: str) -> tuple[float, float]:
        """Train one epoch.

        Returns:
            The seconds of the epoch, and those of the processor.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(pipeline, file=self._process.stdin, flush=True)
        for line in self._process.stdout:
            if line.startswith('{"seconds"'):
                wall, processor = json.loads(line)["seconds"]
                return wall, processor
        raise SystemExit(f"the process of {pipeline} ended with code {self._process.wait()}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()


def alternate(
    runs: int, candidates: Sequence[tuple[str, TrainingProcess]]
) -> list[list[tuple[float, float]]]:
    """Train an epoch of each candidate in turn, once to compile it and then `runs` times.

    Args:
        runs: Number of timed epochs of each.
        candidates: Name of the pipeline, and the process that trains it.

    Returns:
        Seconds and processor seconds of each timed epoch, for each candidate.
    """
    found: list[list[tuple[float, float]]] = [[] for _ in candidates]
    for run in range(runs + 1):
        for times, (pipeline, process) in zip(found, candidates, strict=True):
            seconds = process.seconds(pipeline)
            if run:
                times.append(seconds)
    return found
