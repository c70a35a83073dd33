"""Evaluates models on data sets."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from emorec.api.data import StrPath, load_dataset
from emorec.datasets.manifest import PreparedDataset
from emorec.errors import ConfigError
from emorec.installation import imports_explained

if TYPE_CHECKING:
    from emorec.evaluation.assessment import Evaluation
    from emorec.evaluation.cross_data import CrossEvaluation
    from emorec.threads import ProgressCallback


def evaluate(
    model: StrPath,
    data: StrPath | PreparedDataset,
    split: str = "validation",
    *,
    policy: str | None = None,
    classes: int | None = None,
    limit: int | None = None,
    prior: str | float | None = None,
    flip: bool = False,
    device: str | None = None,
    group: str | Sequence[str] | None = None,
    label_map: Mapping[str, str] | None = None,
    progress: "ProgressCallback | None" = None,
) -> "Evaluation":
    """Evaluate a model on a split of a data set: `emorec evaluate`.

    Args:
        model: An .onnx or .keras file, a run folder, or the name of a run or of a model of `emorec
            models list`.
        data: A prepared data set or a FER-2013 folder tree.
        split: "validation", "test" or "train". Use the test split only once, at the end.
        policy: Vote policy of the labels; None is majority, the FER+ protocol, where there are
            votes.
        classes: 7 or 8; None is what the model supports.
        limit: Evaluate at most this number of images, spread over the split.
        prior: As for `EmotionClassifier`.
        flip: Average the logits of each image and its mirror image.
        device: Device of an .onnx file, as for `EmotionClassifier`.
        group: Column of the manifest for metrics by group, or several; None is "group", if it
            exists.
        label_map: Label of the model by label of the data set, for data of other classes: its other
            labels are matched by their names, so it may be empty. None requires the same classes.
        progress: Called now and then with the number of images done and their total.

    Returns:
        The metrics (`scores`, with intervals), calibration, agreement with the votes, mistakes,
        and metrics by group (`group_comparisons`); `to_dict` returns them as native types.

    Raises:
        ConfigError: The classes of the model and of the data differ, or an option is invalid.
        DataError: The data set, or an image, is missing or damaged.
        ModelError: The model is missing or damaged.
        MissingDependencyError: The device, or Keras for a .keras file, is not installed.
    """
    from emorec.evaluation.evaluate import evaluate as run

    dataset = data if isinstance(data, PreparedDataset) else load_dataset(data)
    with imports_explained("evaluating this model"):
        (found,) = run(
            [Path(model)],
            dataset,
            split,
            policy=policy,
            classes=classes,
            limit=limit,
            prior=prior,
            flip=flip,
            device=device,
            group=group,
            label_map=label_map,
            progress=progress,
        )
    return found


def cross_evaluate(
    models: Sequence[StrPath],
    datasets: Sequence[StrPath | PreparedDataset],
    split: str = "validation",
    *,
    policy: str | None = None,
    classes: int | None = None,
    limit: int | None = None,
    prior: str | float | None = None,
    flip: bool = False,
    device: str | None = None,
    group: str | Sequence[str] | None = None,
    label_map: Mapping[str, str] | None = None,
    progress: "ProgressCallback | None" = None,
) -> "CrossEvaluation":
    """Evaluate models on several data sets: `emorec evaluate` with several --data.

    Args:
        models: At least one model, each as for `evaluate`.
        datasets: At least one prepared data set or FER-2013 folder tree. Each is evaluated on the
            classes that it has in common with all models.
        policy: Vote policy of the data sets that have votes.
        label_map: Label of a model by label of a data set; other labels are matched by their names.

    Returns:
        The evaluations (`columns`, by data set and model); `to_dict` returns them as native types.

    Raises:
        ConfigError: There is no model or data set, a data set and the models have fewer than two
            classes in common, or an option is invalid.

    Other arguments and errors are as for `evaluate`.
    """
    from emorec.evaluation.cross_data import cross_evaluate as run

    if not models or not datasets:
        raise ConfigError("evaluation needs at least one model and one data set; received none")
    prepared = [
        data if isinstance(data, PreparedDataset) else load_dataset(data) for data in datasets
    ]
    with imports_explained("evaluating these models"):
        return run(
            [Path(model) for model in models],
            prepared,
            split,
            policy=policy,
            classes=classes,
            limit=limit,
            prior=prior,
            flip=flip,
            device=device,
            group=group,
            label_map=label_map,
            progress=progress,
        )
