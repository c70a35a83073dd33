"""Trains the trials of a search, one after the other, in a child process.

A trial is the run that `emorec train` would make of the same settings, without the files that a run
writes at its end: `emorec train --resume` adds these to the folder of a trial.
"""

import contextlib
import os
import shutil
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emorec.child_process import begin_child, receive, send
from emorec.errors import EmorecError
from emorec.training.tuning_records import OBJECTIVES, TrialFigures

# Keras, and what imports it, is loaded after oneDNN is configured.
if TYPE_CHECKING:
    from emorec.evaluation.metrics import Scores
    from emorec.training.checkpoint import History
    from emorec.training.run import TrainingRun
    from emorec.training.training_progress import TrainingProgress

Tell = Callable[[dict[str, Any]], None]

_OF_HISTORY = {"accuracy": "val_accuracy", "loss": "val_loss"}
"""Objectives that the history of a run holds."""

_REPORT_S = 0.5


class _Stopped(Exception):  # noqa: N818, no error
    """The parent does not want the rest of the trial."""


def main() -> None:
    """Train the trials that the parent process sends, until it closes the stream."""
    incoming, outgoing = begin_child(limited=False)
    while True:
        try:
            job, _ = receive(incoming)
        except EOFError:
            return

        def tell(message: dict[str, Any]) -> None:
            send(outgoing, message)

        def ask(message: dict[str, Any]) -> None:
            send(outgoing, message)
            if receive(incoming)[0]["stop"]:
                raise _Stopped

        with contextlib.suppress(_Stopped):
            tell(_answer(job, tell, ask))
            continue
        tell({"stopped": True})


def _answer(job: Mapping[str, Any], tell: Tell, ask: Tell) -> dict[str, Any]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from emorec.training.onednn import configure_onednn

    configure_onednn(str(job["config"]["arch"]))
    from emorec.training.callbacks import LossError

    try:
        return {"figures": run_trial(job, tell, ask).to_dict()}
    except LossError as error:
        return {"diverged": str(error)}
    except EmorecError as error:
        return {"failed": str(error)}
    except _Stopped:
        raise
    except Exception as error:
        traceback.print_exc()
        return {"failed": f"unexpected {type(error).__name__}: {error!s:.300}"}


def run_trial(job: Mapping[str, Any], tell: Tell, ask: Tell) -> TrialFigures:
    """Train a trial, from its checkpoint if it was interrupted.

    Args:
        job: config, data (path of the data set), folder (of the run) and objective.
        tell: Receives progress: {"step": ...}, {"progress": [epoch, epochs, batch, batches]} and
            {"seconds": estimate of the whole trial}.
        ask: Receives {"epoch", "value", "seconds_left"} after each epoch, and may raise to end the
            trial.

    Returns:
        The figures of the weights that the run keeps, equal to those in the metrics.json that
        `emorec train` would write.

    Raises:
        ConfigError, DataError, ModelError: As for `emorec.training.runner.train`.
    """
    from emorec.training import run_folder
    from emorec.training.config import validated
    from emorec.training.fold_predictions import RecordLogits
    from emorec.training.run import TrainingRun
    from emorec.training.run_data import open_dataset
    from emorec.training.run_start import checkpointed_state
    from emorec.training.training_progress import ProgressOptions

    folder, objective = Path(job["folder"]), str(job["objective"])
    config = validated(job["config"], "the trial")
    dataset = open_dataset(config, Path(job["data"]))
    left: list[float | None] = [None]
    reported = [0.0]

    def progress(step: "TrainingProgress") -> None:
        left[0] = step.seconds_left
        if time.monotonic() - reported[0] >= _REPORT_S:
            reported[0] = time.monotonic()
            tell({"progress": [step.epoch, step.epochs, step.batch, step.batches]})

    options = ProgressOptions(
        progress,
        lambda name, done, total: tell({"step": name}) if not done else None,
        estimate=lambda estimate, _: tell({"seconds": estimate.seconds}),
    )
    run_folder.clean(folder)
    run = TrainingRun(config, dataset, options, state=checkpointed_state(folder))
    if not (folder / run_folder.CONFIG).exists():
        run_folder.describe(folder, run.config, dataset)
    images = run.data.validation_images
    if objective not in _OF_HISTORY:
        run.recorders.append(RecordLogits(folder, run.config, run.model, images))

    def observe(history: "History") -> None:
        value = _value(run, folder, history, objective)
        ask({"epoch": len(history), "value": value, "seconds_left": left[0]})

    run.observers.append(observe)
    with run_folder.in_use(folder), run_folder.logging_to(folder / run_folder.LOG):
        # The search stores the figures of epochs that an interrupted process has trained.
        for epoch in range(1, len(run.state.history if run.state else ()) + 1):
            assert run.state is not None
            observe(run.state.history[:epoch])
        run.fit(folder)
        tell({"step": "evaluating the best epoch"})
        return _figures(run, folder)


def _value(run: "TrainingRun", folder: Path, history: "History", objective: str) -> float:
    """Return the figure of the last epoch of a history."""
    if objective in _OF_HISTORY:
        return history[-1][_OF_HISTORY[objective]]
    from emorec.training.fold_predictions import read_logits

    shape = run.data.validation.targets.shape
    return float(getattr(_scores(run, read_logits(folder, len(history), *shape)[-1]), objective))


def _scores(run: "TrainingRun", logits: Any) -> "Scores":
    from emorec.evaluation.metrics import score
    from emorec.probabilities import probabilities_from_logits

    examples = run.data.validation
    return score(probabilities_from_logits(logits, 1.0), examples.targets, examples.class_names)


def _figures(run: "TrainingRun", folder: Path) -> TrialFigures:
    import numpy as np

    from emorec.training import finish, run_folder
    from emorec.training.checkpoint import best_epoch, read_state
    from emorec.training.fold_predictions import FOLDER

    state = read_state(folder / run_folder.CHECKPOINT)
    model = finish.best_model(folder, run.config, run.data, state)
    logits = np.asarray(model.predict(run.data.validation_images, batch_size=256, verbose=0))
    scores = finish.assess_logits(folder, run.config, run.data, logits).scores
    shutil.rmtree(folder / FOLDER, ignore_errors=True)
    return TrialFigures(
        {name: float(getattr(scores, name)) for name in OBJECTIVES},
        {
            name: (float(pair[0]), float(pair[1]))
            for name in OBJECTIVES
            if (pair := getattr(scores, f"{name}_interval", None))
        },
        scores.images,
        best_epoch(state.history),
    )
