"""Searches the settings of trainings, and compares runs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emorec.api.data import StrPath
from emorec.api.runs import checked, resolve_settings
from emorec.installation import imports_explained

if TYPE_CHECKING:
    from emorec.training.config import TrainConfig
    from emorec.training.run_comparison import RunComparison
    from emorec.training.tuning import TuningResult
    from emorec.training.tuning_progress import TuningCallback


def tune(
    config: "TrainConfig | Mapping[str, Any] | StrPath | None" = None,
    *,
    data: StrPath,
    trials: int = 20,
    seconds: float | None = None,
    objective: str = "accuracy",
    space: Mapping[str, Any] | StrPath | None = None,
    pruning: bool = True,
    out: StrPath = "tuning",
    progress: "TuningCallback | None" = None,
    **settings: Any,
) -> "TuningResult":
    """Search the settings of a training on the validation split: `emorec tune`.

    The first trial has the settings of the recipe. Trials are trained one after the other in a
    child process.

    Args:
        config: Settings, as for `load_train_config`.
        data: A prepared data set or a FER-2013 folder tree.
        trials: Number of trials.
        seconds: Time for all trials; one that would not end in time is not begun. None for no
            limit.
        objective: Figure by which trials are compared: "accuracy", "balanced_accuracy", "macro_f1"
            or "loss".
        space: The searched settings: a YAML file, or its content as a mapping, such as
            {"learning_rate": {"factor": 5}}. None is the search space of the recipe.
        pruning: End trials that are worse than the median of the trials before.
        out: Folder in which the folder of the search is created.
        progress: Called with a `TuningProgress` during the trials.
        **settings: Settings that override those of `config`, and are not searched.

    Returns:
        The `folder`, whose best.yaml `train` accepts as `config`; the `trials`; and the `best` one,
        with its `settings` and `value("accuracy")`, or None if none is complete.

    Raises:
        ConfigError, DataError, ModelError: The settings, the search space, the data or an option
            is invalid, or the first trial fails.
        MissingDependencyError: The packages for training or Optuna are not installed.
        KeyboardInterrupt: Ctrl-C; `resume_tuning` resumes the search.
    """
    resolved, recipe = resolve_settings(config, data, settings)
    resolved = checked(resolved, data)
    with imports_explained("the search"):
        from emorec.training import search_space
        from emorec.training.tuning import tune as run

        if isinstance(space, Mapping):
            searched = search_space.parse_space(space, "space", resolved, set(settings))
        else:
            file = search_space.shipped_space(recipe) if space is None else Path(space)
            searched = search_space.read_space(file, resolved, set(settings))
        return run(
            resolved,
            searched,
            Path(data),
            Path(out),
            progress=progress or _ignore,
            trials=trials,
            seconds=seconds,
            objective=objective,
            pruning=pruning,
        )


def resume_tuning(
    folder: StrPath,
    *,
    data: StrPath | None = None,
    trials: int | None = None,
    seconds: float | None = None,
    progress: "TuningCallback | None" = None,
) -> "TuningResult":
    """Resume a search, or extend it: `emorec tune --resume`.

    Args:
        folder: The folder of the search.
        data: The data set, if it was moved.
        trials: A new number of trials.
        seconds: A new time for all trials, those before included.
        progress: As for `tune`.

    Returns:
        As for `tune`.

    Raises:
        ConfigError, DataError, ModelError: As for `tune`; or the folder is not that of a search, a
            file is damaged, the data set differs, or another process uses the search.
        MissingDependencyError: The packages for training or Optuna are not installed.
        KeyboardInterrupt: Ctrl-C; the search can be resumed again.
    """
    given: dict[str, Any] = {"trials": trials, "seconds": seconds}
    with imports_explained("the search"):
        from emorec.training.tuning import resume_tuning as run

        return run(
            Path(folder),
            None if data is None else Path(data),
            progress=progress or _ignore,
            **{name: value for name, value in given.items() if value is not None},
        )


def compare_runs(runs: Sequence[StrPath]) -> "RunComparison":
    """Compare training runs: their figures, and the settings in which they differ.

    The result is that of `emorec compare`.

    Args:
        runs: Up to 20 run folders, also of unfinished runs, or folders of cross-validations.

    Returns:
        The `entries` with their figures by `names`, the `differences` of settings by name, and
        McNemar's `tests` of cross-validations of the same images; `to_dict` returns them as native
        types.

    Raises:
        ConfigError: There is no run, there are more than 20, or one is named twice.
        DataError: A folder is no run folder, or nothing in it can be read.
        MissingDependencyError: The packages for training are not installed.
    """
    with imports_explained("the comparison"):
        from emorec.training.run_comparison import compare_runs as run

        return run([Path(each) for each in runs])


def _ignore(_: Any) -> None:
    """Take no notice of progress."""
