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


def _percent(value: float, interval: Interval) -> str:
    return f"{value:.1%} ({100 * interval[0]:.1f} to {100 * interval[1]:.1f})"


def _points(value: float, interval: Interval) -> str:
    low, high = interval
    return f"{100 * value:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"


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
                _percent(part.accuracy, part.accuracy_interval),
                _percent(part.balanced_accuracy, part.balanced_accuracy_interval),
                "{:.3f} ({:.3f} to {:.3f})".format(
                    part.calibration_error, *part.calibration_error_interval
                ),
                "-" if rest is None else _points(rest.value, rest.interval),
            ]
        )
    head = [
        *("group", "images"),
        *(["people"] if people else []),
        *("accuracy", "balanced accuracy", "calibration error", "accuracy against the rest"),
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
