"""Owns the folder of a hyperparameter search: its files, and what a resumed search reads."""

import csv
import io
import math
import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from emorec.atomic_files import write_bytes
from emorec.datasets.fingerprint import fingerprint
from emorec.datasets.manifest import PreparedDataset
from emorec.errors import ConfigError, DataError
from emorec.table_cells import safe_cell
from emorec.training import run_folder, strict_yaml
from emorec.training.config import TrainConfig, validated
from emorec.training.search_space import Parameter, parse_space, with_settings
from emorec.training.tuning_records import OBJECTIVES, TrialRecord, best_of, value_text

PLAN = "tuning.yaml"
STORAGE = "study.db"
BEST = "best.yaml"
TRIALS = "trials.csv"
REPORT = "report.html"
LOG = "trials.log"
LOCK = ".lock"

MAX_TRIALS = 1000


@dataclass(frozen=True)
class TuningPlan:
    """What a search was asked for.

    Attributes:
        config: Settings of the recipe, which are those of the first trial.
        space: The searched settings.
        data: Absolute path of the data set.
        data_fingerprint: Of the data set, see `emorec.datasets.fingerprint`.
        keras_backend: Backend of the trials.
        objective: Figure by which trials are compared.
        trials: Largest number of trials.
        seconds: Time for all trials; None for no limit.
        pruning: Whether trials that are worse than others end early.
    """

    config: TrainConfig
    space: tuple[Parameter, ...]
    data: Path
    data_fingerprint: str
    keras_backend: str
    objective: str = "accuracy"
    trials: int = 20
    seconds: float | None = None
    pruning: bool = True

    def __post_init__(self) -> None:
        problem = None
        if self.objective not in OBJECTIVES:
            problem = f"objective must be one of {', '.join(OBJECTIVES)}; received"
            problem += f" {self.objective!r:.60}"
        elif not 1 <= self.trials <= MAX_TRIALS:
            problem = f"the number of trials must be 1 to {MAX_TRIALS}; received {self.trials}"
        elif self.seconds is not None and not 0 < self.seconds < math.inf:
            problem = f"the time must be more than 0 s; received {self.seconds:g} s"
        if problem:
            raise ConfigError(problem)

    def to_yaml(self) -> str:
        """Serialise the plan as YAML."""
        content = {
            "format": 1,
            "objective": self.objective,
            "trials": self.trials,
            "seconds": self.seconds,
            "pruning": self.pruning,
            "data": str(self.data),
            "data_fingerprint": self.data_fingerprint,
            "keras_backend": self.keras_backend,
            "space": {each.name: each.to_dict() for each in self.space},
            "config": yaml.safe_load(self.config.to_yaml()),
        }
        return yaml.safe_dump(content, sort_keys=False)


def plan_for(
    config: TrainConfig, space: tuple[Parameter, ...], dataset: PreparedDataset, **options: Any
) -> TuningPlan:
    """Make the plan of a new search; options are those of `TuningPlan`.

    Raises:
        ConfigError: An option is out of its range.
    """
    return TuningPlan(
        config=config,
        space=space,
        data=dataset.root.resolve(),
        data_fingerprint=fingerprint(dataset),
        keras_backend=keras_backend(),
        **options,
    )


def keras_backend() -> str:
    """Return the name of the backend that the trials use."""
    return os.environ.get("KERAS_BACKEND") or "tensorflow"


def create(parent: Path, plan: TuningPlan) -> Path:
    """Create the folder of a search with its plan.

    Raises:
        DataError: The folder or the file cannot be written.
    """
    folder = run_folder.new_folder(parent, f"{plan.config.arch}-tuning")
    write_bytes(folder / PLAN, plan.to_yaml().encode())
    return folder


def read_plan(folder: Path) -> TuningPlan:
    """Read the plan of a search.

    Raises:
        DataError: The folder is not that of a search.
        ConfigError: The plan is damaged.
    """
    path = folder / PLAN
    if not path.is_file():
        raise DataError(
            f"{folder}: no search: it holds no {PLAN}; name a folder that emorec tune created"
        )
    found = strict_yaml.read_mapping(path, "it is the plan of a search")
    types: dict[str, type | tuple[type, ...]] = {
        "objective": str,
        "trials": int,
        "seconds": (int, float, type(None)),
        "pruning": bool,
        "data": str,
        "data_fingerprint": str,
        "keras_backend": str,
        "space": dict,
        "config": dict,
    }
    if found.get("format") != 1:
        raise ConfigError(f"{path}: its format is not 1; another version of emorec made it")
    for name, kind in types.items():
        if not isinstance(found.get(name), kind):
            raise ConfigError(f"{path}: damaged: {name} is missing or of another type")
    values = {name: found[name] for name in types}
    config = validated(values.pop("config"), str(path))
    space = parse_space(values.pop("space"), str(path), config)
    try:
        return TuningPlan(config, space, Path(values.pop("data")), **values)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def rewrite_plan(folder: Path, plan: TuningPlan, **changes: Any) -> TuningPlan:
    """Change options of a plan, such as the number of trials, and write it if it changes.

    Raises:
        ConfigError: An option is out of its range.
        DataError: The file cannot be written.
    """
    changed = replace(plan, **changes)
    if changed != plan:
        write_bytes(folder / PLAN, changed.to_yaml().encode())
    return changed


def write_trials(folder: Path, plan: TuningPlan, trials: Sequence[TrialRecord]) -> None:
    """Write trials.csv and, if a trial is complete, best.yaml; each atomically.

    Raises:
        DataError: A file cannot be written.
    """
    names = [each.name for each in plan.space]
    text = io.StringIO()
    writer = csv.writer(text)
    head = ["trial", "state", *OBJECTIVES, "best_epoch", "epochs", "seconds", "folder", "reason"]
    writer.writerow([*head, *names])
    for trial in trials:
        figures = trial.outcome.figures
        values = [value_text(trial.value(name)) for name in OBJECTIVES]
        row = [
            *(trial.number, trial.outcome.state, *values, figures.best_epoch if figures else ""),
            *(trial.epochs, f"{trial.seconds:.1f}"),
            *(safe_cell(trial.folder), safe_cell(trial.outcome.reason)),
        ]
        settings = [trial.settings.get(name, "") for name in names]
        writer.writerow(
            [*row, *(safe_cell(each) if isinstance(each, str) else each for each in settings)]
        )
    write_bytes(folder / TRIALS, text.getvalue().encode())
    best = best_of(tuple(trials), plan.objective)
    if best is not None:
        write_bytes(folder / BEST, best_yaml(folder, plan, best).encode())


def best_yaml(folder: Path, plan: TuningPlan, best: TrialRecord) -> str:
    """Render the settings of the best trial as a configuration for `emorec train --config`."""
    config = with_settings(plan.config, best.settings, f"trial {best.number}")
    lines = [
        f"The best of the trials so far: trial {best.number}, validation {plan.objective} "
        f"{best.value(plan.objective):.4f}.",
        f"Command: {train_command(folder, plan)}",
    ]
    return "".join(f"# {line}\n" for line in lines) + config.to_yaml()


def train_command(folder: Path, plan: TuningPlan) -> str:
    """Return the command that trains the best settings, on all images if the trials had not."""
    words = ["emorec", "train", "--data", str(plan.data), "--config", str(folder / BEST)]
    if plan.config.limit is not None:
        words += ["--set", "limit=null"]
    return " ".join(shlex.quote(word) for word in words)


def finish_command(folder: Path, best: TrialRecord) -> str:
    """Return the command that writes the model of the best trial, without further training."""
    return f"emorec train --resume {shlex.quote(str(folder / best.folder))}"
