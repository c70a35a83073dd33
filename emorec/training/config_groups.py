"""Groups the settings of a training run by the part of the training that uses them.

Each group is a base class of `TrainConfig`, so the keys of a YAML file stay flat, and a function
that takes one group can be called with the whole configuration.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from emorec.metadata import MAX_ADJUSTMENT
from emorec.types import MAX_CROP_MARGIN, MIN_CROP_MARGIN

MAX_EPOCHS = 100_000

MAX_RATE = 1000.0
"""Highest learning rate."""


class _Group(BaseModel):
    """Immutable settings; an unknown key is an error, and a number is finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class AugmentationConfig(_Group):
    """Ranges of the random augmentation, which is drawn again for every image and epoch.

    Every range is symmetric about the unchanged image, and uniform.
    """

    rotation: float = Field(20.0, ge=0, le=180, description="largest rotation in degrees")
    zoom: float = Field(0.05, ge=0, lt=1, description="largest change of scale, relative")
    shear: float = Field(10.0, ge=0, lt=80, description="largest shear in degrees")
    shift: float = Field(0.0, ge=0, lt=1, description="largest shift, relative to the side")
    horizontal_flip: bool = Field(True, description="mirror an image with probability 0.5")
    brightness: float = Field(0.0, ge=0, le=1, description="largest offset, relative to 255")
    contrast: float = Field(0.0, ge=0, lt=1, description="largest change of contrast, relative")
    blur: float = Field(
        0.0, ge=0, le=1, description="probability of downscaling an image and upscaling it again"
    )
    erasing: float = Field(
        0.0, ge=0, le=1, description="probability of filling a random box with noise"
    )


NO_AUGMENTATION = {
    name: False if field.annotation is bool else 0.0
    for name, field in AugmentationConfig.model_fields.items()
}
"""Settings that leave the images unchanged."""


class ModelConfig(_Group):
    """The network, its initial weights and its arithmetic."""

    arch: Annotated[str, StringConstraints(to_lower=True)] = Field(
        "compact", description="name in the registry of architectures"
    )
    image_size: int | None = Field(
        None, ge=8, le=1024, description="side of the input in pixels; the architecture's default"
    )
    weights: str = Field("none", description="none, imagenet, emorec, or a path")
    label_map: dict[str, str] = Field(
        {},
        max_length=1000,
        description="label of the initial weights by label of the data set, where names differ",
    )
    trainable_layers: int | None = Field(
        None, ge=-1, le=10_000, description="number of last backbone layers to train; -1 for all"
    )
    freeze_norm_statistics: bool = Field(
        False,
        description="batch normalisation uses its stored statistics, also in training; its scale "
        "and offset are trained",
    )
    dropout: float = Field(0.0, ge=0, lt=1, description="rate of dropout before the head")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "float32", description="auto: bfloat16 where the processor has instructions for it"
    )


class FeatureCacheConfig(_Group):
    """Whether the outputs of the frozen layers are computed once for all epochs."""

    feature_cache: Literal["auto"] | bool = Field(
        "auto",
        description="compute the outputs of the frozen layers once; auto: where the images are "
        "not augmented (or feature_views is set) and the result is the same",
    )
    feature_views: int = Field(
        1,
        ge=1,
        le=1000,
        description="fixed views of each image; all but the first are augmented",
    )


class DataConfig(_Group):
    """The labels and the number of the images."""

    labels: Literal["auto", "hard", "soft"] = Field(
        "hard",
        description="one-hot or vote distributions; auto: soft where the data set has votes, else "
        "hard, without policy and classes",
    )
    policy: str | None = Field(None, description="vote policy; default: that of the data set")
    classes: Literal[7, 8] | None = Field(None, description="8 keeps contempt")
    limit: int | None = Field(
        None, ge=1, le=10**9, description="largest number of images per split"
    )
    group_by: str | None = Field(
        None, description="rule that groups the images of a person, as in prepare-data"
    )


