"""The result of a hyperparameter search: as one HTML page, as lines of text, and for JSON."""

import html
from collections.abc import Mapping
from pathlib import Path
from statistics import NormalDist
from typing import Any

from emorec import __version__
from emorec.pages import page, table, wide_image
from emorec.training import tuning_plots
from emorec.training.tuning_folder import TuningPlan, finish_command, train_command
from emorec.training.tuning_records import (
    TITLES,
    TrialRecord,
    best_of,
    setting_text,
    value_text,
)

_DEVIATIONS_OF_INTERVAL = 2 * NormalDist().inv_cdf(0.975)


def selection_optimism(trial: TrialRecord, objective: str, trials: int) -> float | None:
    """Estimate by how much the best of several trials looks better than it is, at most.

    It is the expected largest of independent errors of measurement: if all trials were equally
    good, the best of them would exceed the truth by that much. Their errors are not independent, as
    they are measured on the same images, so the true excess is smaller. The standard error follows
    from the 95 % interval of the trial, the expected largest of n normal values from Blom's
    approximation (1958).

    Args:
        trial: The best trial.
        objective: The figure by which it was chosen.
        trials: Number of trials of which it is the best.

    Returns:
        None if the figure has no interval.
    """
    figures = trial.outcome.figures
    if figures is None or objective not in figures.intervals:
        return None
    if trials < 2:
        return 0.0
    low, high = figures.intervals[objective]
    largest = NormalDist().inv_cdf((trials - 0.375) / (trials + 0.25))
    return largest * (high - low) / _DEVIATIONS_OF_INTERVAL


def looks(trials: tuple[TrialRecord, ...]) -> int:
    """Count the looks at the validation split: the epochs after which it was measured."""
    return sum(trial.epochs for trial in trials)


def summary_lines(plan: TuningPlan, trials: tuple[TrialRecord, ...]) -> list[str]:
    """Describe the best trial, and how far its figure can be trusted, in lines of text."""
    best = best_of(trials, plan.objective)
    counts = _counts(trials)
    if best is None:
        return [f"no trial is complete ({counts})"]
    objective = TITLES[plan.objective]
    lines = [f"best: trial {best.number}, validation {objective} {_with_interval(best, plan)}"]
    if best.number != 1 and (own := trials[0].value(plan.objective)) is not None:
        lines.append(f"settings of the recipe (trial 1): {objective} {own:.4f}")
    lines += [f"  {name} {setting_text(value)}" for name, value in best.settings.items()]
    lines.append(f"{counts}, {looks(trials):,} looks at the validation split")
    return [*lines, _caution(plan, trials, best)]


def tuning_dict(folder: Path, plan: TuningPlan, trials: tuple[TrialRecord, ...]) -> dict[str, Any]:
    """Return the result as native types, for JSON."""
    best = best_of(trials, plan.objective)
    complete = sum(trial.outcome.figures is not None for trial in trials)
    return {
        "tuning": str(folder),
        "objective": plan.objective,
        "best": best and _trial_dict(best),
        "recipe": _trial_dict(trials[0]) if trials else None,
        "looks": looks(trials),
        "selection_optimism": best and selection_optimism(best, plan.objective, complete),
        "train": best and train_command(folder, plan),
        "finish": best and finish_command(folder, best),
        "trials": [_trial_dict(trial) for trial in trials],
    }


def render_tuning(
    plan: TuningPlan, trials: tuple[TrialRecord, ...], importances: Mapping[str, float]
) -> str:
    """Render the page of a search.

    All names are escaped, images are embedded, and the page loads nothing.

    Args:
        plan: What the search was asked for.
        trials: Trials that have ended, at least one.
        importances: Importance of each setting; empty if there are too few trials.
    """
    best = best_of(trials, plan.objective)
    objective = TITLES[plan.objective]
    parts = [
        f"<p>{_counts(trials)} of the network {html.escape(plan.config.arch)} on "
        f"{html.escape(plan.data.name)}, compared by their {objective} on the validation split. "
        f"emorec {__version__}.</p>"
    ]
    if best is None:
        parts.append("<p>No trial is complete.</p>")
    else:
        parts += [
            "<h2>Best settings</h2>",
            f"<p>Trial {best.number}: validation {objective} {_with_interval(best, plan)}.</p>",
            _comparison(plan, trials[0], best),
            f"<p><strong>{html.escape(_caution(plan, trials, best))}</strong></p>",
            f"<p>The trials were measured {looks(trials):,} times on the validation split, after "
            "each of their epochs. Figures of the test split, from <code>emorec evaluate --split "
            "test</code>, have no part in the search.</p>",
            "<h2>Trials</h2>",
            wide_image(
                tuning_plots.draw_trials(trials, plan.objective), f"{objective} of the trials"
            ),
        ]
    parts.append(_trials(plan, trials, best))
    if best is not None:
        parts += [
            "<h2>Settings</h2><p>Each point is a complete trial; the diamond has the settings of "
            "the recipe, the star is the best trial.</p>",
            wide_image(
                tuning_plots.draw_slices(trials, plan.space, plan.objective),
                f"{objective} by setting",
            ),
            *_importances(importances),
        ]
    settings = html.escape(plan.to_yaml())
    parts.append(
        f"<details><summary>Search space and recipe</summary><pre>{settings}</pre></details>"
    )
    return page(f"Search of settings: {plan.config.arch}", parts)


