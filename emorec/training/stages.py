"""Divides a run into its stages: first the head alone, then the layers to fine-tune."""

from dataclasses import dataclass, replace

from emorec.training.checkpoint import History
from emorec.training.config_groups import StageConfig
from emorec.training.early_stopping import patience_is_exhausted


@dataclass(frozen=True)
class Stage:
    """A part of a run with its own optimizer and learning-rate schedule.

    Attributes:
        number: From 1.
        begin: Number of epochs of the run before the stage.
        end: Number of epochs of the run at the end of the stage.
        learning_rate: Peak rate.
        trainable_layers: Number of the backbone's last layers to train, -1 for all; None keeps
            the layers as they were built.
        patience: Epochs without a better epoch that end the stage; None for no early stopping.
        schedule_end: Number of epochs of the run at the end of the learning-rate schedule; None
            for the end of the stage.
    """

    number: int
    begin: int
    end: int
    learning_rate: float
    trainable_layers: int | None
    patience: int | None
    schedule_end: int | None = None

    @property
    def schedule_epochs(self) -> int:
        """Number of epochs of the learning-rate schedule."""
        return (self.schedule_end or self.end) - self.begin


def stages_of(config: StageConfig, trainable_layers: int | None) -> tuple[Stage, ...]:
    """Divide a run into stages.

    Args:
        config: Epochs, rates and patience.
        trainable_layers: Number of the backbone's last layers to train after the head; None and
            -1 for all.
    """
    head, total = config.head_epochs, config.total_epochs
    rate, stop = config.learning_rate, config.last_epoch
    last_layers = -1 if trainable_layers is None else trainable_layers
    stages = [Stage(1, 0, total, rate, None, config.patience)]
    if head:
        stages = [
            Stage(1, 0, head, config.head_learning_rate or rate, 0, None),
            Stage(2, head, total, rate, last_layers, config.patience),
        ]
    return tuple(
        replace(stage, end=stop, schedule_end=stage.end) if stage.end > stop else stage
        for stage in stages
        if stage.begin < stop
    )


def is_done(stage: Stage, history: History) -> bool:
    """Check whether a stage has ended, by its last epoch or by early stopping."""
    if len(history) >= stage.end:
        return True
    begun = history[-1]["stage"] == stage.number if history else False
    return begun and stage.patience is not None and patience_is_exhausted(history, stage.patience)
