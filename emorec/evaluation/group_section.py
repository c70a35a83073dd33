"""The section of a report page with the metrics by group."""

import html
from collections.abc import Sequence

from emorec.evaluation import plots
from emorec.evaluation.group_scores import CAUTION, GroupComparison
from emorec.evaluation.significance import Interval
from emorec.pages import table, wide_image


def group_sections(comparisons: Sequence[GroupComparison]) -> list[str]:
    """Render tables and plots of metrics by group, one for each column of groups."""
    return [part for comparison in comparisons for part in _section(comparison)]


def _percent(value: float) -> str:
    return f"{value:.1%}"


def _interval(interval: Interval) -> str:
    return "{:.1%} to {:.1%}".format(*interval)


def _section(comparison: GroupComparison) -> list[str]:
    people = comparison.resamples_people
    rows = []
    for part in comparison.groups:
        rest = part.difference_to_rest.get("accuracy")
        rows.append(
            [
                (part.group or "(empty)") + ("" if part.not_compared is None else " *"),
                f"{part.images:,}",
                *([f"{part.resampled_groups:,}"] if people else []),
                _percent(part.accuracy),
                _interval(part.accuracy_interval),
                _percent(part.balanced_accuracy),
                _interval(part.balanced_accuracy_interval),
                f"{part.calibration_error:.3f}",
                "{:.3f} to {:.3f}".format(*part.calibration_error_interval),
                "-" if rest is None else f"{100 * rest.value:+.1f}",
                "-" if rest is None else "{:+.1f} to {:+.1f}".format(*_points(rest.interval)),
            ]
        )
    head = [
        *("group", "images"),
        *(["people"] if people else []),
        *("accuracy", "95 %", "balanced", "95 %", "calibration", "95 %"),
        *("against the rest, points", "95 %"),
    ]
    notes = [
        f"<li>* {html.escape(part.group or '(empty)')}: not compared, {part.not_compared}</li>"
        for part in comparison.groups
        if part.not_compared is not None
    ]
    gaps = [f"<li>{html.escape(gap.to_text())}</li>" for gap in comparison.gaps]
    return [
        f"<h3>Groups by {html.escape(comparison.column)}</h3>"
        f"<p>{html.escape(comparison.method)} {CAUTION}</p>",
        wide_image(plots.draw_groups(comparison), f"metrics by {comparison.column}"),
        table(head, rows),
        f"<ul>{''.join(notes)}</ul>" if notes else "",
        f"<p>Gaps between the best and the worst group:</p><ul>{''.join(gaps)}</ul>"
        if gaps
        else "<p>Fewer than two groups can be compared.</p>",
    ]


def _points(interval: Interval) -> Interval:
    return 100 * interval[0], 100 * interval[1]
