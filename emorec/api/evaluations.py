"""Evaluates a model on a data set."""

from pathlib import Path
from typing import TYPE_CHECKING

from emorec.api.data import StrPath, load_dataset
from emorec.datasets.manifest import PreparedDataset
from emorec.installation import imports_explained

if TYPE_CHECKING:
    from emorec.evaluation.assessment import Evaluation
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
    group: str | None = None,
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
        group: Column of the manifest for metrics by group; None is "group", if it exists.
        progress: Called now and then with the number of images done and their total.

    Returns:
        The metrics (`scores`, with intervals), calibration, agreement with the votes and mistakes;
        `to_dict` returns them as native types.

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
            progress=progress,
        )
    return found
