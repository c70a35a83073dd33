"""Plots of a hyperparameter search, as the bytes of PNG files."""

from collections.abc import Mapping, Sequence
from typing import Any

from emorec.figures import new_figure, to_png
from emorec.training.search_space import Parameter
from emorec.training.tuning_records import TITLES, TrialRecord, best_of, setting_text

# Blue, vermilion and green of Okabe and Ito's palette, which colour-blind people can distinguish.
_TRIAL, _OWN, _BEST = "#0072B2", "#D55E00", "#009E73"

_COLUMNS = 3


def draw_trials(trials: Sequence[TrialRecord], objective: str) -> bytes:
    """Draw the figure of each trial, and the best one so far.

    Args:
        trials: Trials that have ended, at least one of them complete.
        objective: Name of the figure.
    """
    figure = new_figure(8, 4)
    axes: Any = figure.add_subplot()
    complete = [(trial.number, trial.value(objective)) for trial in trials]
    points = [(number, value) for number, value in complete if value is not None]
    axes.plot(*zip(*points, strict=True), "o", color=_TRIAL, label="trial")
    better = min if objective == "loss" else max
    so_far = [better(value for n, value in points if n <= number) for number, _ in points]
    numbers = [number for number, _ in points]
    axes.step(numbers, so_far, where="post", color=_BEST, label="best so far")
    first = trials[0]
    if (own := first.value(objective)) is not None:
        axes.axhline(own, color=_OWN, linestyle="--", label="settings of the recipe")
    best = best_of(tuple(trials), objective)
    if best and best.outcome.figures and objective in best.outcome.figures.intervals:
        low, high = best.outcome.figures.intervals[objective]
        value = best.value(objective) or 0.0
        errors = [[max(value - low, 0)], [max(high - value, 0)]]
        label = "95 % interval of the best"
        axes.errorbar(
            [best.number], [value], errors, fmt="none", ecolor="black", capsize=4, label=label
        )
    lost = [trial.number for trial in trials if trial.outcome.figures is None]
    if lost:
        bottom = axes.get_ylim()[0]
        axes.plot(lost, [bottom] * len(lost), "x", color="0.5", clip_on=False, label="not complete")
        axes.set_ylim(bottom=bottom)
    axes.set(xlabel="trial", ylabel=f"validation {TITLES[objective]}")
    axes.set_xticks(range(1, len(trials) + 1, max(len(trials) // 12, 1)))
    axes.grid(alpha=0.3)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1))
    return to_png(figure)


def draw_slices(trials: Sequence[TrialRecord], space: Sequence[Parameter], objective: str) -> bytes:
    """Draw the figure of each complete trial by each searched setting.

    Args:
        trials: Trials that have ended, at least one of them complete.
        space: The searched settings.
        objective: Name of the figure.
    """
    rows = -(-len(space) // _COLUMNS)
    figure = new_figure(10, 0.6 + 2.7 * rows)
    complete = [trial for trial in trials if trial.outcome.figures is not None]
    best = best_of(tuple(trials), objective)
    for place, parameter in enumerate(space, 1):
        axes: Any = figure.add_subplot(rows, _COLUMNS, place)
        names = _names_of_choices(parameter)
        for trial in complete:
            style = {"marker": "o", "color": _TRIAL, "zorder": 2}
            if trial.number == 1:
                style = {"marker": "D", "color": _OWN, "zorder": 3}
            if best and trial.number == best.number:
                style |= {"marker": "*", "markersize": 13, "zorder": 4}
                style |= {"color": _BEST} if trial.number != 1 else {}
            own = trial.settings[parameter.name]
            position = names.index(setting_text(own)) if names else own
            axes.plot([position], [trial.value(objective)], linestyle="none", **style)
        if names:
            axes.set_xticks(range(len(names)), names)
            axes.set_xlim(-0.5, len(names) - 0.5)
        elif parameter.log:
            axes.set_xscale("log")
        axes.set_xlabel(parameter.name)
        if place % _COLUMNS == 1:
            axes.set_ylabel(TITLES[objective])
        axes.grid(alpha=0.3)
    return to_png(figure)


def _names_of_choices(parameter: Parameter) -> list[str]:
    """Return the choices of a setting as text, numbers by size; empty for a range."""
    choices = list(parameter.choices)
    if all(isinstance(value, int | float) for value in choices):
        choices.sort()
    return [setting_text(value) for value in choices]


def draw_importances(importances: Mapping[str, float]) -> bytes:
    """Draw the importance of each setting as a bar, the largest at the top."""
    figure = new_figure(7, 0.9 + 0.35 * len(importances))
    axes: Any = figure.add_subplot()
    names = list(importances)[::-1]
    shares = [importances[name] for name in names]
    axes.barh(names, shares, color=_TRIAL)
    for place, share in enumerate(shares):
        axes.text(share, place, f" {share:.0%}", va="center")
    axes.set(xlim=(0, 1.1 * max(shares, default=1)), xlabel="importance (PED-ANOVA)")
    return to_png(figure)
