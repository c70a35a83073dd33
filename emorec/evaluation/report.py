"""The report of evaluated models as one self-contained HTML page."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from emorec import __version__
from emorec.evaluation import plots
from emorec.evaluation.assessment import Evaluation
from emorec.evaluation.comparison import pair_tests, titles
from emorec.evaluation.group_section import group_sections
from emorec.evaluation.metrics import intervals_text, majority_problem
from emorec.evaluation.mistakes import Mistake, mistake_grid
from emorec.evaluation.significance import Interval
from emorec.metadata import calibration_problem
from emorec.pages import image_tag, page, table, wide_image

_MISTAKES_PER_MODEL = 16
"""Number of mistakes to show of each model if several are compared."""


OUT_OF_FOLD = "out-of-fold"
"""Stands for a split where models of a cross-validation classified the images of their folds."""


@dataclass(frozen=True)
class TrainingHistory:
    """Training of the model, for its report.

    Attributes:
        history: One mapping per epoch, for `emorec.evaluation.plots.draw_curves`.
        best_epoch: Epoch whose weights the model has.
        settings: The configuration as text.
    """

    history: Sequence[Mapping[str, float]]
    best_epoch: int
    settings: str


def render(
    evaluations: Sequence[Evaluation],
    data: str,
    split: str,
    training: TrainingHistory | None = None,
) -> str:
    """Render the report of one model, or of several in comparison.

    All names are escaped, images are embedded, and the page loads nothing.

    Args:
        evaluations: At least one, all on the same images.
        data: Name of the data set.
        split: "train", "validation" or "test"; or `OUT_OF_FOLD`.
        training: Training of a single model; None omits the section.
    """
    examples = evaluations[0].examples
    where = f"the {split} split of {data}"
    if split == OUT_OF_FOLD:
        where = f"{data}, each classified by a model that was not trained on it (cross-validation)"
    summary = (
        f"<p>{len(examples.paths):,} images of {html.escape(where)}, "
        f"{len(examples.class_names)} classes. {intervals_text(evaluations[0].scores)} "
        f"emorec {__version__}.</p>"
    )
    if len(evaluations) > 1:
        names = titles(evaluations)
        parts = [summary, *comparison_sections(names, evaluations)]
        for name, entry in zip(names, evaluations, strict=True):
            parts += [f"<h2>{html.escape(name)}</h2>", *model_sections(entry, _MISTAKES_PER_MODEL)]
        return page(f"Comparison of {len(evaluations)} models", parts)
    (only,) = evaluations
    parts = [
        summary,
        *(_training(training) if training else ()),
        "<h2>Model</h2>",
        *model_sections(only, len(only.mistakes)),
    ]
    return page(f"{only.metadata.name} {only.metadata.version}: evaluation", parts)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.2%}"


def _interval(interval: Interval) -> str:
    return f"{interval[0]:.2%} to {interval[1]:.2%}"


def _training(training: TrainingHistory) -> list[str]:
    last = training.history[-1]
    validation = ""
    if "val_loss" in last:
        validation = f" and {last['val_loss']:.3f} on validation images"
    return [
        "<h2>Training</h2>"
        f"<p>{len(training.history)} epochs; the model has the weights of epoch "
        f"{training.best_epoch}. In the last epoch the loss was {last['loss']:.3f} on training "
        f"images{validation}.</p>",
        wide_image(plots.draw_curves(training.history), "accuracy and loss by epoch"),
        f"<details><summary>Settings</summary><pre>{html.escape(training.settings)}</pre></details>",
    ]


def comparison_sections(names: Sequence[str], evaluations: Sequence[Evaluation]) -> list[str]:
    """Render the comparison of several models on the same images.

    Args:
        names: Name of each model.
        evaluations: Their evaluations.
    """
    scores = [entry.scores for entry in evaluations]
    head = ("accuracy", "interval", "balanced", "interval", "macro F1", "top 2", "calibration")
    rows = [
        [
            name,
            _percent(s.accuracy),
            _interval(s.accuracy_interval),
            _percent(s.balanced_accuracy),
            _interval(s.balanced_accuracy_interval),
            f"{s.macro_f1:.4f}",
            _percent(s.top2_accuracy),
            f"{s.calibration_error:.4f}",
        ]
        for name, s in zip(names, scores, strict=True)
    ]
    labels = [entry.label for entry in scores[0].per_class]
    recalls = [
        [name, *(_percent(part.recall) for part in s.per_class)]
        for name, s in zip(names, scores, strict=True)
    ]
    tests = [
        [
            f"{names[test.first]} / {names[test.second]}",
            str(test.result.only_first),
            str(test.result.only_second),
            f"{test.result.p_value:.3g}",
        ]
        for test in pair_tests(evaluations)
    ]
    return [
        "<h2>Comparison</h2>",
        table(["model", *head], rows),
        wide_image(plots.draw_comparison(names, scores), "accuracies with intervals"),
        "<h3>Recall by class</h3>",
        table(["model", *labels], recalls),
        "<h3>McNemar's exact test</h3><p>Images that only one of two models classifies "
        "correctly, and the p value under the hypothesis that both models have the same accuracy. "
        "p values are not corrected for multiple comparisons.</p>",
        table(["models", "only the first", "only the second", "p"], tests),
    ]


def model_sections(entry: Evaluation, mistakes: int) -> list[str]:
    """Render the metrics, plots and mistakes of one model.

    Args:
        entry: The evaluation.
        mistakes: Largest number of mistakes to show.
    """
    return [
        _facts(entry),
        _matching(entry),
        _metrics(entry),
        _classes(entry),
        "<h3>Confusion matrix</h3>",
        wide_image(plots.draw_confusion_matrix(entry.scores), "confusion matrix"),
        *_calibration(entry),
        _adjustments(entry),
        _votes(entry),
        *group_sections(entry.group_comparisons),
        _mistakes(entry.mistakes[:mistakes]),
    ]


def _facts(entry: Evaluation) -> str:
    metadata = entry.metadata
    views = "each image and its mirror image, averaged" if entry.flip else "each image once"
    rows = [
        ["file", str(entry.model)],
        ["architecture", metadata.architecture],
        ["input", f"{metadata.input_size} x {metadata.input_size}, {metadata.color}"],
        ["trained on", metadata.training_data],
        ["licence", metadata.license],
        ["temperature", f"{metadata.temperature:.4g}"],
        ["logit adjustment", f"{entry.adjustment_strength:g}"],
        ["inference", views],
    ]
    return "<dl>" + "".join(f"<dt>{n}</dt><dd>{html.escape(v)}</dd>" for n, v in rows) + "</dl>"


def _matching(entry: Evaluation) -> str:
    if not (entry.matching and (lines := entry.matching.to_lines())):
        return ""
    points = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    return f"<h3>Classes of the data and of the model</h3><ul>{points}</ul>"


def _metrics(entry: Evaluation) -> str:
    s = entry.scores
    majority, share = s.majority
    rows = [
        ["accuracy", _percent(s.accuracy), _interval(s.accuracy_interval)],
        [f"share of {majority}, the most frequent label", _percent(share), ""],
        [
            "balanced accuracy",
            _percent(s.balanced_accuracy),
            _interval(s.balanced_accuracy_interval),
        ],
        ["macro F1", f"{s.macro_f1:.4f}", "{:.4f} to {:.4f}".format(*s.macro_f1_interval)],
        ["top-2 accuracy", _percent(s.top2_accuracy), ""],
        ["cross-entropy, nats", f"{s.loss:.4f}", ""],
        ["expected calibration error", f"{s.calibration_error:.4f}", ""],
    ]
    problems = (majority_problem(s), calibration_problem(entry.metadata.calibration_images))
    notes = [f"<p><strong>{html.escape(problem)}</strong></p>" for problem in problems if problem]
    return "<h3>Metrics</h3>" + table(["", "value", "interval"], rows) + "".join(notes)


def _classes(entry: Evaluation) -> str:
    rows = [
        [
            part.label,
            _percent(part.precision),
            _percent(part.recall),
            f"{part.f1:.4f}",
            "-" if part.roc_auc is None else f"{part.roc_auc:.4f}",
            f"{part.images:,}",
        ]
        for part in entry.scores.per_class
    ]
    head = ["class", "precision", "recall", "F1", "ROC AUC", "images"]
    return "<h3>Classes</h3>" + table(head, rows)


def _calibration(entry: Evaluation) -> list[str]:
    two_fold = ""
    if entry.two_fold:
        first, second = entry.two_fold.temperatures
        two_fold = (
            "<p>With temperatures fitted on one half of the images and evaluated on the other, "
            f"the error is {entry.two_fold.calibration_error:.4f} (temperatures {first:.3f} and "
            f"{second:.3f} instead of {entry.metadata.temperature:.3f}).</p>"
        )
    rows = [
        [f"{point.min_confidence:.2f}", _percent(point.coverage), _percent(point.accuracy)]
        for point in entry.coverage[::2]
    ]
    error = entry.scores.calibration_error
    return [
        "<h3>Calibration</h3>" + two_fold,
        image_tag(plots.draw_reliability(entry.reliability, error), "reliability diagram"),
        "<h3>Uncertain faces</h3><p>Coverage and accuracy if faces below a minimum confidence "
        "are marked as uncertain (<code>--min-confidence</code>).</p>",
        image_tag(
            plots.draw_coverage(entry.coverage), "coverage and accuracy by minimum confidence"
        ),
        table(["minimum confidence", "coverage", "accuracy"], rows),
    ]


def _adjustments(entry: Evaluation) -> str:
    if not entry.adjustments:
        return ""
    rows = [
        [
            f"{part.strength:g}"
            + (" (this report)" if part.strength == entry.adjustment_strength else ""),
            _percent(part.accuracy),
            _percent(part.balanced_accuracy),
        ]
        for part in entry.adjustments
    ]
    return (
        "<h3>Rare emotions</h3><p>Metrics by strength of the logit adjustment "
        "(<code>--prior</code>; 0 natural, 1 balanced).</p>"
        + table(["strength", "accuracy", "balanced accuracy"], rows)
    )


def _votes(entry: Evaluation) -> str:
    if not entry.votes:
        return ""
    rows = [
        [
            "all agree" if part.below is None else f"{part.lowest:.0%} to below {part.below:.0%}",
            _percent(part.accuracy),
            f"{part.images:,}",
        ]
        for part in entry.votes.bins
    ]
    return (
        "<h3>Agreement with the annotators</h3><p>The mean Kullback-Leibler divergence of the "
        "probabilities from the shares of the votes is "
        f"{entry.votes.divergence:.4f} nats. The table groups the images by the share of their "
        "most frequent vote.</p>" + table(["annotators who agree", "accuracy", "images"], rows)
    )


def _mistakes(mistakes: Sequence[Mistake]) -> str:
    if not mistakes:
        return ""
    return (
        "<h3>Most confident mistakes</h3><p>The images are the inputs of the model. Where the "
        "annotators disagree, the label may be as doubtful as the prediction.</p>"
        + mistake_grid(mistakes)
    )
