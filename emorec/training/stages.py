"""Divides a run into its stages: first the head alone, then the layers that are to train."""

from dataclasses import dataclass

import keras

from emorec.modeling.classifier_parts import backbone_of
from emorec.modeling.finetune import set_trainable_layers
from emorec.training.checkpoint import History, patience_is_out
from emorec.training.config import TrainConfig


@dataclass(frozen=True)
class Stage:
    """A part of a run with an optimizer and a schedule of its own.

    Attributes:
        number: From 1.
        begin: Number of epochs of the run before it.
        end: Number of epochs of the run when it has ended.
        learning_rate: Highest rate.
        trainable_layers: How many of the backbone's last layers train, -1 for all; None leaves
            them as they were built.
        patience: Epochs without a better one that end the stage; None for no such end.
    """

    number: int
    begin: int
    end: int
    learning_rate: float
    trainable_layers: int | None
    patience: int | None


def stages_of(config: TrainConfig) -> tuple[Stage, ...]:
    """Divide a run."""
    head, total = config.head_epochs, config.total_epochs
    rate, count = config.learning_rate, config.trainable_layers
    if not head:
        return (Stage(1, 0, total, rate, None, config.patience),)
    return (
        Stage(1, 0, head, config.head_learning_rate or rate, 0, None),
        Stage(2, head, total, rate, -1 if count is None else count, config.patience),
    )


def is_done(stage: Stage, history: History) -> bool:
    """Tell whether a stage has ended: after its last epoch, or because its patience is out."""
    if len(history) >= stage.end:
        return True
    begun = history[-1]["stage"] == stage.number if history else False
    return begun and stage.patience is not None and patience_is_out(history, stage.patience)


def free_layers(model: keras.Model, stage: Stage) -> None:
    """Freeze and free the layers of a classifier as a stage has it; it is to be compiled then."""
    if stage.trainable_layers is not None:
        set_trainable_layers(backbone_of(model), stage.trainable_layers)
