"""Tracks a run in MLflow: on the server of MLFLOW_TRACKING_URI, or in a local database."""

import logging
import os
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emorec.training.run_folder import MODEL_ONNX
from emorec.training.tracked_run import Outcome, TrackedRun, curves, flat_settings

if TYPE_CHECKING:
    from emorec.training.checkpoint import History

_URI, _EXPERIMENT, _EXPERIMENT_ID = (
    "MLFLOW_TRACKING_URI",
    "MLFLOW_EXPERIMENT_NAME",
    "MLFLOW_EXPERIMENT_ID",
)

_DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # A server that is away delays an epoch by seconds. MLflow's own defaults take many minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}
"""Environment variables of MLflow that are set unless the user has set them."""

_STATES = {"finished": "FINISHED", "killed": "KILLED", "failed": "FAILED"}
_RUN_TAG = "emorec.run"

_MAX_VALUE = 500
"""Most characters of a parameter or tag, which every version of the server accepts."""


class MlflowTracker:
    """A run in MLflow, see `emorec.training.tracked_run.Tracker`.

    The client of MLflow is used, not its module of functions: those add the user, the program and
    the Git commit to a run, and keep a run active in the whole process.
    """

    def __init__(self, run: TrackedRun, run_id: str | None):
        """Begin a tracked run, or continue one.

        Args:
            run: The run.
            run_id: Id of the tracked run, if it has begun before.

        Raises:
            Exception: Any of MLflow; the store cannot be used.
        """
        for variable, value in _DEFAULTS.items():
            os.environ.setdefault(variable, value)
        from mlflow import MlflowClient

        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.WARNING)
        uri, artifacts = os.environ.get(_URI), None
        if not uri:
            uri = f"sqlite:///{(run.parent / 'mlflow.db').as_posix()}"
            artifacts = (run.parent / "mlartifacts").as_uri()
        self._client = MlflowClient(tracking_uri=uri)
        self._run = run
        continued = self._continued(run_id)
        if continued is None:
            self.run_id = self._begin(artifacts)
            self._logged = 0
        else:
            self.run_id = str(run_id)
            self._client.update_run(self.run_id, "RUNNING")
            points = self._client.get_metric_history(self.run_id, "accuracy")
            self._logged = max((point.step for point in points), default=0)
        self.place = f"{uri}, run {self.run_id}; look at it with: mlflow ui"
        if artifacts:
            self.place += f" --backend-store-uri {uri}"

    def _continued(self, run_id: str | None) -> Any:
        """Return the tracked run with an id; None if it is not this run, or of another store."""
        from mlflow.exceptions import MlflowException

        if run_id is None:
            return None
        try:
            found = self._client.get_run(run_id)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise
        return found if found.data.tags.get(_RUN_TAG) == self._run.name else None

    def _begin(self, artifacts: str | None) -> str:
        from mlflow.entities import Param

        client, run = self._client, self._run
        experiment = os.environ.get(_EXPERIMENT_ID)
        if not experiment:
            name = os.environ.get(_EXPERIMENT) or "emorec"
            known = client.get_experiment_by_name(name)
            experiment = known.experiment_id if known else client.create_experiment(name, artifacts)
        tags = {_RUN_TAG: run.name}
        for key, value in flat_settings(run.environment).items():
            tags.setdefault(f"emorec.{key}", str(value)[:_MAX_VALUE])
        run_id = client.create_run(experiment, tags=tags, run_name=run.name).info.run_id
        settings = flat_settings(run.settings)
        client.log_batch(
            run_id, params=[Param(name, str(v)[:_MAX_VALUE]) for name, v in settings.items()]
        )
        return str(run_id)

    def log_epochs(self, history: "History") -> None:
        """Log the rows that are not logged yet; the step is the number of the epoch."""
        for row in history:
            if (epoch := int(row["epoch"])) > self._logged:
                self._log(curves(row), epoch)
                self._logged = epoch

    def _log(self, values: Mapping[str, float], step: int) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [Metric(name, float(value), now, step) for name, value in values.items()]
        self._client.log_batch(self.run_id, metrics=metrics)

    def finish(self, outcome: Outcome, figures: Mapping[str, float], files: Sequence[Path]) -> None:
        """Log the figures, the files and the model, and end the tracked run."""
        if figures:
            self._log({f"final/{name}": value for name, value in figures.items()}, self._logged)
        for file in files:
            self._client.log_artifact(self.run_id, str(file))
            if file.name == MODEL_ONNX:
                self._log_model(file)
        self._client.set_terminated(self.run_id, _STATES[outcome])

    def _log_model(self, onnx_file: Path) -> None:
        """Log the ONNX file as a model that `mlflow.onnx` and `mlflow.pyfunc` load."""
        from importlib.metadata import version

        from mlflow.entities import LoggedModelStatus
        from mlflow.models import Model

        experiment = self._client.get_run(self.run_id).info.experiment_id
        logged = self._client.create_logged_model(
            experiment, name=self._run.name, source_run_id=self.run_id
        )
        model = Model(run_id=self.run_id, model_id=logged.model_id)
        model.add_flavor(
            "onnx",
            onnx_version=version("onnx"),
            data=onnx_file.name,
            providers=["CPUExecutionProvider"],
        )
        model.add_flavor("python_function", loader_module="mlflow.onnx", data=onnx_file.name)
        with tempfile.TemporaryDirectory() as folder:
            shutil.copyfile(onnx_file, Path(folder) / onnx_file.name)
            requirements = [f"{name}=={version(name)}\n" for name in ("onnx", "onnxruntime")]
            (Path(folder) / "requirements.txt").write_text("".join(requirements))
            model.save(str(Path(folder) / "MLmodel"))
            self._client.log_model_artifacts(logged.model_id, folder)
        self._client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
