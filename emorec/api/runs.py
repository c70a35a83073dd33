"""Trains models."""

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emorec.api.data import StrPath
from emorec.errors import ConfigError
from emorec.installation import imports_explained
from emorec.short_repr import short_repr

if TYPE_CHECKING:
    from emorec.training.config import TrainConfig
    from emorec.training.cross_validation import CrossValidationResult
    from emorec.training.finish import RunResult
    from emorec.training.fold_progress import CrossValidationCallback
    from emorec.training.training_progress import (
        EstimateCallback,
        StepProgressCallback,
        TrainingProgressCallback,
    )

_log = logging.getLogger(__name__)


def load_train_config(
    config: "TrainConfig | Mapping[str, Any] | StrPath | None" = None,
    *,
    data: StrPath | None = None,
    **settings: Any,
) -> "TrainConfig":
    """Resolve the settings of a training run, and check them.

    Args:
        config: The path of a YAML file, the name of a recipe of emorec (a file of configs/ without
            its suffix, such as "quick"), a mapping of settings, or a configuration. Otherwise the
            recipe of the architecture counts, or `finetune` by the data, as in `emorec train`.
        data: The data set of the run; None leaves the recipe to the architecture.
        **settings: Settings that override those of `config`, such as arch="vgg16", epochs=3 or
            weights="imagenet".

    Returns:
        All settings, as attributes; `to_yaml` returns them as text.

    Raises:
        ConfigError: A setting is unknown or invalid, or there is no such file or recipe.
        DataError: The data set is missing or broken.
        ModelError: The initial weights name no model.
        MissingDependencyError: The packages for training are not installed.
    """
    return resolve_settings(config, data, settings)[0]


def resolve_settings(
    config: "TrainConfig | Mapping[str, Any] | StrPath | None",
    data: StrPath | None,
    settings: Mapping[str, Any],
) -> tuple["TrainConfig", str | None]:
    """Resolve settings as `load_train_config`, which describes the arguments and errors, does.

    Returns:
        The settings, and the name of the recipe that was named or that the data has chosen.
    """
    with imports_explained("training"):
        from emorec.training.config import TrainConfig, load_config, validated
        from emorec.training.initial_model import default_recipe

        overrides = {name: _as_setting(value) for name, value in settings.items()}
        if isinstance(config, TrainConfig):
            names = {name: name for name in overrides}
            return validated({**config.model_dump(), **overrides}, "the settings", names), None
        if config is None or isinstance(config, Mapping):
            named = {name: _as_setting(value) for name, value in (config or {}).items()}
            named |= overrides
            default = default_recipe(named, Path(data)) if data is not None else None
            if default:
                _log.info("%s", default.reason)
            recipe = default.name if default else None
            return load_config(None, named, recipe=recipe), recipe
        if not isinstance(config, str | os.PathLike):
            raise ConfigError(
                "config must be a TrainConfig, a mapping, the path of a YAML file or the name of a "
                f"recipe; received {short_repr(config)}"
            )
        path = Path(config)
        if path.is_file() or path.suffix in (".yaml", ".yml") or len(path.parts) != 1:
            return load_config(path, overrides), None
        recipe = os.fspath(config)
        return load_config(None, overrides, recipe=recipe), recipe


def train(
    config: "TrainConfig | Mapping[str, Any] | StrPath | None" = None,
    *,
    data: StrPath,
    out: StrPath = "runs",
    progress: "TrainingProgressCallback | None" = None,
    step_progress: "StepProgressCallback | None" = None,
    estimate: "EstimateCallback | None" = None,
    tensorboard: bool = False,
    track: Sequence[str] = (),
    **settings: Any,
) -> "RunResult":
    """Train a model, and write a run folder with the model of the best epoch: `emorec train`.

    Ctrl-C after the first epoch ends the training: the result is that of the best epoch so far,
    its `interrupted` is true, and `resume_training` resumes the run.

    Args:
        config: Settings, as for `load_train_config`.
        data: A prepared data set or a FER-2013 folder tree.
        out: Folder in which the run folder is created.
        progress: Called with a `TrainingProgress` after every batch and every epoch.
        step_progress: Called during the steps before and after the training with the name of the
            step, the units done and their total.
        estimate: Called with an `Estimate` of the duration after the first steps, and again where
            it has changed much.
        tensorboard: Also write the metrics for TensorBoard into the run folder.
        track: Experiment trackers, "mlflow" or "wandb", as --track of `emorec train`.
        **settings: Settings that override those of `config`, such as arch="vgg16" or epochs=3.

    Returns:
        The run folder, which is also a model for `EmotionRecognizer` and `evaluate`, the metrics on
        the validation split, and the best epoch.

    Raises:
        ConfigError, DataError, ModelError: The settings, the data or a model file is invalid; or
            the loss is not finite.
        MissingDependencyError: The packages for training are not installed.
        KeyboardInterrupt: Ctrl-C before the end of the first epoch; no run folder remains.
    """
    resolved = checked(load_train_config(config, data=data, **settings), data)
    with imports_explained("training"):
        _prepare_tensorflow(resolved.arch)
        from emorec.training.runner import train as run

        return run(
            resolved,
            Path(data),
            Path(out),
            progress=progress,
            step_progress=step_progress,
            estimate=estimate,
            tensorboard=tensorboard,
            track=track,
        )