class StageConfig(_Group):
    """The epochs and peak learning rates of the stages of a run, and early stopping."""

    head_epochs: int = Field(
        0,
        ge=0,
        le=MAX_EPOCHS,
        description="first epochs, which train the head on a frozen backbone",
    )
    head_learning_rate: float | None = Field(
        None, gt=0, le=MAX_RATE, description="peak rate of these epochs; default: learning_rate"
    )
    epochs: int = Field(
        30, ge=1, le=MAX_EPOCHS, description="largest number of epochs after head_epochs"
    )
    learning_rate: float = Field(0.01, gt=0, le=MAX_RATE, description="peak learning rate")
    patience: int = Field(
        10,
        ge=1,
        le=MAX_EPOCHS,
        description="epochs without a better validation accuracy, or an equal one with a lower "
        "loss, before the run stops",
    )

    stop_after: int | None = Field(
        None,
        ge=1,
        le=MAX_EPOCHS,
        description="epochs, head_epochs included, after which the run ends though its schedule "
        "is longer; default: at the end of the schedule",
    )

    @property
    def total_epochs(self) -> int:
        """Number of epochs of the schedules of all stages."""
        return self.head_epochs + self.epochs

    @property
    def last_epoch(self) -> int:
        """Number of epochs of the run, unless it stops early."""
        return min(self.total_epochs, self.stop_after or self.total_epochs)


class LearningRateConfig(_Group):
    """The schedule of the learning rate."""

    schedule: Literal["constant", "cosine", "step"] = Field(
        "constant", description="decay of the learning rate"
    )
    step_epochs: float = Field(10.0, gt=0, description="epochs between two steps of the rate")
    step_factor: float = Field(0.1, gt=0, lt=1, description="factor of the rate at each step")
    warmup_epochs: float = Field(
        0.0, ge=0, description="linear warm-up of the rate; at most a tenth of the stage"
    )


class OptimizerConfig(_Group):
    """The optimizer apart from its learning rate."""

    optimizer: Literal["sgd", "adamw"] = "sgd"
    momentum: float = Field(0.9, ge=0, lt=1, description="of sgd")
    nesterov: bool = Field(True, description="Nesterov momentum, of sgd")
    layer_decay: float = Field(
        1.0,
        gt=0,
        le=1,
        description="factor of the rate from each block of the backbone to the block before it; "
        "1 for one rate",
    )
    weight_decay: float = Field(0.0, ge=0, description="decoupled; not of biases and norms")
    clip_norm: float | None = Field(None, gt=0, description="largest global norm of the gradient")
    ema: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="decay of the exponential moving average of the weights, which is validated "
        "and saved; 0 for none",
    )
    ema_warmup: bool = Field(
        True, description="the moving average starts with a low decay, which forgets the start"
    )


class MixingConfig(_Group):
    """Regularisation of the targets, and of the images together with them."""

    label_smoothing: float = Field(
        0.0, ge=0, lt=1, description="weight of the uniform distribution in the targets"
    )
    mixup: float = Field(0.0, ge=0, description="alpha of the Beta distribution; 0 for none")
    cutmix: float = Field(0.0, ge=0, description="alpha of the Beta distribution; 0 for none")
    mix_off_epochs: int = Field(
        0, ge=0, description="last epochs without mixup, cutmix and erasing"
    )


class BalanceConfig(_Group):
    """Compensation of class imbalance."""

    balance: Literal["none", "weights", "sampling"] = Field(
        "none", description="loss weights or resampling"
    )
    balance_strength: float = Field(
        1.0, gt=0, le=1, description="exponent of the class frequency; 1 for full compensation"
    )
    logit_adjustment: float = Field(
        0.0, ge=0, description="strength tau of the logit adjustment in the loss; 0 for none"
    )


class DistillationConfig(_Group):
    """The teachers of knowledge distillation."""

    teacher: tuple[str, ...] = Field((), description="models that provide soft labels")
    teacher_probabilities: str | None = Field(
        None,
        description="CSV file of teachers' probabilities of the training images; emorec: those of "
        "FERPlus Training that emorec ships",
    )
    teacher_weight: float = Field(
        0.5, gt=0, le=1, description="weight of the teachers' soft labels in the targets"
    )


class OutputConfig(_Group):
    """The saved model: its parts, its files and its metadata."""

    flip_average: bool = Field(
        False, description="the saved model averages its logits over an image and its mirror image"
    )
    half_weights: bool = Field(
        False, description="store the weights of the ONNX file in float16, in half the size"
    )
    model_name: str | None = Field(
        None, description="of the model in its metadata; default: the name of the run folder"
    )
    model_version: str = "1"
    model_license: str = "unspecified"
    training_data: str | None = Field(None, description="for the metadata and the report")
    crop_margin: float | None = Field(
        None,
        ge=MIN_CROP_MARGIN,
        le=MAX_CROP_MARGIN,
        description="of the face crop, relative; default: that of the data set, else 0",
    )
    align: bool | None = Field(
        None,
        description="users of the model get crops that are rotated by the eyes by default; "
        "default: as in the data set, else false",
    )
    default_prior: float = Field(
        0.0,
        ge=0,
        le=MAX_ADJUSTMENT,
        description="strength of the prior correction that users of the model get by default",
    )
