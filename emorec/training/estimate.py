"""Estimates how long a run takes, from what its first steps took.

What is not measured yet is scaled from what is, by multiply-adds. A backward pass goes through the
layers from the first trainable one on only.
"""

from dataclasses import dataclass
from typing import Any

_BACKWARD = 4.0
"""Duration of a backward pass by that of a forward pass. It has twice the multiply-adds; the update
of the weights and the augmentation come with it. 3.5 (VGG16), 4.4 (compact) and 4.5 (MobileNetV3,
small) were measured on a CPU."""

_FLOAT32 = 3.0
"""Duration of a forward pass in float32 by that in bfloat16, where the processor has both."""

_FIXED_SECONDS = 10.0
_COMPILATIONS = 0.8
"""The figures, the export and the comparison with it take a fixed time, and a part that grows with
the network as compiling a training step does. Measured with compact and MobileNetV3 (small)."""


@dataclass(frozen=True)
class StageWork:
    """Work of a stage that is not done yet, in multiply-adds of one image size.

    Attributes:
        image_size: Side of the input in pixels.
        epochs: Epochs left, at most.
        train_images: Training images of an epoch.
        validation_images: Validation images of an epoch.
        multiply_adds: Of a forward pass of the whole classifier, for one image.
        trained_share: Share of these from the first trainable layer on.
        views: Views of each image in the feature cache; 0 without a feature cache.
    """

    image_size: int
    epochs: int
    train_images: int
    validation_images: int
    multiply_adds: float
    trained_share: float
    views: int = 0

    @property
    def features(self) -> float:
        """Multiply-adds of the feature pass, which precedes the stage."""
        if not self.views:
            return 0.0
        frozen = self.multiply_adds * (1 - self.trained_share)
        return frozen * (self.views * self.train_images + self.validation_images)

    @property
    def training(self) -> float:
        """Multiply-adds of the training steps of an epoch."""
        forward = self.trained_share if self.views else 1.0
        passes = forward + _BACKWARD * self.trained_share
        return self.multiply_adds * passes * self.train_images

    @property
    def validation(self) -> float:
        """Multiply-adds of the validation of an epoch."""
        forward = self.trained_share if self.views else 1.0
        return self.multiply_adds * forward * self.validation_images


@dataclass(frozen=True)
class StageEstimate:
    """Estimated duration of a stage.

    Attributes:
        image_size: Side of the input in pixels.
        epochs: Epochs left, at most.
        feature_seconds: Of the feature pass before the stage, if it is not done yet.
        train_seconds: Of the training steps of an epoch.
        validation_seconds: Of the validation and the checkpoint of an epoch.
    """

    image_size: int
    epochs: int
    feature_seconds: float
    train_seconds: float
    validation_seconds: float

    @property
    def epoch_seconds(self) -> float:
        """Seconds of an epoch."""
        return self.train_seconds + self.validation_seconds

    @property
    def seconds(self) -> float:
        """Seconds of the stage."""
        return self.feature_seconds + self.epochs * self.epoch_seconds


@dataclass(frozen=True)
class Estimate:
    """Estimated duration of a run, for the largest number of epochs.

    Attributes:
        setup_seconds: Of what precedes the stages below: from the start of the run to its first
            step, or to the epoch in which the estimate is renewed.
        stages: The stages and epochs that were not done then.
        finish_seconds: Of the models and figures at the end.
    """

    setup_seconds: float
    stages: tuple[StageEstimate, ...]
    finish_seconds: float

    @property
    def epochs(self) -> int:
        """Number of epochs, at most."""
        return sum(stage.epochs for stage in self.stages)

    @property
    def seconds(self) -> float:
        """Seconds of the whole run, from its start to its end."""
        return self.setup_seconds + sum(s.seconds for s in self.stages) + self.finish_seconds

    def to_dict(self) -> dict[str, Any]:
        """Return the estimate as native types, for JSON."""
        stages = [
            {
                "image_size": stage.image_size,
                "epochs": stage.epochs,
                "feature_seconds": round(stage.feature_seconds, 3),
                "epoch_seconds": round(stage.epoch_seconds, 3),
            }
            for stage in self.stages
        ]
        return {
            "seconds": round(self.seconds, 3),
            "setup_seconds": round(self.setup_seconds, 3),
            "finish_seconds": round(self.finish_seconds, 3),
            "stages": stages,
        }


@dataclass(frozen=True)
class Rates:
    """What has been measured of a stage.

    Attributes:
        speed: Multiply-adds per second, of the feature pass or else of the training steps; that of
            another stage will do.
        train_seconds: Of the training steps of an epoch; None as long as they are not measured.
        validation_seconds: Of the rest of an epoch; None as long as it is not measured.
    """

    speed: float
    train_seconds: float | None = None
    validation_seconds: float | None = None


def estimate_stage(work: StageWork, rates: Rates, features_left: float = 1.0) -> StageEstimate:
    """Estimate the duration of a stage.

    Args:
        work: Work of the stage.
        rates: What has been measured.
        features_left: Share of the feature pass that is left, 0 to 1.
    """
    train = work.training / rates.speed if rates.train_seconds is None else rates.train_seconds
    validation = rates.validation_seconds
    if validation is None:
        validation = train * work.validation / work.training
    features = features_left * work.features / rates.speed
    return StageEstimate(work.image_size, work.epochs, features, train, validation)


def finish_seconds(evaluation_seconds: float, compile_seconds: float, load: float = 1.0) -> float:
    """Estimate what the end of a run takes: metrics, figures, report, export and parity.

    Args:
        evaluation_seconds: Of the whole model on the validation images.
        compile_seconds: Of the first training step.
        load: Duration of work by its processor time, at least 1; more on a busy machine.
    """
    return evaluation_seconds + _COMPILATIONS * compile_seconds + _FIXED_SECONDS * load


def evaluation_factor(precision: str, flip_average: bool) -> float:
    """Return the duration of the evaluation at the end of a run by that of a validation.

    Args:
        precision: Of the training; the evaluation uses float32.
        flip_average: Whether the saved model averages an image and its mirror image.
    """
    return (_FLOAT32 if precision == "bfloat16" else 1.0) * (2.0 if flip_average else 1.0)
