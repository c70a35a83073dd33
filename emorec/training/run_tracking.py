"""Tracks runs in experiment trackers, without letting one of these end a training."""

import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emorec.atomic_files import write_json
from emorec.errors import DataError
from emorec.json_files import read_json
from emorec.models.files import ENVIRONMENT
from emorec.training import run_folder
from emorec.training.tracked_run import TRACKERS, Outcome, TrackedRun, Tracker

if TYPE_CHECKING:
    from emorec.training.checkpoint import History
    from emorec.training.config import TrainConfig

_log = logging.getLogger(__name__)

IDS = "tracking.json"
"""File in the run folder with the id of the tracked run, by the name of the tracker.

It holds no address: where a run is tracked is up to the user who resumes it.
"""

_ID = re.compile(r"[0-9a-z]{1,64}")

FILES = (
    run_folder.CONFIG,
    ENVIRONMENT,
    run_folder.HISTORY,
    run_folder.METRICS,
    run_folder.PER_CLASS,
    run_folder.CURVES,
    run_folder.CONFUSION_MATRIX,
    run_folder.RELIABILITY,
    run_folder.MODEL_KERAS,
    run_folder.MODEL_ONNX,
)
"""Files of a run folder that are tracked. Not the report, which shows images of people."""


def tracked_before(folder: Path) -> dict[str, str]:
    """Return the ids of the tracked runs of a run folder, by the name of the tracker.

    Raises:
        DataError: The file is damaged.
    """
    path = folder / IDS
    if not path.exists():
        return {}
    found = read_json(path)
    for name, run_id in found.items():
        if name not in TRACKERS or not isinstance(run_id, str) or not _ID.fullmatch(run_id):
            raise DataError(f"{path}: damaged; remove it to track the run as a new one")
    return found


class RunTracking:
    """The trackers of a run. One that fails is reported once, and the run goes on.

    A tracker that has failed gets a last chance at the end of the run, when it is sent everything
    that it lacks.

    Attributes:
        places: Where the tracked runs are, one line for each.
    """

    def __init__(self, run: TrackedRun, names: Iterable[str]):
        """Begin the tracked runs, or continue those that the run folder names.

        Args:
            run: The run.
            names: Names of trackers.

        Raises:
            DataError: The file with the ids is damaged, or cannot be written.
        """
        self._folder, self._failed = run.folder, set[str]()
        self._trackers: dict[str, Tracker] = {}
        self._history: History = []
        ids = tracked_before(run.folder)
        for name in dict.fromkeys(names):

            def begin(name: str = name) -> None:
                self._trackers[name] = _open(name, run, ids.get(name))

            self._attempt(name, begin)
        new = {name: tracker.run_id for name, tracker in self._trackers.items()}
        if not new.items() <= ids.items():
            write_json(run.folder / IDS, {**ids, **new})
        self.places = tuple(f"{name}: {each.place}" for name, each in self._trackers.items())
        for place in self.places:
            _log.info("tracked by %s", place)

    def log_epochs(self, history: "History") -> None:
        """Log the rows of a history that are not logged yet."""
        self._history = list(history)
        for name, tracker in self._trackers.items():
            if name not in self._failed:
                self._attempt(name, partial(tracker.log_epochs, history))

    def finish(self, outcome: Outcome, files: Sequence[str] = ()) -> None:
        """Log the final figures and the files of the run, and end the tracked runs.

        Args:
            outcome: How the run ended.
            files: Names of files of the run folder; those that exist are logged.
        """
        paths = [path for name in files if (path := self._folder / name).is_file()]
        figures = _figures(self._folder) if files else {}

        def end(tracker: Tracker) -> None:
            tracker.log_epochs(self._history)
            tracker.finish(outcome, figures, paths)

        for name, tracker in self._trackers.items():
            self._attempt(name, partial(end, tracker))

    def _attempt(self, name: str, action: Callable[[], Any]) -> None:
        """Let a tracker work; whatever it raises becomes one warning."""
        try:
            action()
        except Exception as error:
            if name not in self._failed:
                reason = next(iter(str(error).splitlines()), "")[:300] or type(error).__name__
                _log.warning("%s fails, and the training goes on without it: %s", name, reason)
            self._failed.add(name)


@contextmanager
def tracked(folder: Path, config: "TrainConfig", names: Iterable[str]) -> Iterator[RunTracking]:
    """Track a run within the context; an exception ends its tracked runs as killed or failed.

    The caller ends them otherwise.

    Args:
        folder: The run folder, with its environment.json.
        config: The resolved settings.
        names: Names of trackers.

    Raises:
        DataError: As for `RunTracking`.
    """
    environment = read_json(folder / ENVIRONMENT)
    settings = json.loads(config.model_dump_json())
    tracking = RunTracking(TrackedRun(folder, settings, environment), names)
    try:
        yield tracking
    except KeyboardInterrupt:
        tracking.finish("killed")
        raise
    except BaseException:
        tracking.finish("failed")
        raise


def _open(name: str, run: TrackedRun, run_id: str | None) -> Tracker:
    if name == "mlflow":
        from emorec.training.mlflow_tracker import MlflowTracker

        return MlflowTracker(run, run_id)
    from emorec.training.wandb_tracker import WandbTracker

    return WandbTracker(run, run_id)


def _figures(folder: Path) -> dict[str, float]:
    """Return the numbers of metrics.json that are in no list or group, or pooled over folds."""
    path = folder / run_folder.METRICS
    metrics: Mapping[str, Any] = read_json(path) if path.exists() else {}
    return {
        name: value
        for name, value in {**metrics, **metrics.get("pooled", {})}.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
