"""Owns the progress reports of a hyperparameter search."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emorec.training.tuning_folder import TuningPlan
from emorec.training.tuning_records import TrialRecord


@dataclass(frozen=True)
class TuningProgress:
    """Progress of a search.

    Attributes:
        folder: Its folder.
        plan: What it was asked for.
        number: Number of the current trial, from 1.
        settings: Searched settings of the trial.
        ended: The trial, when it has ended.
        best: The best trial so far, when one has ended.
        epoch: Epoch of the trial, from 1; 0 before and after its training.
        epochs: Number of epochs of the trial.
        batch: Number of batches done in the epoch.
        batches: Number of batches of an epoch.
        step: Work before or after the training; "" in it.
        trial_seconds: Estimated duration of one trial, when the first one has been measured.
    """

    folder: Path
    plan: TuningPlan
    number: int
    settings: dict[str, Any]
    ended: TrialRecord | None = None
    best: TrialRecord | None = None
    epoch: int = 0
    epochs: int = 0
    batch: int = 0
    batches: int = 0
    step: str = ""
    trial_seconds: float | None = None


TuningCallback = Callable[[TuningProgress], None]
"""Called during the trials of a search, and after each."""