def _counts(trials: tuple[TrialRecord, ...]) -> str:
    counts = {
        state: sum(trial.outcome.state == state for trial in trials)
        for state in ("complete", "pruned", "failed")
    }
    text = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    return f"{len(trials)} trial{'s' * (len(trials) != 1)} ({text})"


def _with_interval(trial: TrialRecord, plan: TuningPlan) -> str:
    figures = trial.outcome.figures
    text = value_text(trial.value(plan.objective))
    if figures is None or plan.objective not in figures.intervals:
        return text
    low, high = figures.intervals[plan.objective]
    return f"{text} (95 % interval {low:.4f} to {high:.4f}, {figures.images:,} images)"


def _caution(plan: TuningPlan, trials: tuple[TrialRecord, ...], best: TrialRecord) -> str:
    """Say that the best figure is optimistic, by how much, and whether the gain exceeds that."""
    complete = sum(trial.outcome.figures is not None for trial in trials)
    optimism = selection_optimism(best, plan.objective, complete)
    text = "The figure of the best trial is optimistic, as it was chosen by this figure"
    if optimism is None or complete < 2:
        return f"{text}; the test split shows what it is worth."
    text += (
        f": of {complete} equally good trials the best one would look better than it is by up to "
        f"{optimism:.4f}"
    )
    own, value = trials[0].value(plan.objective), best.value(plan.objective)
    if own is None or value is None or best.number == 1:
        return f"{text}."
    gain = abs(value - own)
    verdict = "more" if gain > optimism else "no more"
    return f"{text}. The gain over the recipe, {gain:.4f}, is {verdict} than that."


def _comparison(plan: TuningPlan, own: TrialRecord, best: TrialRecord) -> str:
    rows = [
        [
            each.name,
            setting_text(own.settings.get(each.name, "")),
            setting_text(best.settings.get(each.name, "")),
        ]
        for each in plan.space
    ]
    rows += [
        [
            f"validation {title}",
            *(value_text(t.value(name)) for t in (own, best)),
        ]
        for name, title in TITLES.items()
    ]
    return table(["", "recipe", f"trial {best.number}"], rows)


def _trials(plan: TuningPlan, trials: tuple[TrialRecord, ...], best: TrialRecord | None) -> str:
    names = [each.name for each in plan.space]
    rows = [
        [
            f"{trial.number}{' (best)' if best and trial.number == best.number else ''}",
            value_text(trial.value(plan.objective)) or trial.outcome.state,
            *(setting_text(trial.settings.get(name, "")) for name in names),
            str(trial.epochs),
            f"{trial.seconds:,.0f} s",
        ]
        for trial in trials
    ]
    head = ["trial", TITLES[plan.objective], *names, "epochs", "time"]
    reasons = [
        f"<li>Trial {trial.number}: {html.escape(trial.outcome.reason)}</li>"
        for trial in trials
        if trial.outcome.reason
    ]
    listed = f"<p>Trials that are not complete:</p><ul>{''.join(reasons)}</ul>" if reasons else ""
    return table(head, rows) + listed


def _importances(importances: Mapping[str, float]) -> list[str]:
    if not importances:
        return ["<p>The importance of the settings needs at least 8 complete trials.</p>"]
    return [
        "<h3>Importance</h3><p>The share of each setting in whether a trial is among the better "
        "half (PED-ANOVA, Watanabe et al. 2023). With few trials these shares are rough.</p>",
        wide_image(tuning_plots.draw_importances(importances), "importance of the settings"),
    ]


def _trial_dict(trial: TrialRecord) -> dict[str, Any]:
    return {
        "trial": trial.number,
        "state": trial.outcome.state,
        "reason": trial.outcome.reason or None,
        "settings": dict(trial.settings),
        "epochs": trial.epochs,
        "seconds": round(trial.seconds, 3),
        "folder": trial.folder,
        **(trial.outcome.figures.to_dict() if trial.outcome.figures else {}),
    }
