"""Measures what a run would take, and writes nothing but the cache of decoded images."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emorec.errors import DataError
from emorec.training.callbacks import LetInterruptsThrough, StopOnNaN
from emorec.training.config import TrainConfig
from emorec.training.distribution import ALONE, World
from emorec.training.ema import ValidateWithEma
from emorec.training.estimate import Estimate
from emorec.training.fitting import fit_epochs
from emorec.training.padded_validation import BATCH
from emorec.training.run import TrainingRun
from emorec.training.shortening import Shortening
from emorec.training.training_progress import ProgressOptions, StepProgressCallback

_SAMPLE_STEPS = 64
_SAMPLE_VALIDATIONS = 2
"""Validation batches; the backend compiles in the first one."""

_FINISH_BYTES = 480_000_000
"""What the figures, the export and the comparison of the compact network added."""


@dataclass(frozen=True)
class DryRun:
    """What a run would take.

    Attributes:
        config: The settings, with the resolved precision and absolute paths.
        estimate: Duration of the run.
        shorter: What would shorten it.
        train_images: Number of training images.
        validation_images: Number of validation images.
        memory_bytes: Peak memory of the run: that of this process so far, the decoded images
            included, and what its end adds; None where the system does not tell it (Windows).
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
    estimate = _measure(run)
    if estimate is None:
        raise DataError(f"{data_root}: no training step could be measured")
    peak = peak_memory()
    images = run.data.train_images, run.data.validation_images
    return DryRun(
        run.config,
        estimate,
        run.shortenings(estimate),
        len(images[0]),
        len(images[1]),
        None if peak is None else peak + _FINISH_BYTES,
        sum(array.nbytes for array in images),
    )


def _measure(run: TrainingRun) -> Estimate | None:
    """Train the first steps of the first stage, and validate, on a part of the data.

    Returns:
        An estimate of the run; None if the data give less than two steps.
    """
    (first, *_) = run.begin_stages()
    run.timer.samples = True
    train = _SAMPLE_STEPS * run.config.batch_size
    sample = run.data.sample(train, _SAMPLE_VALIDATIONS * BATCH)
    fitting = run.prepare(first, first.begin, sample)
    if run.options.step_progress:
        run.options.step_progress("measuring the first steps", 0, 1)
    callbacks = [StopOnNaN(), ValidateWithEma(), LetInterruptsThrough(), run.timer]
    # Of an epoch of one step, the second one shows how long a step takes without compiling.
    epochs = 1 if len(fitting.batches) > 1 else 2
    fit_epochs(run.config, fitting, 0, epochs, callbacks, run.world)
    return run.timer.sampled


def peak_memory() -> int | None:
    """Return the largest resident memory of this process so far, in bytes; None on Windows."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
