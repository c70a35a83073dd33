"""The text of metrics by group."""

from emorec.cli.terminal_text import one_line
from emorec.evaluation.group_scores import CAUTION, GroupComparison


def group_lines(comparison: GroupComparison) -> list[str]:
    """Format the metrics of the groups of one column, and the gaps between them."""
    groups = comparison.groups
    names = [f"{one_line(entry.group):.60}" or "(empty)" for entry in groups]
    names = [
        name if entry.not_compared is None else f"{name} *"
        for name, entry in zip(names, groups, strict=True)
    ]
    title = f"group by {one_line(comparison.column):.60}"
    width = max(len(title), *map(len, names)) + 2
    people = comparison.resamples_people
    lines = [
        "",
        f"{title:{width}}images{'  people' if people else ''}  accuracy  95 %              balanced"
        "  95 %              calibration  95 %              to the rest",
    ]
    for name, entry in zip(names, groups, strict=True):
        rest = entry.difference_to_rest.get("accuracy")
        lines.append(
            f"{name:{width}}{entry.images:6d}{f'{entry.resampled_groups:8d}' if people else ''}"
            f"{entry.accuracy:10.4f}  {_range(entry.accuracy_interval)}"
            f"{entry.balanced_accuracy:10.4f}  {_range(entry.balanced_accuracy_interval)}"
            f"{entry.calibration_error:13.4f}  {_range(entry.calibration_error_interval)}"
            f"{'            -' if rest is None else format(rest.value, '+13.4f')}"
        )
    reasons: dict[str, int] = {}
    for entry in groups:
        if entry.not_compared is not None:
            reasons[entry.not_compared] = reasons.get(entry.not_compared, 0) + 1
    if reasons:
        counts = [f"{reason} ({count})" for reason, count in reasons.items()]
        lines.append(f"* not compared: {', '.join(counts)}")
    if not comparison.gaps:
        return [*lines, "", "Fewer than two groups can be compared."]
    lines += ["", "gaps between the worst and the best group"]
    lines += [one_line(gap.to_text()) for gap in comparison.gaps]
    return [*lines, comparison.method, CAUTION]


def _range(interval: tuple[float, float]) -> str:
    return f"{interval[0]:.4f} to {interval[1]:.4f}"
