"""Estimates of training runs as text, and the result of a dry run."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from emorec.cli.durations import duration_text
from emorec.cli.json_output import JsonOutput

if TYPE_CHECKING:
    from emorec.training.dry_run import DryRun
    from emorec.training.estimate import Estimate
    from emorec.training.shortening import Shortening

LONG_SECONDS = 3600
"""Duration from which the text says what would shorten the run."""


def estimate_lines(
    estimate: "Estimate",
    shorter: "Sequence[Shortening]",
    before_seconds: float = 0.0,
    *,
    again: bool = False,
) -> Iterator[str]:
    """Describe an estimate, and for a long run what would shorten it.

    Args:
        estimate: The estimate.
        shorter: What would shorten the run.
        before_seconds: From the start of the command to the start of the run.
        again: Whether the run had another estimate before.
    """
    stages = [stage for stage in estimate.stages if stage.epochs]
    several = len(stages) > 1
    epochs = " and ".join(
        f"{duration_text(stage.epoch_seconds)} per epoch" + f" ({stage.epochs} epochs)" * several
        for stage in stages
    )
    features = sum(stage.feature_seconds for stage in stages)
    if features:
        epochs = f"{duration_text(features)} for the features of the frozen layers, {epochs}"
    whole = duration_text(estimate.seconds + before_seconds)
    name = "new estimate" if again else "estimate"
    plural = "s" * (estimate.epochs != 1)
    yield (
        f"{name}: {epochs}; about {whole} in all for {estimate.epochs} epoch{plural}"
        f"{' more' * again}, set-up and final figures included; early stopping may end the run "
        "sooner"
    )
    if estimate.seconds + before_seconds <= LONG_SECONDS or not shorter:
        return
    yield "to shorten it:"
    for way in shorter:
        text = "" if way.seconds is None else f"about {duration_text(way.seconds + before_seconds)}"
        yield f"  {way.option:<18} {text:<18} {way.effect}"


def print_dry_run(found: "DryRun", before_seconds: float, json_output: JsonOutput) -> None:
    """Print the result of a dry run to standard output, or write it as JSON.

    Args:
        found: The result.
        before_seconds: From the start of the command to the start of the run.
        json_output: Where it goes as JSON.
    """
    setup = found.estimate.setup_seconds + before_seconds
    ways = tuple(
        way._replace(seconds=None if way.seconds is None else way.seconds + before_seconds)
        for way in found.shorter
    )
    estimate = replace(found.estimate, setup_seconds=setup)
    whole = replace(found, estimate=estimate, shorter=ways)
    if json_output.write(whole.to_dict()):
        return
    click.echo(found.config.to_yaml())
    click.echo(f"images: {found.train_images:,} training, {found.validation_images:,} validation")
    if found.memory_bytes is not None:
        click.echo(
            f"memory: about {found.memory_bytes / 1e9:.1f} GB at most, of which "
            f"{found.image_bytes / 1e9:.2f} GB are decoded images"
        )
    for line in estimate_lines(found.estimate, found.shorter, before_seconds):
        click.echo(line)
    click.echo("dry run: nothing was trained or written")
