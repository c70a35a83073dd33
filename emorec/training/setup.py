"""Prepares what a run needs from its configuration: the examples, their images and the model."""

from dataclasses import dataclass
from pathlib import Path

import keras

from emorec.datasets.image_cache import cached_images
from emorec.datasets.manifest import Examples, PreparedDataset
from emorec.errors import ModelError
from emorec.images import Image
from emorec.modeling.build import build_classifier
from emorec.modeling.flip_ensemble import plain_classifier
from emorec.modeling.keras_files import load_model
from emorec.training import run_folder
from emorec.training.config import TrainConfig
from emorec.training.distillation import StepProgressCallback
from emorec.training.distribution import ALONE, World, spread
from emorec.training.fast_layers import trains_on_cpu

COLOR = "gray"
"""Facial-expression sets are grey; photos are turned grey for these models."""

INTERPOLATION = "area"


_CPU_FLAGS = {"avx512_bf16", "amx_bf16"}
_CPU_DESCRIPTION = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class RunData:
    """Examples of a run with their decoded images, uint8, shape (n, size, size, channels)."""

    train: Examples
    train_images: Image
    validation: Examples
    validation_images: Image


def resolve_precision(config: TrainConfig) -> TrainConfig:
    """Choose the precision where the configuration leaves it open ("auto").

    It is bfloat16 where TensorFlow trains on a processor with instructions for it, as far as Linux
    tells; there a net of plain convolutions trains faster in it. Else it is float32.
    """
    if config.precision != "auto":
        return config
    try:
        flags = set(_CPU_DESCRIPTION.read_text().split()) if trains_on_cpu() else set()
    except OSError:
        flags = set()
    precision = "bfloat16" if flags & _CPU_FLAGS else "float32"
    return config.model_copy(update={"precision": precision})


def select(config: TrainConfig, data: PreparedDataset) -> tuple[Examples, Examples]:
    """Choose the training and the validation examples that a configuration asks for.

    Validation is scored by the majority of the votes where there are votes.
    """
    soft = config.labels == "soft" or draws_labels(config, data)
    train = data.examples("train", config.policy, config.classes, soft)
    if data.votes is None:
        # A tree without votes may have labels of its own, in any number.
        validation = data.examples("validation")
    else:
        validation = data.examples("validation", "majority", len(train.class_names))
    return train.limited(config.limit), validation.limited(config.limit)


def draws_labels(config: TrainConfig, data: PreparedDataset) -> bool:
    """Tell whether a single label is drawn from each distribution at every use (FER+)."""
    return config.labels == "hard" and (config.policy or data.policy) == "probability"


def load(
    train: Examples, validation: Examples, size: int, report: StepProgressCallback | None = None
) -> RunData:
    """Decode the images of both splits at the model's input size, or find them decoded."""

    def told(done: int, total: int) -> None:
        if report:
            report("decoding", done, total)

    train_images, validation_images = (
        cached_images(examples.paths, size, COLOR, INTERPOLATION, told)
        for examples in (train, validation)
    )
    return RunData(train, train_images, validation, validation_images)


def partner(
    config: TrainConfig, labels: tuple[str, ...], input_shape: tuple[int | None, ...]
) -> keras.Model | None:
    """Open the classifier that sees the images in the saved model, if one is set.

    Args:
        config: Its `partner` names a .keras file or a run folder.
        labels: Of the run.
        input_shape: Of the model that is trained.

    Raises:
        ModelError: The file is missing or damaged, or of another architecture, other
            labels or another input.
    """
    if config.partner is None:
        return None
    path = Path(config.partner)
    model, metadata = load_model(path / run_folder.MODEL_KERAS if path.is_dir() else path)
    found = (metadata.architecture, ", ".join(metadata.labels), model.input_shape[1:])
    wanted = (config.arch, ", ".join(labels), input_shape[1:])
    if found != wanted:
        raise ModelError(
            f"{path}: the partner must be of this run's architecture, labels and input, "
            f"{wanted[0]}, {wanted[1]} and {wanted[2]}; it is a {found[0]} with {found[1]} and "
            f"{found[2]}"
        )
    return plain_classifier(model)


def build(config: TrainConfig, classes: int, world: World = ALONE) -> keras.Model:
    """Build the model of a configuration, with reproducible initial weights on every device."""
    keras.utils.clear_session()
    # Clearing has also ended any distribution; what is set here ends with the next clearing.
    spread(world)
    keras.utils.set_random_seed(config.seed)
    return build_classifier(
        config.arch,
        classes,
        image_size=config.image_size,
        color=COLOR,
        weights=config.weights,
        trainable_layers=config.trainable_layers,
        dropout=config.dropout,
        precision=config.precision,
    )
