"""Draws the learning curves of several runs in one figure."""

from collections.abc import Mapping, Sequence
from typing import Any

from emorec.figures import new_figure, to_png
from emorec.fonts import drawable

_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's palette, which colour-blind people can distinguish, without yellow."""

_STYLES = ("-", "--", ":")

_PANELS = (
    ("val_accuracy", "Accuracy on validation images"),
    ("accuracy", "Accuracy on training images (augmented)"),
    ("val_loss", "Loss on validation images"),
    ("loss", "Loss on training images (augmented)"),
    ("learning_rate", "Learning rate"),
)

_LONGEST_NAME = 44


def draw_run_curves(
    names: Sequence[str],
    histories: Sequence[Sequence[Mapping[str, float]]],
    best_epochs: Sequence[int | None],
) -> bytes:
    """Draw accuracy, loss and learning rate by epoch.

    Args:
        names: Name of each run, for the legend; up to 21 have distinct lines.
        histories: Rows of each run, one an epoch, with the key "epoch" and some of accuracy, loss,
            val_accuracy, val_loss and learning_rate.
        best_epochs: Epoch of the model of each run, which is marked; None for none.
    """
    figure = new_figure(11, 11)
    panels: Any = figure.subplots(3, 2)
    lines = []
    for place, (key, title) in enumerate(_PANELS):
        axes = panels.flat[place]
        for number, (history, best) in enumerate(zip(histories, best_epochs, strict=True)):
            rows = [row for row in history if key in row]
            line = axes.plot(
                [row["epoch"] for row in rows],
                [row[key] for row in rows],
                _STYLES[number // len(_COLORS) % len(_STYLES)],
                color=_COLORS[number % len(_COLORS)],
                marker="o" if len(rows) < 3 else None,
                markersize=4,
            )
            if key == "val_accuracy":
                lines += line
                chosen = [row for row in rows if row["epoch"] == best]
                axes.plot(
                    [row["epoch"] for row in chosen],
                    [row[key] for row in chosen],
                    "*",
                    color=_COLORS[number % len(_COLORS)],
                    markersize=11,
                    markeredgecolor="white",
                    zorder=3,
                )
        axes.set(title=title, xlabel="epoch")
        axes.locator_params(axis="x", integer=True)
        axes.grid(alpha=0.3)
        if key == "learning_rate" and _are_far_apart(histories):
            axes.set_yscale("log", nonpositive="mask")
        if key == "val_loss":
            _limit_losses(axes, histories)
    legend = panels.flat[len(_PANELS)]
    legend.axis("off")
    shown = [_shortened(f"{number}: {name}") for number, name in enumerate(names, 1)]
    legend.legend(
        lines,
        [drawable(name).replace("$", r"\$") for name in shown],
        loc="upper left",
        fontsize=9 if len(names) > 12 else 10,
        handlelength=3,
        frameon=False,
        borderaxespad=0,
        title="Runs; a star marks the epoch of the model",
        alignment="left",
    )
    return to_png(figure)


def _shortened(name: str) -> str:
    half = _LONGEST_NAME // 2
    return name if len(name) <= _LONGEST_NAME else f"{name[: half - 2]}...{name[1 - half :]}"


def _are_far_apart(histories: Sequence[Sequence[Mapping[str, float]]]) -> bool:
    """Return whether the learning rates of runs differ by a factor of 20 or more."""
    highest = [
        max((row.get("learning_rate", 0.0) for row in rows), default=0) for rows in histories
    ]
    positive = [rate for rate in highest if rate > 0]
    return bool(positive) and max(positive) >= 20 * min(positive)


def _limit_losses(axes: Any, histories: Sequence[Sequence[Mapping[str, float]]]) -> None:
    """Cut off a few huge validation losses, as moving statistics that lag behind cause them."""
    losses = sorted(row["val_loss"] for rows in histories for row in rows if "val_loss" in row)
    if not losses:
        return
    usual = 2 * losses[int(0.9 * (len(losses) - 1))]
    if losses[-1] > usual > 0:
        axes.set_ylim(0, usual)
