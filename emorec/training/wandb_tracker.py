"""Tracks a run with Weights & Biases: offline, unless WANDB_MODE says otherwise."""

import os
import re
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emorec.training.tracked_run import Outcome, TrackedRun, curves

if TYPE_CHECKING:
    from emorec.training.checkpoint import History

_UNNAMED = "unnamed"
"""In place of the names of the host and the user."""

_EXIT_CODES = {"finished": 0, "killed": 130, "failed": 1}


class WandbTracker:
    """A run of Weights & Biases, see `emorec.training.tracked_run.Tracker`.

    Nothing of the machine is recorded that emorec does not record itself: no console, code, Git
    state, package list, host name or load.
    """

    def __init__(self, run: TrackedRun, run_id: str | None):
        """Begin a tracked run, or continue one.

        Offline, wandb writes a folder for each process, so a continued run is written again from
        its first epoch, with the same id.

        Args:
            run: The run.
            run_id: Id of the tracked run, if it has begun before.

        Raises:
            Exception: Any of wandb; the folder or the server cannot be used.
        """
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        folder = Path(os.environ.get("WANDB_DIR") or run.parent)
        # Files wait there for their upload; wandb's own default is in the home folder.
        os.environ.setdefault("WANDB_DATA_DIR", str(folder / "wandb"))
        import wandb

        self._wandb, self._name = wandb, run.name
        self.run_id = run_id or secrets.token_hex(8)
        mode: Any = os.environ.get("WANDB_MODE") or "offline"
        self._run = wandb.init(
            dir=str(folder),
            project=os.environ.get("WANDB_PROJECT") or "emorec",
            id=self.run_id,
            resume="allow",
            name=os.environ.get("WANDB_NAME") or run.name,
            config={**run.settings, "environment": dict(run.environment)},
            tags=[str(run.settings.get("arch", "emorec"))],
            mode=mode,
            settings=wandb.Settings(
                console="off",
                disable_code=True,
                disable_git=True,
                host=os.environ.get("WANDB_HOST") or _UNNAMED,
                program="emorec",
                save_code=False,
                silent=True,
                username=os.environ.get("WANDB_USERNAME") or _UNNAMED,
                x_disable_machine_info=True,
                x_disable_meta=True,
                x_disable_stats=True,
                x_save_requirements=False,
            ),
        )
        self._next = int(self._run.step)
        written = Path(self._run.settings.sync_dir)
        self.place = f"{written}; upload it with: wandb sync {written}"
        if not self._run.offline:
            self.place = f"{self._run.url}, run {self.run_id}"

    def log_epochs(self, history: "History") -> None:
        """Log the rows that are not logged yet; the step is the number of the epoch."""
        for row in history:
            if (epoch := int(row["epoch"])) >= self._next:
                self._run.log(curves(row), step=epoch)
                self._next = epoch + 1

    def finish(self, outcome: Outcome, figures: Mapping[str, float], files: Sequence[Path]) -> None:
        """Log the figures and the files, and end the tracked run."""
        self._run.summary.update({f"final/{name}": value for name, value in figures.items()})
        if files:
            name = re.sub(r"[^\w.-]", "-", self._name)[:120]
            artifact = self._wandb.Artifact(name, type="model")
            for file in files:
                artifact.add_file(str(file))
            self._run.log_artifact(artifact)
        self._run.finish(exit_code=_EXIT_CODES[outcome])
