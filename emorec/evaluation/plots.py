"""Draws figures with matplotlib, without a display, as the bytes of PNG files."""

import io
import statistics
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from emorec.evaluation.calibration import CoveragePoint, ReliabilityBin
from emorec.evaluation.metrics import Scores
from emorec.inference.summary import Point, Track
from emorec.media.drawing import COLORS

# Blue and vermilion of Okabe and Ito's palette, which colour-blind people can tell apart.
_TRAIN, _VALIDATION = "#0072B2", "#D55E00"


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _png(figure: Figure) -> bytes:
    data = io.BytesIO()
    figure.savefig(data, format="png")
    return data.getvalue()


def draw_curves(history: Sequence[Mapping[str, float]]) -> bytes:
    """Draw accuracy and loss over the epochs.

    Args:
        history: One mapping an epoch: epoch, accuracy, val_accuracy, loss, val_loss.
    """
    figure = _figure(10, 4)
    epochs = [row["epoch"] for row in history]
    for place, (name, title) in enumerate((("accuracy", "Accuracy"), ("loss", "Loss")), 1):
        axes = figure.add_subplot(1, 2, place)
        for key, label, color, style in (
            (name, "training (augmented)", _TRAIN, "-"),
            (f"val_{name}", "validation", _VALIDATION, "--"),
        ):
            values = [row[key] for row in history]
            marker = "o" if len(values) < 3 else None
            axes.plot(epochs, values, style, color=color, label=label, marker=marker)
        if name == "accuracy":
            best = max(history, key=lambda row: row["val_accuracy"])
            label = f"best: {best['val_accuracy']:.1%}, epoch {best['epoch']:g}"
            axes.plot(
                best["epoch"], best["val_accuracy"], "*", color="black", markersize=10, label=label
            )
        axes.set(title=title, xlabel="epoch", ylabel=name)
        if name == "loss":
            # A few epochs with running means that lag behind must not flatten all the others.
            losses, tests = ([row[key] for row in history] for key in ("loss", "val_loss"))
            usual = max(2 * max(losses), 1.2 * statistics.median(tests))
            axes.set_ylim(0, min(1.05 * max(losses + tests), usual))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.legend()
    return _png(figure)


def draw_confusion_matrix(scores: Scores) -> bytes:
    """Draw the confusion matrix: shares of each row as shades, counts as numbers."""
    labels = [entry.label for entry in scores.per_class]
    counts = scores.confusion_matrix
    shares = scores.confusion_shares
    side = 2.5 + 0.7 * len(labels)
    figure = _figure(side + 1, side)
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
    return _png(figure)


def draw_reliability(bins: Sequence[ReliabilityBin], error: float) -> bytes:
    """Draw accuracy over confidence, with the number of images of each bin.

    Args:
        bins: From `emorec.evaluation.calibration.reliability`.
        error: Expected calibration error, 0 to 1.
    """
    figure = _figure(5, 5.5)
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
    return _png(figure)


def draw_coverage(points: Sequence[CoveragePoint]) -> bytes:
    """Draw coverage and accuracy over the least confidence.

    Args:
        points: From `emorec.evaluation.calibration.coverage_curve`.
    """
    figure = _figure(5, 4)
    axes: Any = figure.add_subplot()
    least = [point.min_confidence for point in points]
    axes.plot(least, [point.coverage for point in points], "-", color=_TRAIN, label="coverage")
    kept = [(point.min_confidence, point.accuracy) for point in points if point.coverage]
    axes.plot(*zip(*kept, strict=True), "--", color=_VALIDATION, label="accuracy of what is left")
    axes.set(xlabel="least confidence", ylabel="share", xlim=(0, 1), ylim=(0, 1.02))
    axes.grid(alpha=0.3)
    axes.legend()
    return _png(figure)


def draw_comparison(names: Sequence[str], scores: Sequence[Scores]) -> bytes:
    """Draw accuracy and balanced accuracy of models with their intervals, one line a model.

    Args:
        names: Of the models.
        scores: Of the models, in the same order.
    """
    figure = _figure(8, 1.6 + 0.5 * len(names))
    axes: Any = figure.add_subplot()
    shown = (
        ("accuracy", "accuracy_interval", _TRAIN, "o", -0.12),
        ("balanced_accuracy", "balanced_accuracy_interval", _VALIDATION, "s", 0.12),
    )
    for name, interval, color, marker, shift in shown:
        values = [getattr(entry, name) for entry in scores]
        edges = [getattr(entry, interval) for entry in scores]
        # A figure of few images may lie outside the percentiles of its resamples.
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
    return _png(figure)


_GAP_S = 0.5
"""Faces unseen for longer leave a gap in their timeline, where their points lie closer."""

_PLOTTED_FACES = 12


def draw_timeline(tracks: Sequence[Track], duration_s: float) -> bytes:
    """Draw the emotions of each face of a video over time, the faces seen longest.

    Args:
        tracks: The faces, with their timelines.
        duration_s: Length of the video in seconds.
    """
    longest = sorted(tracks, key=lambda track: -track.seconds)[:_PLOTTED_FACES]
    shown = sorted((track for track in longest if track.points), key=lambda track: track.id)
    figure = _figure(10, 1.6 + 1.3 * max(len(shown), 1))
    rows: Any = figure.subplots(max(len(shown), 1), 1, sharex=True, squeeze=False)[:, 0]
    labels = list(shown[0].points[0].probabilities) if shown else []
    colors = ["#{2:02x}{1:02x}{0:02x}".format(*COLORS.get(name, (0, 0, 0))) for name in labels]
    for axes, track in zip(rows, shown, strict=False):
        for number, part in enumerate(_unbroken(track.points)):
            times = [point.time_s for point in part]
            values = [[point.probabilities[name] for point in part] for name in labels]
            if len(times) == 1:  # an area needs two
                times, values = [times[0], times[0] + 0.04], [[*v, *v] for v in values]
            names = labels if number == 0 else []
            axes.stackplot(times, values, colors=colors, labels=names, linewidth=0)
        share = track.shares[track.emotion]
        axes.set_title(
            f"face {track.id}: mostly {track.emotion} ({share:.0%}), changes: {track.changes}",
            loc="left",
            fontsize=9,
        )
        axes.set(ylim=(0, 1), yticks=(0, 0.5, 1))
        axes.grid(alpha=0.3)
    if not shown:
        rows[0].text(0.5, 0.5, "no faces", ha="center", va="center", transform=rows[0].transAxes)
    else:
        handles, names = rows[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside upper center", ncols=len(names), fontsize=9)
        figure.supylabel("probability", fontsize=9)
    rows[-1].set(xlabel="seconds", xlim=(0, max(duration_s, 0.04)))
    return _png(figure)


def _unbroken(points: Sequence[Point]) -> list[list[Point]]:
    """Cut a timeline where the face was out of sight."""
    steps = sorted(later.time_s - earlier.time_s for earlier, later in pairwise(points))
    limit = max(_GAP_S, 3 * steps[len(steps) // 2]) if steps else _GAP_S
    parts = [[points[0]]]
    for point in points[1:]:
        if point.time_s - parts[-1][-1].time_s > limit:
            parts.append([])
        parts[-1].append(point)
    return parts
