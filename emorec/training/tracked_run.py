"""What a tracker receives of a run, and the names of the trackers; without heavy imports."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from emorec.training.checkpoint import History

TRACKERS = ("mlflow", "wandb")
"""Values of --track, which are the names of their packages too."""

Outcome = Literal["finished", "killed", "failed"]
"""How a run ended; "killed" by Ctrl-C, SIGTERM or SIGHUP."""

NO_METRICS = ("epoch", "stage")
"""Columns of history.csv that are no curves."""


@dataclass(frozen=True)
class TrackedRun:
    """A run as its trackers see it.

    Attributes:
        folder: The run folder. Local stores are in the folder around it.
        settings: The resolved settings, of native types, nested by section.
        environment: The content of environment.json.
    """

    folder: Path
    settings: Mapping[str, Any]
    environment: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Name of the run."""
        return self.folder.resolve().name

    @property
    def parent(self) -> Path:
        """Absolute path of the folder around the run folder."""
        return self.folder.resolve().parent


class Tracker(Protocol):
    """A run in an experiment tracker.

    `Tracker(run, run_id)` begins a tracked run, or with the id of an earlier process continues it;
    it raises any exception if it cannot.

    Attributes:
        run_id: Id by which a resumed run finds its tracked run.
        place: Where the tracked run is, and how to look at it, in one line.
    """

    run_id: str
    place: str

    def log_epochs(self, history: "History") -> None:
        """Log the rows of a history that are not logged yet."""

    def finish(self, outcome: Outcome, figures: Mapping[str, float], files: Sequence[Path]) -> None:
        """Log the final figures and the files of the run, and end the tracked run."""


def flat_settings(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings with dotted names; lists, and mappings of labels, become JSON.

    Args:
        settings: Settings of native types.
        prefix: What precedes every name.
    """
    found: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping) and value and name != "label_map":
            found |= flat_settings(value, f"{prefix}{name}.")
        elif isinstance(value, Mapping | list | tuple):
            found[prefix + name] = json.dumps(value)
        else:
            found[prefix + name] = value
    return found


def curves(row: Mapping[str, float]) -> dict[str, float]:
    """Return the metrics of a row of history.csv, by the names of its columns."""
    return {name: value for name, value in row.items() if name not in NO_METRICS}
