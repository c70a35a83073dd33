"""Plots of training and evaluation, drawn with matplotlib as the bytes of PNG files."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.ticker import MaxNLocator

from emorec.evaluation.calibration import CoveragePoint, ReliabilityBin
from emorec.evaluation.group_scores import GroupComparison
from emorec.evaluation.metrics import Scores
from emorec.figures import new_figure, to_png
from emorec.fonts import drawable

# Blue and vermilion of Okabe and Ito's palette, which colour-blind people can distinguish.
_TRAIN, _VALIDATION = "#0072B2", "#D55E00"


def draw_curves(history: Sequence[Mapping[str, float]]) -> bytes:
    """Draw accuracy and loss by epoch.

    Args:
        history: One mapping per epoch: epoch, accuracy, loss; and val_accuracy and val_loss if
            the run was validated.
    """
    figure = new_figure(10, 4)
    epochs = [row["epoch"] for row in history]
    validated = "val_accuracy" in history[0]
    for place, (name, title) in enumerate((("accuracy", "Accuracy"), ("loss", "Loss")), 1):
        axes = figure.add_subplot(1, 2, place)
        for key, label, color, style in (
            (name, "training (augmented)", _TRAIN, "-"),
            (f"val_{name}", "validation", _VALIDATION, "--"),
        ):
            if key not in history[0]:
                continue
            values = [row[key] for row in history]
            marker = "o" if len(values) < 3 else None
            axes.plot(epochs, values, style, color=color, label=label, marker=marker)
        if name == "accuracy" and validated:
            best = max(history, key=lambda row: row["val_accuracy"])
            label = f"best: {best['val_accuracy']:.1%}, epoch {best['epoch']:g}"
            axes.plot(
                best["epoch"], best["val_accuracy"], "*", color="black", markersize=10, label=label
            )
        axes.set(title=title, xlabel="epoch", ylabel=name)
        if name == "loss" and validated:
            # Lagging moving statistics make a few validation losses huge; they must not set the
            # scale.
            losses, validation = ([row[key] for row in history] for key in ("loss", "val_loss"))
            usual = max(2 * max(losses), 1.2 * statistics.median(validation))
            axes.set_ylim(0, min(1.05 * max(losses + validation), usual))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.legend()
    return to_png(figure)


def draw_fold_curves(accuracies: npt.NDArray[np.float64], epochs: int) -> bytes:
    """Draw the accuracy of the folds of a cross-validation by epoch, and their mean.

    Args:
        accuracies: Of each fold on its own images after each epoch, shape (folds, epochs).
        epochs: Number of epochs that the folds chose.
    """
    figure = new_figure(8, 4)
    axes: Any = figure.add_subplot()
    numbers = range(1, accuracies.shape[1] + 1)
    marker = "o" if len(numbers) < 3 else None
    for index, row in enumerate(accuracies):
        label = None if index else "each fold"
        axes.plot(numbers, row, color="0.6", linewidth=0.8, marker=marker, label=label)
    mean = accuracies.mean(axis=0)
    axes.plot(numbers, mean, color=_TRAIN, linewidth=2, marker=marker, label="mean of the folds")
    label = f"epochs of the final model: {epochs}"
    axes.axvline(epochs, color=_VALIDATION, linestyle="--", label=label)
    axes.set(title="Accuracy on the images left out", xlabel="epoch", ylabel="accuracy")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend()
    return to_png(figure)


def draw_confusion_matrix(scores: Scores) -> bytes:
    """Draw the confusion matrix, with counts as text and row shares as shades."""
    labels = [drawable(entry.label) for entry in scores.per_class]
    counts = scores.confusion_matrix
    shares = scores.confusion_shares
    side = 2.5 + 0.7 * len(labels)
    figure = new_figure(side + 1, side)
    axes: Any = figure.add_subplot()
    shading = axes.imshow(shares, cmap="cividis", vmin=0, vmax=1)
    for row, column in ((r, c) for r in range(len(labels)) for c in range(len(labels))):
        share = shares[row, column]
        axes.text(
            column,
            row,
            f"{counts[row, column]}\n{share:.0%}",
            ha="center",
            va="center",
            fontsize=8,
            color="black" if share > 0.5 else "white",
        )
    axes.set_xticks(range(len(labels)), labels, rotation=35, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(labels)), labels)
    axes.set(
        xlabel="predicted",
        ylabel="label",
        title=f"{scores.images} images, accuracy {scores.accuracy:.1%}",
    )
    figure.colorbar(shading, ax=axes, label="share of the label's images", shrink=0.8)
    return to_png(figure)


def draw_reliability(bins: Sequence[ReliabilityBin], error: float) -> bytes:
    """Draw the reliability diagram: accuracy by confidence, and the images of each bin.

    Args:
        bins: From `emorec.evaluation.calibration.reliability`.
        error: Expected calibration error, 0 to 1.
    """
    figure = new_figure(5, 5.5)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    width = 1 / len(bins)
    centers = [(index + 0.5) * width for index in range(len(bins))]
    filled = [(c, entry) for c, entry in zip(centers, bins, strict=True) if entry.images]
    upper.bar([c for c, _ in filled], [e.accuracy for _, e in filled], width * 0.9, color=_TRAIN)
    upper.plot([0, 1], [0, 1], "--", color="black", label="perfectly calibrated")
    upper.set(ylabel="accuracy", ylim=(0, 1), title=f"expected calibration error {error:.3f}")
    upper.legend(loc="upper left")
    lower.bar(centers, [entry.images for entry in bins], width * 0.9, color=_VALIDATION)
    lower.set(xlabel="confidence", ylabel="images", xlim=(0, 1))
    return to_png(figure)


def draw_coverage(points: Sequence[CoveragePoint]) -> bytes:
    """Draw coverage and accuracy by minimum confidence.

    Args:
        points: From `emorec.evaluation.calibration.coverage_curve`.
    """
    figure = new_figure(5, 4)
    axes: Any = figure.add_subplot()
    least = [point.min_confidence for point in points]
    axes.plot(least, [point.coverage for point in points], "-", color=_TRAIN, label="coverage")
    kept = [(point.min_confidence, point.accuracy) for point in points if point.coverage]
    axes.plot(*zip(*kept, strict=True), "--", color=_VALIDATION, label="accuracy of what is left")
    axes.set(xlabel="minimum confidence", ylabel="share", xlim=(0, 1), ylim=(0, 1.02))
    axes.grid(alpha=0.3)
    axes.legend()
    return to_png(figure)


def draw_comparison(names: Sequence[str], scores: Sequence[Scores]) -> bytes:
    """Draw accuracy and balanced accuracy of models with their intervals, one row per model.

    Args:
        names: Names of the models.
        scores: Metrics of the models, in the same order.
    """
    figure = new_figure(8, 1.6 + 0.5 * len(names))
    axes: Any = figure.add_subplot()
    shown = (
        ("accuracy", "accuracy_interval", _TRAIN, "o", -0.12),
        ("balanced_accuracy", "balanced_accuracy_interval", _VALIDATION, "s", 0.12),
    )
    for name, interval, color, marker, shift in shown:
        values = [getattr(entry, name) for entry in scores]
        edges = [getattr(entry, interval) for entry in scores]
        # With few images a value may lie outside the percentiles of its resamples.
        errors = [
            [max(value - low, 0) for value, (low, _) in zip(values, edges, strict=True)],
            [max(high - value, 0) for value, (_, high) in zip(values, edges, strict=True)],
        ]
        axes.errorbar(
            values,
            [place + shift for place in range(len(names))],
            xerr=errors,
            fmt=marker,
            color=color,
            capsize=3,
            label=name.replace("_", " "),
        )
    shortened = [name if len(name) <= 40 else f"{name[:19]}...{name[-18:]}" for name in names]
    axes.set_yticks(range(len(names)), [name.replace("$", r"\$") for name in shortened])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set(xlabel="share, with the 95 % interval")
    axes.grid(axis="x", alpha=0.3)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.35 if len(names) < 3 else 1.2), ncols=2)
    return to_png(figure)


def draw_groups(comparison: GroupComparison) -> bytes:
    """Draw the metrics of groups with their intervals, one row per group.

    Groups that are not compared have hollow markers.

    Args:
        comparison: Metrics by the values of one column.
    """
    groups = comparison.groups
    figure = new_figure(10, 1.9 + 0.36 * len(groups))
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(2, 1))
    shown: tuple[tuple[Any, str, str, str, float], ...] = (
        (left, "accuracy", _TRAIN, "o", -0.13),
        (left, "balanced_accuracy", _VALIDATION, "s", 0.13),
        (right, "calibration_error", "#009E73", "D", 0.0),
    )
    # The legend shows a filled marker if there is one.
    named = max(range(len(groups)), key=lambda place: groups[place].not_compared is None)
    for axes, metric, color, marker, shift in shown:
        for place, entry in enumerate(groups):
            value, (low, high) = getattr(entry, metric), getattr(entry, f"{metric}_interval")
            axes.errorbar(
                value,
                place + shift,
                xerr=[[max(value - low, 0)], [max(high - value, 0)]],
                fmt=marker,
                color=color,
                markerfacecolor=color if entry.not_compared is None else "white",
                capsize=3,
                label=None if place != named else metric.replace("_", " "),
            )
        axes.grid(axis="x", alpha=0.3)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
    names = [
        "".join(c if c.isprintable() else repr(c)[1:-1] for c in entry.group) or "(empty)"
        for entry in groups
    ]
    shortened = [name if len(name) <= 30 else f"{name[:14]}...{name[-13:]}" for name in names]
    left.set_yticks(
        range(len(groups)),
        [
            f"{drawable(name)} ({entry.images:,})".replace("$", r"\$")
            for name, entry in zip(shortened, groups, strict=True)
        ],
    )
    left.set_ylim(len(groups) - 0.5, -0.5)
    left.set(xlabel="share, with the 95 % interval")
    right.set(xlabel="error, with the 95 % interval")
    right.set_xlim(left=0)
    return to_png(figure)
