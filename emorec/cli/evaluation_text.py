"""The text output of `emorec evaluate`."""

from collections.abc import Sequence
from typing import Any

from emorec.cli.group_text import group_lines
from emorec.cli.terminal_text import one_line
from emorec.datasets.prepared_files import GROUP
from emorec.evaluation.assessment import Evaluation
from emorec.evaluation.comparison import pair_tests, titles
from emorec.evaluation.metrics import intervals_text, majority_problem

_CONFIDENCES = (0.0, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Points of the coverage curve in the text; the JSON output has all."""


def _interval(interval: tuple[float, float]) -> str:
    return f"95 %: {interval[0]:.4f} to {interval[1]:.4f}"


def evaluation_text(result: Evaluation) -> str:
    """Format the evaluation of one model."""
    scores = result.scores
    labels = [one_line(entry.label) for entry in scores.per_class]
    width = max(map(len, labels)) + 2
    two_fold = f"{result.two_fold.calibration_error:.4f}" if result.two_fold else "-"
    lines = [
        f"{one_line(f'{result.metadata.name} {result.metadata.version}')} on "
        f"{scores.images} images",
        "",
        f"accuracy           {scores.accuracy:.4f}  {_interval(scores.accuracy_interval)}",
        f"majority label     {scores.majority[1]:.4f}  share of {one_line(scores.majority[0])}",
        f"top-2 accuracy     {scores.top2_accuracy:.4f}",
        f"loss               {scores.loss:.4f}",
        f"macro F1           {scores.macro_f1:.4f}  {_interval(scores.macro_f1_interval)}",
        f"balanced accuracy  {scores.balanced_accuracy:.4f}  "
        f"{_interval(scores.balanced_accuracy_interval)}",
        f"calibration error  {scores.calibration_error:.4f}  "
        f"temperature fitted on the other half: {two_fold}",
    ]
    if result.votes:
        lines.append(f"divergence         {result.votes.divergence:.4f}  from the votes, in nats")
    if scores.resampled_groups is not None:
        lines += ["", intervals_text(scores)]
    if problem := majority_problem(scores):
        lines += ["", one_line(problem)]
    lines += ["", f"{'':{width}}precision   recall       F1  ROC AUC   images"]
    lines += [
        f"{label:{width}}{e.precision:9.4f}{e.recall:9.4f}{e.f1:9.4f}"
        f"{'        -' if e.roc_auc is None else format(e.roc_auc, '9.4f')}{e.images:9d}"
        for label, e in zip(labels, scores.per_class, strict=True)
    ]
    lines += ["", "confusion matrix (rows: label, columns: predicted)"]
    lines.append(" " * width + "".join(f"{label:>9.9}" for label in labels))
    rows: Any = zip(labels, scores.confusion_matrix, strict=True)
    lines += [f"{label:{width}}" + "".join(f"{n:9d}" for n in row) for label, row in rows]
    if result.adjustments:
        lines += ["", "logit adjustment  accuracy  balanced accuracy"]
        lines += [
            f"{entry.strength:<18g}{entry.accuracy:.4f}    {entry.balanced_accuracy:.4f}"
            f"{'  <- this evaluation' if entry.strength == result.adjustment_strength else ''}"
            for entry in result.adjustments
        ]
    lines += ["", "minimum confidence  coverage  accuracy of the images at or above it"]
    lines += [
        f"{point.min_confidence:<20.2f}{point.coverage:<10.4f}{point.accuracy:.4f}"
        for point in result.coverage
        if point.min_confidence in _CONFIDENCES and point.accuracy is not None
    ]
    if result.votes:
        lines += ["", "agreement of annotators  accuracy  images"]
        lines += [
            f"{_bin_name(entry.lowest, entry.below):25}{entry.accuracy:.4f}{entry.images:10d}"
            for entry in result.votes.bins
        ]
    for comparison in result.group_comparisons:
        lines += group_lines(comparison)
    if result.matching:
        lines += ["", *map(one_line, result.matching.to_lines())]
    return "\n".join(lines)


def _bin_name(lowest: float, below: float | None) -> str:
    if below is None:
        return "all agree"
    return f"{lowest:.0%} to below {below:.0%}"


def comparison_text(found: Sequence[Evaluation]) -> str:
    """Format the evaluations of several models on the same images."""
    names = [one_line(title) for title in titles(found)]
    width = max(len("model"), *map(len, names)) + 2
    lines = [
        f"{len(found)} models on {found[0].scores.images} images",
        "",
        f"{'model':{width}}accuracy    95 %             balanced  macro F1   top-2  calibration",
    ]
    for name, entry in zip(names, found, strict=True):
        scores = entry.scores
        low, high = scores.accuracy_interval
        lines.append(
            f"{name:{width}}{scores.accuracy:8.4f}{low:8.4f} to {high:.4f}"
            f"{scores.balanced_accuracy:12.4f}{scores.macro_f1:10.4f}{scores.top2_accuracy:8.4f}"
            f"{scores.calibration_error:13.4f}"
        )
    labels = [one_line(entry.label) for entry in found[0].scores.per_class]
    lines += ["", "recall by class", " " * width + "".join(f"{label:>10.9}" for label in labels)]
    for name, entry in zip(names, found, strict=True):
        recalls = "".join(f"{part.recall:10.4f}" for part in entry.scores.per_class)
        lines.append(f"{name:{width}}{recalls}")
    lines += ["", "McNemar's test: images that only one of two models classifies correctly"]
    for test in pair_tests(found):
        result = test.result
        lines.append(
            f"{names[test.first]}: {result.only_first}, {names[test.second]}: "
            f"{result.only_second}, p = {result.p_value:.3g}"
        )
    for name, entry in zip(names, found, strict=True):
        if gaps := gap_lines(name, entry):
            lines += ["", *gaps]
        if entry.matching and (matched := entry.matching.to_lines()):
            lines += ["", f"classes of {name}", *map(one_line, matched)]
    return "\n".join(lines)


def gap_lines(name: str, entry: Evaluation) -> list[str]:
    """Format the gaps between groups of one of several models."""
    lines = []
    for comparison in entry.group_comparisons:
        begin = f"{name}: groups by {one_line(comparison.column)}: "
        lines += [begin + one_line(gap.to_text()) for gap in comparison.gaps]
        if not comparison.gaps and comparison.column != GROUP:  # nobody asked for the default
            lines.append(f"{begin}fewer than two groups can be compared")
    return lines