def cross_validate(
    config: "TrainConfig | Mapping[str, Any] | StrPath | None" = None,
    *,
    data: StrPath,
    folds: int | str,
    out: StrPath = "runs",
    progress: "CrossValidationCallback | None" = None,
    step_progress: "StepProgressCallback | None" = None,
    tensorboard: bool = False,
    track: Sequence[str] = (),
    **settings: Any,
) -> "CrossValidationResult":
    """Train a model for each fold of a data set and one on all of it: `emorec train --folds`.

    All labelled images of train and validation take part, and none of test. No group (person) is in
    two folds.

    Args:
        config: Settings, as for `load_train_config`.
        data: A prepared data set or a FER-2013 folder tree.
        folds: The number of folds, or "leave-one-group-out".
        out: Folder in which the folder of the cross-validation is created.
        progress: Called with a `CrossValidationProgress` after every batch and between the folds.
        step_progress: As for `train`.
        tensorboard: Also write the metrics of each fold for TensorBoard.
        track: Experiment trackers, as for `train`; the cross-validation is one tracked run.
        **settings: Settings that override those of `config`, such as arch="vgg16" or epochs=3.

    Returns:
        The folder, which is also a model for `EmotionRecognizer` and `evaluate`, and the figures of
        the predictions for the images that each fold left out; `figures.to_dict` returns them as
        native types.

    Raises:
        ConfigError, DataError, ModelError: As for `train`; or the folds are impossible, e.g. there
            are fewer groups than folds.
        MissingDependencyError: The packages for training are not installed.
        KeyboardInterrupt: Ctrl-C; `resume_training` resumes the cross-validation.
    """
    resolved = checked(load_train_config(config, data=data, **settings), data)
    with imports_explained("training"):
        _prepare_tensorflow(resolved.arch)
        from emorec.training.cross_validation import cross_validate as run

        return run(
            resolved,
            Path(data),
            Path(out),
            folds,
            progress=progress,
            step_progress=step_progress,
            tensorboard=tensorboard,
            track=track,
        )


def resume_training(
    run: StrPath,
    *,
    data: StrPath | None = None,
    progress: "TrainingProgressCallback | None" = None,
    step_progress: "StepProgressCallback | None" = None,
    estimate: "EstimateCallback | None" = None,
) -> "RunResult | CrossValidationResult | None":
    """Resume an interrupted run after its last whole epoch: `emorec train --resume`.

    The result is that of a run without the interruption.

    Args:
        run: The run folder; or that of a cross-validation, or of one of its folds, which is resumed
            as a whole.
        data: The data set, if it was moved.
        progress: As for `train`; not called for a cross-validation.
        step_progress: As for `train`.
        estimate: As for `train`; not called for a cross-validation.

    Returns:
        The result of the run; None if it was finished before.

    Raises:
        ConfigError, DataError, ModelError: The folder is no run folder, the data set differs, the
            checkpoint is damaged, or another process trains this run. The folder keeps its files.
        MissingDependencyError: The packages for training are not installed.
        KeyboardInterrupt: Ctrl-C before the end of the first epoch.
    """
    with imports_explained("training"):
        from emorec.training import fold_folder, run_folder

        folder, moved = fold_folder.whole(Path(run)), None if data is None else Path(data)
        _prepare_tensorflow(run_folder.read(folder)[0].arch)
        if fold_folder.is_cross_validation(folder):
            from emorec.training.cross_validation import resume_cross_validation

            return resume_cross_validation(folder, moved, step_progress=step_progress)
        from emorec.training.runner import resume

        return resume(
            folder, moved, progress=progress, step_progress=step_progress, estimate=estimate
        )


def checked(config: "TrainConfig", data: StrPath) -> "TrainConfig":
    """Return settings after a check of the data set, before Keras is loaded.

    Raises:
        DataError: The data set is missing or not prepared.
    """
    from emorec.datasets.manifest import require_prepared

    require_prepared(Path(data), config.group_by)
    return config


def _prepare_tensorflow(arch: str) -> None:
    """Set up TensorFlow for an architecture; call it before Keras imports it.

    Most messages that it prints as it starts are turned off, unless the user has set them.
    """
    from emorec.training.onednn import configure_onednn

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    configure_onednn(arch)


def _as_setting(value: Any) -> Any:
    """Convert paths, such as those of weights and teachers, to the text that settings hold."""
    if isinstance(value, list | tuple):
        return [_as_setting(entry) for entry in value]
    return os.fspath(value) if isinstance(value, os.PathLike) else value
