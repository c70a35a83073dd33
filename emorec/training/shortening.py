"""Lists what would shorten a long run, each with the duration that this leaves."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from emorec.training.config import TrainConfig
from emorec.training.estimate import Estimate, StageEstimate, StageWork

_SMALL_SIZE = 48
"""Side of FER-2013's images; larger inputs hold no more detail."""

_SHARE = 4
"""Divisor of the images and of the epochs that are suggested."""


class Shortening(NamedTuple):
    """A way to shorten a run.

    Attributes:
        option: Option of `emorec train`, or what else it takes.
        seconds: Estimated duration of the whole run with it; None where it cannot be estimated.
        effect: What it changes.
    """

    option: str
    seconds: float | None
    effect: str

    def to_dict(self) -> dict[str, Any]:
        """Return it as native types, for JSON."""
        return {**self._asdict(), "seconds": self.seconds and round(self.seconds, 3)}


def shortenings(
    estimate: Estimate,
    works: Sequence[StageWork],
    config: TrainConfig,
    minimum_size: int,
    *,
    on_cpu: bool = False,
    has_bfloat16: bool = False,
) -> tuple[Shortening, ...]:
    """List what would shorten a run, the shortest duration first, the unknown ones last.

    Args:
        estimate: Estimate of the run.
        works: Work of the stages of the estimate.
        config: Settings of the run.
        minimum_size: Smallest image size of the architecture.
        on_cpu: Whether the run uses no GPU.
        has_bfloat16: Whether the processor has instructions for bfloat16.
    """
    stages = list(zip(estimate.stages, works, strict=True))
    found: list[Shortening] = []

    def suggest(option: str, effect: str, shorter: Sequence[StageEstimate]) -> None:
        seconds = replace(estimate, stages=tuple(shorter)).seconds
        if seconds < estimate.seconds:
            found.append(Shortening(option, seconds, effect))

    current = max(work.image_size for work in works)
    size = max(_SMALL_SIZE, minimum_size)
    if size < current:
        suggest(
            f"--image-size {size}",
            f"1/{(current / size) ** 2:.1f} of the pixels",
            [_scaled(stage, (size / current) ** 2, (size / current) ** 2) for stage, _ in stages],
        )
    if any(_can_cache(work, config) for _, work in stages):
        suggest(
            "--feature-cache",
            "the frozen layers are computed only once, without augmentation",
            [_cached(stage, work) if _can_cache(work, config) else stage for stage, work in stages],
        )
    images, validation = works[0].train_images, works[0].validation_images
    limit = max(round(images / _SHARE / 100) * 100, 1)
    if limit < images:
        parts = limit / images, min(limit / max(validation, 1), 1.0)
        suggest(
            f"--limit {limit}",
            f"{limit:,} of {images:,} training images; less accurate",
            [_scaled(stage, *parts) for stage, _ in stages],
        )
    epochs = max(config.epochs // _SHARE, 1)
    if epochs < config.epochs:
        last, _ = stages[-1]
        fewer = replace(last, epochs=min(epochs, last.epochs))
        suggest(
            f"--epochs {epochs}",
            f"instead of {config.epochs}; less accurate",
            [*(stage for stage, _ in stages[:-1]), fewer],
        )
    found.sort(key=lambda shortening: shortening.seconds or 0.0)
    if config.precision == "float32" and has_bfloat16:
        effect = "bfloat16, for which this processor has instructions"
        found.append(Shortening("--precision auto", None, effect))
    if on_cpu:
        found.append(Shortening("a GPU", None, "docs/training.md names what it needs"))
    return tuple(found)


def _scaled(stage: StageEstimate, train: float, validation: float) -> StageEstimate:
    return replace(
        stage,
        feature_seconds=stage.feature_seconds * train,
        train_seconds=stage.train_seconds * train,
        validation_seconds=stage.validation_seconds * validation,
    )


def _can_cache(work: StageWork, config: TrainConfig) -> bool:
    mixed = bool(config.mixup or config.cutmix)
    return not work.views and work.trained_share < 1 and not mixed


def _cached(stage: StageEstimate, work: StageWork) -> StageEstimate:
    cached = replace(work, views=1)
    seconds = stage.train_seconds / work.training  # per multiply-add
    return replace(
        stage,
        feature_seconds=cached.features * seconds,
        train_seconds=cached.training * seconds,
        validation_seconds=cached.validation * seconds,
    )
