"""Measures what a run would take, and writes nothing but the cache of decoded images."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emorec.errors import DataError
from emorec.training.config import TrainConfig
from emorec.training.distribution import ALONE, World
from emorec.training.estimate import Estimate
from emorec.training.run import TrainingRun
from emorec.training.shortening import Shortening
from emorec.training.training_progress import ProgressOptions, StepProgressCallback


@dataclass(frozen=True)
class DryRun:
    """What a run would take.

    Attributes:
        config: The settings, with the resolved precision and absolute paths.
        estimate: Duration of the run.
        shorter: What would shorten it.
        train_images: Number of training images.
        validation_images: Number of validation images.
        memory_bytes: Peak memory of this process so far, the decoded images included; None where
            the system does not tell it (Windows).
        image_bytes: Size of the decoded images.
    """

    config: TrainConfig
    estimate: Estimate
    shorter: tuple[Shortening, ...]
    train_images: int
    validation_images: int
    memory_bytes: int | None
    image_bytes: int

    def to_dict(self) -> dict[str, Any]:
        """Return it as native types, for JSON."""
        return {
            "estimate": self.estimate.to_dict(),
            "shorter": [shortening.to_dict() for shortening in self.shorter],
            "train_images": self.train_images,
            "validation_images": self.validation_images,
            "memory_bytes": self.memory_bytes,
            "image_bytes": self.image_bytes,
            "config": self.config.model_dump(mode="json"),
        }


def dry_run(
    config: TrainConfig,
    data_root: Path,
    *,
    step_progress: StepProgressCallback | None = None,
    world: World = ALONE,
) -> DryRun:
    """Train the first steps of a run, and estimate its duration and memory from them.

    Args:
        config: Settings of the run.
        data_root: A prepared data set or a FER-2013 folder tree.
        step_progress: Called during the steps before the training.
        world: The devices that train together; one process.

    Raises:
        ConfigError, DataError, ModelError: As for `emorec.training.runner.train`.
    """
    run = TrainingRun.begin(config, data_root, ProgressOptions(None, step_progress), world)
    estimate = run.measure()
    if estimate is None:
        raise DataError(f"{data_root}: no training step could be measured")
    images = run.data.train_images, run.data.validation_images
    return DryRun(
        run.config,
        estimate,
        run.shortenings(estimate),
        len(images[0]),
        len(images[1]),
        peak_memory(),
        sum(array.nbytes for array in images),
    )


def peak_memory() -> int | None:
    """Return the largest resident memory of this process so far, in bytes; None on Windows."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
